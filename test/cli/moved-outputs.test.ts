import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { copyJob, JobFolder, lines } from "./job-folder.ts";

/** The third commit never comes: 40 records are committed. */
async function interrupted(context: TestContext): Promise<JobFolder> {
  const folder = new JobFolder(context);
  folder.write("in.jsonl", lines(100));
  const { signal } = await folder.start(
    ["run", "job.yaml", "--until-end", "--batch-size", "10"],
    "commit.record.before=crash@3",
  ).ended;
  assert.equal(signal, "SIGKILL");
  return folder;
}

describe("D7: outputs that are not where they were", () => {
  it("a renamed sink goes on with its file", async (context) => {
    const folder = await interrupted(context);
    folder.write("job.yaml", copyJob.replace("  copy: { type", "  kept: { type"));
    const { exit, stderr } = await folder.run();
    assert.equal(exit, 0, stderr);
    assert.equal(folder.records("out/copy.jsonl").length, 100);
  });

  it("a sink with another path leaves its file and says so; without that file it stops with 6", async (context) => {
    const folder = await interrupted(context);
    folder.write("job.yaml", copyJob.replace("out/copy.jsonl", "out/other.jsonl"));
    rmSync(join(folder.path, "out/copy.jsonl.committed"));
    const moved = await folder.run();
    assert.equal(moved.exit, 0, moved.stderr);
    assert.match(
      moved.stderr,
      /WARN sink copy goes on in out\/other.jsonl.*stays in out\/copy.jsonl/,
    );
    const again = await interrupted(context);
    again.write("job.yaml", copyJob.replace("out/copy.jsonl", "out/other.jsonl"));
    rmSync(join(again.path, "out/copy.jsonl"));
    const lost = await again.run();
    assert.equal(lost.exit, 6, lost.stderr);
    assert.match(lost.stderr, /OUTPUT_DAMAGED out\/copy.jsonl of sink copy.*is gone/);
  });
});
