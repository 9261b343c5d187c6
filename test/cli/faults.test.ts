import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import type { ProcessEnd } from "../crash/pipeline-process.ts";
import { copyJob, followingJob, JobFolder, lines } from "./job-folder.ts";

const smallBatches = ["--batch-size", "10"];
const state = ".pipeline/state/copy";

function refused(end: ProcessEnd, exit: number, ...says: readonly RegExp[]): void {
  for (const text of says) assert.match(end.stderr, text);
  assert.equal(end.exit, exit, end.stderr);
  assert.doesNotMatch(end.stderr, /\n {4}at /, "a stack trace is for bugs");
}

function ids(folder: JobFolder): readonly unknown[] {
  return folder.records("out/copy.jsonl").map(({ id }) => id);
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** A folder whose job has read 100 records to the end and committed them. */
async function committed(context: TestContext): Promise<JobFolder> {
  const folder = new JobFolder(context);
  folder.write("in.jsonl", lines(100));
  const end = await folder.run(...smallBatches);
  assert.equal(end.exit, 0, end.stderr);
  assert.deepEqual(ids(folder), range(100));
  return folder;
}

/** Of every file but the state's. */
function contentOf(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => !name.startsWith(".pipeline") && statSync(join(folder, name)).isFile(),
  );
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

function flip(path: string, at: number, text: Buffer): void {
  text[at] = (text[at] ?? 0) ^ 1;
  writeFileSync(path, text);
}

describe("An input that changed between two runs", () => {
  it("that grew after its end had closed all windows is refused, exit 6", async (context) => {
    const folder = await committed(context);
    appendFileSync(join(folder.path, "in.jsonl"), lines(30, 90));
    refused(
      await folder.run(),
      6,
      /INPUT_CHANGED/,
      /read to its end at byte \d+ before and has \d+ bytes now/,
    );
    assert.deepEqual(ids(folder), range(100));
  });

  it("that grew after a crash is read on to its new end", async (context) => {
    const folder = new JobFolder(context);
    folder.write("in.jsonl", lines(100));
    const args = ["run", "job.yaml", "--until-end", ...smallBatches];
    const killed = await folder.start(args, "commit.head.after=crash@4").ended;
    assert.equal(killed.signal, "SIGKILL", killed.stderr);
    appendFileSync(join(folder.path, "in.jsonl"), lines(30, 90));
    const end = await folder.run(...smallBatches);
    assert.equal(end.exit, 0, end.stderr);
    assert.deepEqual(ids(folder), range(120));
    assert.equal(folder.records("out/dead.jsonl").length, 10);
  });

  it("that holds other bytes is refused, exit 6", async (context) => {
    const folder = await committed(context);
    folder.write("in.jsonl", lines(100).replace('"id":5,', '"id":7,'));
    refused(await folder.run(), 6, /INPUT_CHANGED/, /in\.jsonl/, /--state-dir/);
    assert.deepEqual(ids(folder), range(100));
  });

  it("that is shorter is refused, exit 6; that is gone, exit 5", async (context) => {
    const folder = await committed(context);
    truncateSync(join(folder.path, "in.jsonl"), 900);
    refused(await folder.run(), 6, /INPUT_CHANGED/, /shorter \(900 bytes\)/);
    rmSync(join(folder.path, "in.jsonl"));
    refused(await folder.run(), 5, /INPUT_MISSING/, /in\.jsonl/);
    assert.deepEqual(ids(folder), range(100));
  });
});

describe("Outputs", () => {
  it("of another run are not overwritten without --overwrite", async (context) => {
    const folder = new JobFolder(context);
    folder.write("in.jsonl", lines(10));
    folder.write("out/copy.jsonl", "somebody's\n");
    refused(await folder.run(), 2, /OUTPUT_EXISTS/, /--overwrite/);
    assert.equal(folder.read("out/copy.jsonl"), "somebody's\n");
    const end = await folder.run("--overwrite");
    assert.equal(end.exit, 0, end.stderr);
    assert.deepEqual(ids(folder), range(10));
  });

  it("D6: that were shortened, deleted or have another marker are refused, exit 6", async (context) => {
    const damage: readonly ((path: string) => void)[] = [
      (path) => truncateSync(path, 100),
      (path) => rmSync(path),
      (path) => writeFileSync(`${path}.committed`, "not a marker"),
    ];
    for (const change of damage) {
      const folder = await committed(context);
      change(join(folder.path, "out/copy.jsonl"));
      refused(await folder.run(), 6, /OUTPUT_DAMAGED/, /out\/copy\.jsonl/);
    }
  });

  it("that cannot be written stop the run with exit 5, before anything is read", async (context) => {
    const folder = new JobFolder(context);
    folder.write("in.jsonl", lines(10));
    folder.write("out", "a file where a folder should be");
    refused(await folder.run(), 5, /OUTPUT_UNWRITABLE/, /out/);
    rmSync(join(folder.path, "out"));
    const end = await folder.run();
    assert.equal(end.exit, 0, end.stderr);
    assert.deepEqual(ids(folder), range(10));
  });
});

describe("An output that is something else as well", () => {
  /** Arranges that the sink `dead` writes there, with `link` leading to `out`. */
  const deadAt = (path: string) => (folder: JobFolder) => {
    folder.write("job.yaml", copyJob.replace("out/dead.jsonl", path));
    mkdirSync(join(folder.path, "out"));
    symlinkSync("out", join(folder.path, "link"));
    return [];
  };
  const cases: readonly (readonly [string, (folder: JobFolder) => readonly string[], RegExp])[] = [
    [
      "the input, by its name",
      ({ path }) => {
        renameSync(join(path, "in.jsonl"), join(path, "copy.jsonl"));
        return ["--input", "lines=copy.jsonl", "--output-dir", "."];
      },
      /sink copy would write \S+copy\.jsonl, which is what source lines reads/,
    ],
    [
      "the input, through a linked folder",
      ({ path }) => {
        mkdirSync(join(path, "data"));
        renameSync(join(path, "in.jsonl"), join(path, "data/copy.jsonl"));
        symlinkSync("data", join(path, "link"));
        return ["--input", "lines=data/copy.jsonl", "--output-dir", "link"];
      },
      /which is what source lines reads/,
    ],
    [
      "the input, by a hard link",
      ({ path }) => {
        mkdirSync(join(path, "out"));
        linkSync(join(path, "in.jsonl"), join(path, "out/copy.jsonl"));
        return [];
      },
      /which is what source lines reads/,
    ],
    [
      "another sink's, through a link, before either exists",
      deadAt("link/copy.jsonl"),
      /sink dead would write \S+copy\.jsonl, which is what sink copy writes/,
    ],
    [
      "another sink's marker, through a link",
      deadAt("link/copy.jsonl.committed"),
      /which is what sink copy writes/,
    ],
    [
      "the job itself",
      ({ path }) => {
        mkdirSync(join(path, "out"));
        symlinkSync("../job.yaml", join(path, "out/copy.jsonl"));
        return [];
      },
      /which is what the job is made of/,
    ],
    [
      "the schema of a step",
      (folder) => {
        folder.write("schema.json", '{"type":"object"}');
        folder.write(
          "job.yaml",
          copyJob
            .replace("steps:", "steps:\n  - { id: valid, type: validate, schema: schema.json }")
            .replace("out/copy.jsonl", "schema.json"),
        );
        return [];
      },
      /sink copy would write \S+schema\.json, which is what the job is made of/,
    ],
    [
      "the file of parameters",
      (folder) => {
        folder.write("out/copy.jsonl", "{}");
        return ["--params-file", "out/copy.jsonl"];
      },
      /which is what the job is made of/,
    ],
    [
      "its own marker, as the input",
      (folder) => {
        mkdirSync(join(folder.path, "out"));
        renameSync(join(folder.path, "in.jsonl"), join(folder.path, "out/copy.jsonl.committed"));
        return ["--input", "lines=out/copy.jsonl.committed"];
      },
      /which is what source lines reads/,
    ],
  ];
  for (const [name, arrange, says] of cases) {
    it(`is refused before anything is touched: ${name}`, async (context) => {
      const folder = new JobFolder(context);
      folder.write("in.jsonl", lines(10));
      const args = arrange(folder);
      const before = contentOf(folder.path);
      refused(await folder.run("--overwrite", ...args), 2, /OUTPUT_COLLIDES/, says);
      assert.deepEqual(contentOf(folder.path), before);
    });
  }

  it("is refused before a record is written: another sink's, by links to a file that does not exist", async (context) => {
    const folder = new JobFolder(context);
    folder.write("in.jsonl", lines(10));
    mkdirSync(join(folder.path, "out"));
    for (const name of ["copy", "dead"]) {
      symlinkSync("one.jsonl", join(folder.path, `out/${name}.jsonl`));
    }
    refused(await folder.run(), 2, /OUTPUT_COLLIDES/, /which is what sink copy writes/);
    assert.equal(folder.read("out/one.jsonl"), "");
  });

  it("is none: an output that links to a file of its own, in a linked folder beside the input, started again", async (context) => {
    const folder = new JobFolder(context);
    mkdirSync(join(folder.path, "real"));
    symlinkSync("real", join(folder.path, "out"));
    symlinkSync("elsewhere.jsonl", join(folder.path, "real/copy.jsonl"));
    folder.write("out/in.jsonl", lines(100));
    const args = ["--input", "lines=out/in.jsonl", ...smallBatches];
    const killed = await folder.start(
      ["run", "job.yaml", "--until-end", ...args],
      "commit.head.after=crash@4",
    ).ended;
    assert.equal(killed.signal, "SIGKILL", killed.stderr);
    const end = await folder.run(...args);
    assert.equal(end.exit, 0, end.stderr);
    assert.deepEqual(ids(folder), range(100));
  });

  it("below an input that is a file is no fault of the output", async (context) => {
    const folder = new JobFolder(context);
    folder.write("in.jsonl", lines(1));
    refused(await folder.run("--input", "lines=in.jsonl/x"), 5, /INPUT_UNREADABLE/);
  });
});

describe("A full disk", () => {
  for (const [folderOnIt, message] of [
    ["out", /copy\.jsonl/],
    [".pipeline", /\.pipeline\/state\/copy/],
  ] as const) {
    it(`D5: under ${folderOnIt} stops the run with exit 5; with space again the job goes on`, async (context) => {
      const folder = new JobFolder(context);
      folder.write("in.jsonl", lines(20_000));
      const path = join(folder.path, folderOnIt);
      mkdirSync(path);
      try {
        const small = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", path];
        execFileSync("mount", small, { stdio: "ignore" });
      } catch {
        context.skip("no right to mount a small disk here: test/faults lets the calls fail");
        return;
      }
      try {
        refused(await folder.run(...smallBatches), 5, /DISK_FULL/, message);
        execFileSync("mount", ["-o", "remount,size=32m", path]);
        const end = await folder.run("--batch-size", "1000");
        assert.equal(end.exit, 0, end.stderr);
        assert.deepEqual(ids(folder), range(20_000));
      } finally {
        execFileSync("umount", [path]);
      }
    });
  }
});

describe("State", () => {
  it("D6: with a flipped bit in any file of it is refused with exit 6, or the outputs are the same", async (context) => {
    const folder = await committed(context);
    const files = readdirSync(join(folder.path, state), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    assert.ok(files.length > 5);
    let refusals = 0;
    for (const path of files) {
      // Level replaces its files at every open.
      if (!existsSync(path) || statSync(path).size === 0) continue;
      const text = readFileSync(path);
      const copy = Buffer.from(text);
      flip(path, Math.floor(text.length / 2), copy);
      const end = await folder.run();
      assert.ok(end.exit === 0 || end.exit === 6, `${path}: ${end.stderr}`);
      if (end.exit !== 0) {
        refused(end, end.exit ?? 0, /STATE_|INPUT_CHANGED/);
        refusals += 1;
        writeFileSync(path, text);
      }
      assert.deepEqual(ids(folder), range(100), path);
    }
    assert.ok(refusals >= 2, `${refusals} refusals`);
  });

  it("of another job is refused, exit 6", async (context) => {
    const folder = await committed(context);
    folder.write("other.yaml", copyJob.replace("name: copy", "name: other"));
    const end = await folder.pipeline("run", "other.yaml", "--until-end", "--state-dir", state);
    refused(end, 6, /STATE_FOREIGN/, /"copy"/, /"other"/, /--state-dir/);
  });

  it("D9: in use by another process is refused with the holder's pid, and the holder goes on", async (context) => {
    const folder = new JobFolder(context, followingJob);
    folder.write("in.jsonl", lines(10));
    await folder.pipeline("produce", "numbers", "--file", "in.jsonl");
    const holder = folder.start(["run", "job.yaml"]);
    await holder.until(() => existsSync(join(folder.path, ".pipeline/state/follow/identity")));
    const second = await folder.pipeline("run", "job.yaml");
    refused(second, 5, /STATE_LOCKED/, new RegExp(`\\b${holder.pid}\\b`));
    holder.kill("SIGTERM");
    const end = await holder.ended;
    assert.equal(end.exit, 0, end.stderr);
    const { stdout } = await folder.pipeline("consume", "evens", "--from-beginning");
    assert.equal(stdout.trim().split("\n").length, 5);
  });

  it("D7: that knows of epochs in topics that are gone is refused, exit 6", async (context) => {
    const job = copyJob.replace("type: file, path: out/copy.jsonl", "type: kafka, topic: copy");
    const folder = new JobFolder(context, `${job}kafka: { bootstrap_servers: embedded }\n`);
    folder.write("in.jsonl", lines(30));
    const made = await folder.run();
    assert.equal(made.exit, 0, made.stderr);
    const topics = join(folder.path, ".pipeline/topics");
    rmSync(topics, { recursive: true });
    appendFileSync(join(folder.path, "in.jsonl"), lines(30, 30));
    refused(await folder.run(), 6, /SINK_DIVERGED/, /holds nothing of this job/);
    assert.ok(!existsSync(topics), "nothing was made");
  });

  it("D7: deleted while topics hold its epochs is refused, exit 6", async (context) => {
    const job = copyJob.replace("type: file, path: out/copy.jsonl", "type: kafka, topic: copy");
    const folder = new JobFolder(context, `${job}kafka: { bootstrap_servers: embedded }\n`);
    folder.write("in.jsonl", lines(30));
    const made = await folder.run();
    assert.equal(made.exit, 0, made.stderr);
    const before = (await folder.pipeline("consume", "copy", "--from-beginning")).stdout;
    rmSync(join(folder.path, state), { recursive: true });
    rmSync(join(folder.path, "out"), { recursive: true });
    refused(await folder.run(), 6, /epoch/);
    assert.equal((await folder.pipeline("consume", "copy", "--from-beginning")).stdout, before);
  });
});
