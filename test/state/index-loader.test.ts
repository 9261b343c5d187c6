import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { DedupIndex } from "../../engine/state/dedup-index.ts";
import { IndexLoader } from "../../engine/state/index-loader.ts";
import { KeyHash } from "../../engine/state/key-hash.ts";

const seed = "00112233445566778899aabbccddeeff";
const keys = 300;
const cutoffMs = 5;

const run = fc.record({
  timeMs: fc.integer({ min: 0, max: 40 }),
  keys: fc.array(fc.integer({ min: 0, max: keys }), { minLength: 1, maxLength: 40 }),
});

function wordsOf(hash: KeyHash, names: readonly string[]): Int32Array {
  return Int32Array.from(
    names.flatMap((name) => {
      const { a, b, c, d } = hash.of(name);
      return [a, b, c, d];
    }),
  );
}

for (const tagsMax of [65_536, 8, 2]) {
  test(`a loaded index holds what one filled key by key holds (${tagsMax} tags)`, () => {
    fc.assert(
      fc.property(fc.array(run, { maxLength: 60 }), (runs) => {
        const hash = new KeyHash(seed);
        const loaded = new DedupIndex({ tagsMax });
        const filled = new DedupIndex({ tagsMax });
        loaded.expireThrough(cutoffMs);
        filled.expireThrough(cutoffMs);
        const loader = new IndexLoader(loaded, 0);
        for (const { timeMs, keys: numbers } of runs) {
          const names = numbers.map((number) => `key-${number}`);
          loader.add(wordsOf(hash, names), timeMs);
          for (const name of names) filled.raise(hash.of(name), timeMs);
        }
        loader.finish();
        assert.equal(loaded.size, filled.size);
        for (let number = 0; number <= keys; number++) {
          const key = hash.of(`key-${number}`);
          assert.equal(loaded.find(key), filled.find(key));
        }
        loaded.expireThrough(20);
        filled.expireThrough(20);
        assert.equal(loaded.size, filled.size);
      }),
      { seed: 20_250_113, numRuns: 100 },
    );
  });
}

test("more keys than the loader gathers at once are all there", () => {
  const hash = new KeyHash(seed);
  const index = new DedupIndex();
  const loader = new IndexLoader(index, 10_000);
  const names = Array.from({ length: 700_000 }, (_, number) => `key-${number}`);
  loader.add(wordsOf(hash, names.slice(0, 400_000)), 1000);
  loader.add(wordsOf(hash, names.slice(300_000)), 2000);
  loader.finish();
  assert.equal(index.size, names.length);
  for (const [number, name] of names.entries()) {
    assert.equal(index.find(hash.of(name)), number < 300_000 ? 1000 : 2000);
  }
});
