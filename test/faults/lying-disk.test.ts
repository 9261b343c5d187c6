import assert from "node:assert/strict";
import { test } from "node:test";
import { exitCode } from "../../engine/core/errors.ts";
import { MemoryDisk } from "../../engine/testing/memory-disk.ts";
import { MemoryFiles } from "../../engine/testing/memory-files.ts";
import { memoryLogStores } from "../../engine/testing/memory-log-store.ts";
import { MemoryProcess } from "../../engine/testing/memory-process.ts";
import { FaultJob } from "./fault-job.ts";
import type { Ending, FaultPlace } from "./fault-job.ts";

const folder = "/disk";
const output = `${folder}/out/kept.jsonl`;

function placeOn(process: MemoryProcess): FaultPlace {
  return { files: new MemoryFiles(process), openLogStore: memoryLogStores(process), folder };
}

/** A job that was drained in the middle, on a disk that has lost a part of its output since, in another boot or not. */
async function afterLoss(bootId: string): Promise<{ ending: Ending; changes: number }> {
  const disk = new MemoryDisk();
  const job = new FaultJob("files");
  await job.prepare(placeOn(new MemoryProcess(disk)));
  const stop = new AbortController();
  let hits = 0;
  const first = await job.run(placeOn(new MemoryProcess(disk)), {
    incarnation: "first",
    bootId: "one",
    stop: stop.signal,
    failpoints: {
      async hit(name) {
        if (name === "commit.head.after" && ++hits === 3) stop.abort();
      },
    },
  });
  assert.equal(first.kind, "drained");
  const node = disk.find(output);
  assert.ok(node?.kind === "file" && node.bytes.length > 1500);
  node.bytes.write(Buffer.alloc(512), 512);
  const process = new MemoryProcess(disk);
  const ending = await job.run(placeOn(process), { incarnation: "second", bootId });
  const changes = process.journal.filter(
    ({ kind, path }) => ["write", "truncate", "rename"].includes(kind) && !path.includes("lock"),
  );
  return { ending, changes: changes.length };
}

test("D3: an output that a disk has lost a part of, though it was synced, is noticed after the next boot", async () => {
  for (const bootId of ["two", ""]) {
    const { ending, changes } = await afterLoss(bootId);
    assert.ok(ending.kind === "stopped");
    const { code, exit, message } = ending.error;
    assert.deepEqual([code, exit], ["OUTPUT_DAMAGED", exitCode.person]);
    assert.match(
      message,
      /what was last committed of out\/kept\.jsonl, up to byte \d+, is not in it any more/,
    );
    assert.equal(changes, 0);
  }
});

test("a start in the same boot does not read its outputs again: what was written is there", async () => {
  const { ending } = await afterLoss("one");
  assert.equal(ending.kind, "finished");
});
