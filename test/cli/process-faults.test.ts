import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { JobFolder, copyJob, lines } from "./job-folder.ts";

const endless = ["run", "job.yaml", "--until-end", "--batch-size", "10"];

/** The process of the engine does this by itself, once its second commit can be read. */
function atSecondCommit(act: string): string {
  const text = `
    import { readFileSync } from "node:fs";
    const timer = setInterval(() => {
      let marker = "";
      try { marker = readFileSync("out/copy.jsonl.committed", "utf8"); } catch {}
      if (!marker.includes('"epoch":2,')) return;
      clearInterval(timer);
      ${act}
    }, 5);`;
  return `--import=data:text/javascript,${encodeURIComponent(text)}`;
}

function withInput(context: TestContext, count: number): JobFolder {
  const folder = new JobFolder(context);
  folder.write("in.jsonl", lines(count));
  return folder;
}

/** The steps in front of the state have a thread of their own here, if the run asks for it. */
const onTwoThreads = copyJob.replace(
  /^steps:$/m,
  `steps:
  - { id: small, type: filter, where: "id >= 0" }`,
);

async function restartIsExact(
  folder: JobFolder,
  count: number,
  ...more: readonly string[]
): Promise<void> {
  const end = await folder.run(...more);
  assert.equal(end.exit, 0, end.stderr);
  const ids = folder.records("out/copy.jsonl").map(({ id }) => id);
  assert.deepEqual(
    ids,
    Array.from({ length: count }, (_, id) => id),
  );
  assert.deepEqual(folder.records("out/dead.jsonl"), []);
}

describe("A fault of the process itself", () => {
  // The third commit is held, so that the process is at work when the fault comes.
  const held = "commit.record.before=hang@3";
  for (const [what, text] of [
    ["a timer that throws", "throw new Error('out of nowhere');"],
    ["a rejection that nobody handles", "Promise.reject(new Error('out of nowhere'));"],
  ] as const) {
    it(`P6: ${what} ends the run with exit 1, and a restart is exact`, async (context) => {
      const folder = withInput(context, 100);
      const { exit, stderr } = await folder.start(endless, held, atSecondCommit(text)).ended;
      assert.equal(exit, 1, stderr);
      assert.match(stderr, /This is a bug in pipeline; please report it/);
      assert.match(stderr, /out of nowhere/);
      assert.equal(folder.records("out/copy.jsonl.committed")[0]?.["epoch"], 2);
      await restartIsExact(folder, 100);
    });
  }

  it("P6: an error on the second thread ends the run with exit 1, and a restart is exact", async (context) => {
    const folder = new JobFolder(context, onTwoThreads);
    folder.write("in.jsonl", lines(1000));
    const text = `
      import { parentPort } from "node:worker_threads";
      let batches = 0;
      parentPort?.on("message", () => { if (++batches === 20) throw new Error("out of nowhere"); });`;
    const options = `--import=data:text/javascript,${encodeURIComponent(text)}`;
    const args = [...endless, "--threads", "2"];
    const { exit, stderr } = await folder.start(args, "", options).ended;
    assert.equal(exit, 1, stderr);
    assert.match(stderr, /This is a bug in pipeline; please report it/);
    assert.match(stderr, /out of nowhere/);
    assert.ok(Number(folder.records("out/copy.jsonl.committed")[0]?.["epoch"]) >= 1);
    await restartIsExact(folder, 1000, "--batch-size", "10", "--threads", "2");
  });

  it("P7: a loop that stood still for seconds is told, and changes no output", async (context) => {
    const folder = withInput(context, 100);
    const blocks = atSecondCommit(
      "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6500);",
    );
    const run = folder.start(endless, held, blocks);
    await run.prints(/WARN nothing ran for \d\.\d s/);
    run.kill("SIGKILL");
    await run.ended;
    await restartIsExact(folder, 100);
  });

  it("P5: an exhausted heap aborts, and a restart with more memory is exact", async (context) => {
    const windows = `
version: 1
name: windows
sources:
  lines:
    type: file
    path: in.jsonl
    event_time: { field: at, format: epoch_millis }
    watermark: { max_out_of_orderness: 0s }
checkpoint: { interval: 60s, max_records: 5000 }
steps:
  - id: each
    type: aggregate
    key: id
    window: { type: tumbling, size: 1h }
    allowed_lateness: 7d
    aggregates: { rows: { count: true }, first: { min: text } }
sinks:
  windows: { type: file, path: out/windows.jsonl, input: each }
  dead: { type: file, path: out/dead.jsonl, input: [errors, each.late] }
`;
    const folder = new JobFolder(context, windows);
    const count = 100_000;
    const text = (id: number): string => `${id}-${"x".repeat(200)}`;
    folder.write(
      "in.jsonl",
      Array.from(
        { length: count },
        (_, id) => `${JSON.stringify({ id, at: id, text: text(id) })}\n`,
      ).join(""),
    );
    const args = ["run", "job.yaml", "--until-end"];
    const dead = await folder.start(args, "", "--max-old-space-size=48").ended;
    assert.equal(dead.signal, "SIGABRT", dead.stderr);
    const before = folder.records("out/windows.jsonl.committed")[0];
    assert.ok(Number(before?.["epoch"]) >= 1, "something was committed");
    const end = await folder.run();
    assert.equal(end.exit, 0, end.stderr);
    const found = folder.records("out/windows.jsonl");
    assert.equal(found.length, count);
    assert.equal(new Set(found.map(({ id }) => id)).size, count);
    assert.ok(found.every(({ id, rows, first }) => rows === 1 && first === text(Number(id))));
  });

  it("I5: a record of 100 MB is set aside with its head, length and digest, in a small heap", async (context) => {
    const folder = new JobFolder(context);
    const large = Buffer.from(`{"id":1,"text":"${"x".repeat(100_000_000)}"}`);
    const [first = "", second = ""] = lines(2).split(/(?<=\n)/);
    folder.write(
      "in.jsonl",
      Buffer.concat([Buffer.from(first), large, Buffer.from(`\n${second}`)]),
    );
    const run = folder.start(["run", "job.yaml", "--until-end"], "", "--max-old-space-size=64");
    const { exit, stderr } = await run.ended;
    assert.equal(exit, 0, stderr);
    assert.deepEqual(
      folder.records("out/copy.jsonl").map(({ id }) => id),
      [0, 1],
    );
    const [dead] = folder.records("out/dead.jsonl");
    assert.equal(dead?.["code"], "RECORD_TOO_LARGE");
    assert.equal(dead["original_length"], large.length);
    assert.equal(dead["original_sha256"], createHash("sha256").update(large).digest("hex"));
    assert.ok(large.toString("utf8", 0, 2000).startsWith(String(dead["original"]).slice(0, 1000)));
  });

  it("I16: nothing but bad records, and many of them, fit into a small heap", async (context) => {
    const folder = new JobFolder(context);
    const count = 150_000;
    folder.write("in.jsonl", `{"id":\n`.repeat(count));
    const run = folder.start(["run", "job.yaml", "--until-end"], "", "--max-old-space-size=64");
    const { exit, stderr } = await run.ended;
    assert.equal(exit, 0, stderr);
    assert.equal(folder.records("out/dead.jsonl").length, count);
    assert.equal(folder.read("out/copy.jsonl"), "");
  });
});
