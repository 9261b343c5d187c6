import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { sealText } from "../../engine/checkpoint/sealed-file.ts";
import { projectRoot } from "../crash/pipeline-process.ts";
import { JobFolder } from "./job-folder.ts";

/**
 * What release 0.1 left when it was killed: the job, its input of 100 rows with 70 ids, and state and outputs between
 * two commits.
 */
function found(context: TestContext): JobFolder {
  const fixture = join(projectRoot, "test/fixtures/release-0.1");
  const folder = new JobFolder(context, readFileSync(join(fixture, "job.yaml"), "utf8"));
  cpSync(join(fixture, "in.jsonl"), join(folder.path, "in.jsonl"));
  cpSync(join(fixture, "out"), join(folder.path, "out"), { recursive: true });
  cpSync(join(fixture, "state"), join(folder.path, ".pipeline/state/copy"), { recursive: true });
  return folder;
}

describe("P9: a state directory of another release", () => {
  it("P9: an older one is taken up where it was left, with its keys", async (context) => {
    const folder = found(context);
    const before = Number(folder.records("out/copy.jsonl.committed")[0]?.["length"]);
    assert.ok(before > 0);
    const kept = folder.read("out/copy.jsonl").slice(0, before);
    const end = await folder.run("--format", "json");
    assert.equal(end.exit, 0, end.stderr);
    assert.ok((JSON.parse(end.stdout) as { records: number }).records < 100, "it reads on");
    assert.ok(folder.read("out/copy.jsonl").startsWith(kept));
    assert.deepEqual(
      folder.records("out/copy.jsonl").map(({ id }) => id),
      Array.from({ length: 70 }, (_, id) => id),
    );
    assert.equal(folder.records("out/dead.jsonl").length, 30);
  });

  it("P9: a newer one is refused with exit 6 and left as it is", async (context) => {
    const folder = found(context);
    const path = ".pipeline/state/copy/identity";
    const { content } = JSON.parse(folder.read(path)) as { content: { formatVersion: number } };
    const newer = { ...content, formatVersion: content.formatVersion + 1 };
    folder.write(path, sealText(newer));
    const before = [path, "out/copy.jsonl"].map((file) => folder.read(file));
    const end = await folder.run();
    assert.equal(end.exit, 6, end.stderr);
    assert.match(end.stderr, /STATE_TOO_NEW .*its format is 2, this release reads up to 1/);
    assert.deepEqual(
      [path, "out/copy.jsonl"].map((file) => folder.read(file)),
      before,
    );
  });
});
