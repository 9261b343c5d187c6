import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { followingJob, JobFolder, lines } from "./job-folder.ts";

async function topics(folder: JobFolder): Promise<void> {
  folder.write("first.jsonl", lines(10));
  folder.write("second.jsonl", lines(10, 10));
  const made = await folder.pipeline("produce", "numbers", "--file", "first.jsonl");
  assert.equal(made.exit, 0, made.stderr);
}

describe("Three terminals", () => {
  it("P1: run follows a topic, consume follows its output, produce writes; SIGINT drains", async (context) => {
    const folder = new JobFolder(context, followingJob);
    await topics(folder);
    const run = folder.start(["run", "job.yaml"]);
    // The first start makes the topics of the sinks.
    await run.until(() => existsSync(join(folder.path, ".pipeline/state/follow/head")));
    const consume = folder.start([
      "consume",
      "evens",
      "--from-beginning",
      "--follow",
      "--format",
      "value",
    ]);
    await consume.prints(/^(.+\n){5}/);
    const more = await folder.pipeline("produce", "numbers", "--file", "second.jsonl");
    assert.equal(more.exit, 0, more.stderr);
    await consume.prints(/^(.+\n){10}/);
    run.kill("SIGINT");
    const { exit, stderr } = await run.ended;
    assert.match(stderr, /SIGINT: draining/);
    assert.equal(exit, 0, stderr);
    consume.kill("SIGINT");
    const { stdout } = await consume.ended;
    const found = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { id: number }).id);
    assert.deepEqual(
      found.toSorted((a, b) => a - b),
      [0, 2, 4, 6, 8, 10, 12, 14, 16, 18],
    );
  });

  for (const [signal, status] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    it(`P2: a second ${signal} quits at once with ${status}, and a restart loses nothing`, async (context) => {
      const folder = new JobFolder(context, followingJob);
      await topics(folder);
      // The commit never ends, and so does the drain.
      const run = folder.start(["run", "job.yaml"], "commit.record.before=hang@1");
      const outbox = join(folder.path, ".pipeline/state/follow/outbox");
      await run.until(() => existsSync(outbox) && readdirSync(outbox).length > 0);
      run.kill(signal);
      await run.prints(/draining/);
      run.kill(signal);
      assert.equal((await run.ended).exit, status);
      const end = await folder.pipeline("run", "job.yaml", "--until-end");
      assert.equal(end.exit, 0, end.stderr);
      const { stdout } = await folder.pipeline(
        "consume",
        "evens",
        "--from-beginning",
        "--format",
        "value",
      );
      assert.equal(stdout.trim().split("\n").length, 5);
    });
  }
});
