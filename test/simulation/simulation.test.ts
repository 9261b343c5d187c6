import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { simulate } from "./simulation.ts";

const seeds = 200;

interface KeptSeed {
  readonly seed: number;
  /** What it found. */
  readonly found: string;
}

async function passes(seed: number): Promise<void> {
  try {
    await simulate(seed);
  } catch (cause) {
    throw new Error(`seed ${seed}; again: npm run simulate -- 1 ${seed}`, { cause });
  }
}

test("D1 D2 D3 D4 D9 P1 T7: whatever happens in whatever order, outputs are those of an uninterrupted run", async () => {
  for (let seed = 1; seed <= seeds; seed += 1) await passes(seed);
});

test("seeds that have found a bug find none", async () => {
  const path = new URL("kept-seeds.json", import.meta.url);
  for (const { seed } of JSON.parse(readFileSync(path, "utf8")) as KeptSeed[]) await passes(seed);
});

test("one seed is one run", async () => {
  assert.deepEqual(await simulate(3), await simulate(3));
});
