import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { DedupIndex } from "../../engine/state/dedup-index.ts";
import type { HashWords } from "../../engine/state/hash-chunk.ts";
import { KeyHash } from "../../engine/state/key-hash.ts";

const keys = 300;
const cutoffMs = 5;

/** Hashes of three sub-tables, which they fill and make grow; neighbours have the same home. */
function hashOf(key: number): HashWords {
  return { a: ((key >> 2) * 57_000_000) | 0, b: key, c: 7, d: (key % 3) << 29 };
}

const loads = fc.array(
  fc.record({
    timeMs: fc.integer({ min: 0, max: 40 }),
    keys: fc.array(fc.integer({ min: 0, max: keys }), { minLength: 1, maxLength: 40 }),
  }),
  { maxLength: 60, size: "max" },
);
const raises = fc.array(
  fc.record({
    key: fc.integer({ min: 0, max: keys }),
    timeMs: fc.integer({ min: 0, max: 60 }),
    cutoffMs: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 20 }),
  }),
  { maxLength: 200, size: "max" },
);

for (const tagsMax of [65_536, 8, 2]) {
  for (const room of [0, 40, 100_000]) {
    test(`a loaded index is as one filled key by key (${tagsMax} tags, room for ${room})`, () => {
      fc.assert(
        fc.property(loads, raises, (runs, later) => {
          const loaded = new DedupIndex({ tagsMax });
          const filled = new DedupIndex({ tagsMax });
          const same = () => {
            assert.equal(loaded.size, filled.size);
            for (let key = 0; key <= keys; key++) {
              assert.equal(loaded.find(hashOf(key)), filled.find(hashOf(key)));
            }
          };
          loaded.expireThrough(cutoffMs);
          filled.expireThrough(cutoffMs);
          loaded.reserve(room);
          for (const { timeMs, keys: numbers } of runs) {
            const hashes = numbers.map(hashOf);
            loaded.load(Int32Array.from(hashes.flatMap(({ a, b, c, d }) => [a, b, c, d])), timeMs);
            for (const hash of hashes) filled.raise(hash, timeMs);
          }
          loaded.endLoad();
          same();
          for (const { key, timeMs, cutoffMs: expiredMs } of later) {
            assert.equal(loaded.raise(hashOf(key), timeMs), filled.raise(hashOf(key), timeMs));
            if (expiredMs === null) continue;
            loaded.expireThrough(expiredMs);
            filled.expireThrough(expiredMs);
            assert.equal(loaded.size, filled.size);
          }
          same();
        }),
        { seed: 20_250_113, numRuns: 60 },
      );
    });
  }
}

test("more keys than there was room for are all there after a load", () => {
  const hash = new KeyHash("00112233445566778899aabbccddeeff");
  const index = new DedupIndex();
  index.reserve(10_000);
  const names = Array.from({ length: 700_000 }, (_, number) => `key-${number}`);
  const wordsOf = (some: readonly string[]) =>
    Int32Array.from(
      some.flatMap((name) => {
        const { a, b, c, d } = hash.of(name);
        return [a, b, c, d];
      }),
    );
  index.load(wordsOf(names.slice(0, 400_000)), 1000);
  index.load(wordsOf(names.slice(300_000)), 2000);
  index.endLoad();
  assert.equal(index.size, names.length);
  for (const [number, name] of names.entries()) {
    assert.equal(index.find(hash.of(name)), number < 300_000 ? 1000 : 2000);
  }
});
