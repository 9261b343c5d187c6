import assert from "node:assert/strict";
import { test } from "node:test";
import { HashChunkBuilder, readHashChunk } from "../../engine/state/hash-chunk.ts";

test("a chunk is read wherever in memory it lies, without the times that have expired", () => {
  const builder = new HashChunkBuilder();
  builder.add({ a: 1, b: -2, c: 3, d: -4 }, 20);
  builder.add({ a: 5, b: 6, c: 7, d: 8 }, 10);
  builder.add({ a: 9, b: 10, c: -11, d: 12 }, 20);
  const { payload } = builder.take();
  for (const offset of [0, 1, 2, 3, 8]) {
    const memory = new Uint8Array(payload.length + offset);
    memory.set(payload, offset);
    const chunk = readHashChunk(memory.subarray(offset));
    assert.equal(chunk?.entries, 3);
    assert.equal(chunk.latestMs, 20);
    const runs: [number, number[]][] = [];
    chunk.forEachRunAfter(5, (words, timeMs) => runs.push([timeMs, [...words]]));
    assert.deepEqual(runs, [
      [10, [5, 6, 7, 8]],
      [20, [1, -2, 3, -4, 9, 10, -11, 12]],
    ]);
    let after = 0;
    chunk.forEachRunAfter(10, () => (after += 1));
    assert.equal(after, 1);
  }
});
