import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockPool } from "../../engine/core/block-pool.ts";

test("a block that was given back is taken again, those in use never share a byte", () => {
  const pool = new BlockPool(64);
  const taken = Array.from({ length: 40 }, () => pool.take(64));
  for (const [index, block] of taken.entries()) block.fill(index);
  for (const [index, block] of taken.entries()) {
    assert.deepEqual(block, Buffer.alloc(64, index));
  }
  const first = taken[3]!;
  pool.giveBack(first);
  assert.equal(pool.take(10), first);
  assert.notEqual(pool.take(), first);
});

test("not all blocks of a burst are kept", () => {
  const pool = new BlockPool(64);
  const burst = new Set(Array.from({ length: 100 }, () => pool.take()));
  for (const block of burst) pool.giveBack(block);
  const again = Array.from({ length: 100 }, () => pool.take());
  assert.equal(again.filter((block) => burst.has(block)).length, 16);
});

test("a larger block is made where one is needed and not kept", () => {
  const pool = new BlockPool(64);
  const large = pool.take(65);
  assert.equal(large.length, 65);
  pool.giveBack(large);
  assert.equal(pool.take().length, 64);
});
