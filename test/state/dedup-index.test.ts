import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { DedupIndex } from "../../engine/state/dedup-index.ts";
import { KeyHash } from "../../engine/state/key-hash.ts";

const seed = "00112233445566778899aabbccddeeff";

/** What the index is meant to be. */
class Model {
  readonly times = new Map<string, number>();
  cutoffMs = -Infinity;

  find(key: string): number | undefined {
    return this.times.get(key);
  }

  raise(key: string, timeMs: number): boolean {
    if (timeMs <= this.cutoffMs || (this.times.get(key) ?? -Infinity) >= timeMs) return false;
    this.times.set(key, timeMs);
    return true;
  }

  expireThrough(cutoffMs: number): void {
    this.cutoffMs = Math.max(this.cutoffMs, cutoffMs);
    for (const [key, timeMs] of this.times) if (timeMs <= this.cutoffMs) this.times.delete(key);
  }
}

type Command =
  | { readonly kind: "raise"; readonly key: number; readonly timeMs: number }
  | { readonly kind: "expire"; readonly cutoffMs: number };

const times = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: 0, max: 60 }).map((bucket) => bucket * 1000) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(-62_135_596_800_000, 253_402_300_799_999, 4_070_908_800_000, -1),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 60_000 }) },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      kind: fc.constant("raise" as const),
      key: fc.integer({ min: 0, max: 400 }),
      timeMs: times,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("expire" as const),
      cutoffMs: fc.integer({ min: -10, max: 61_000 }),
    }),
  },
);

for (const tagsMax of [65_536, 8, 2]) {
  test(`the index behaves like a map with expiry (${tagsMax} tags)`, () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 600, size: "max" }), (commands) => {
        const hash = new KeyHash(seed);
        const index = new DedupIndex({ tagsMax });
        const model = new Model();
        for (const next of commands) {
          if (next.kind === "expire") {
            index.expireThrough(next.cutoffMs);
            model.expireThrough(next.cutoffMs);
          } else {
            const key = `key-${next.key}`;
            assert.equal(index.find(hash.of(key)), model.find(key));
            assert.equal(index.raise(hash.of(key), next.timeMs), model.raise(key, next.timeMs));
          }
          assert.equal(index.size, model.times.size);
        }
        for (let key = 0; key <= 400; key++) {
          assert.equal(index.find(hash.of(`key-${key}`)), model.find(`key-${key}`));
        }
      }),
      { seed: 20_250_113, numRuns: 60 },
    );
  });
}

test("many keys survive growing, sweeping and expiry of whole buckets", () => {
  const hash = new KeyHash(seed);
  const index = new DedupIndex();
  const model = new Model();
  const bucketMs = 900_000;
  const ttlMs = 24 * bucketMs;
  for (let i = 0; i < 200_000; i++) {
    const timeMs = Math.floor(i / 2000) * bucketMs;
    // A third of the records repeat an older key, which may have expired.
    const key = `order-${i % 3 === 0 ? Math.floor(i / 7) : i}`;
    assert.equal(index.raise(hash.of(key), timeMs), model.raise(key, timeMs));
    if (i % 2000 === 1999) {
      index.expireThrough(timeMs - ttlMs);
      model.expireThrough(timeMs - ttlMs);
      assert.equal(index.size, model.times.size);
    }
  }
  for (let i = 0; i < 200_000; i += 3) {
    const key = `order-${i}`;
    assert.equal(index.find(hash.of(key)), model.find(key));
  }
});

test("more distinct times than there are tags are kept exactly", () => {
  const hash = new KeyHash(seed);
  const index = new DedupIndex();
  const count = 70_000;
  for (let i = 0; i < count; i++) assert.equal(index.raise(hash.of(`k${i}`), i * 1000), true);
  assert.equal(index.size, count);
  for (let i = 0; i < count; i++) assert.equal(index.find(hash.of(`k${i}`)), i * 1000);
  index.expireThrough((count - 2) * 1000);
  assert.equal(index.size, 1);
  assert.equal(index.find(hash.of(`k${count - 1}`)), (count - 1) * 1000);
  assert.equal(index.find(hash.of(`k${count - 2}`)), undefined);
});

test("an insert that has to sweep all expired cells for a tag is found afterwards", () => {
  const hash = new KeyHash(seed);
  const index = new DedupIndex({ tagsMax: 2 });
  for (let round = 1; round < 200; round++) {
    for (let i = 0; i < 300; i++) index.raise(hash.of(`${round} ${i}`), round * 10);
    index.expireThrough(round * 10);
    assert.equal(index.size, 0);
    assert.equal(index.raise(hash.of(`${round} last`), round * 10 + 1), true);
    assert.equal(index.find(hash.of(`${round} last`)), round * 10 + 1);
    index.expireThrough(round * 10 + 1);
  }
});

test("room made in advance changes nothing but the number of steps", () => {
  const hash = new KeyHash(seed);
  const index = new DedupIndex();
  index.raise(hash.of("before"), 5);
  index.reserve(100_000);
  assert.equal(index.find(hash.of("before")), 5);
  assert.equal(index.size, 1);
});

/** Tells `seen` of each Int32Array that is made while `work` runs, in words. */
function watchArrays(seen: (words: number) => void, work: () => void): void {
  const plain = globalThis.Int32Array;
  class Watched extends plain {
    constructor(length: number) {
      super(length);
      seen(length);
    }
  }
  globalThis.Int32Array = Watched as unknown as Int32ArrayConstructor;
  try {
    work();
  } finally {
    globalThis.Int32Array = plain;
  }
}

test("under a steady load an index soon has the memory that it will have", () => {
  const hash = new KeyHash(seed);
  const live = 300_000;
  let words = 0;
  let wordsWhenWarm = 0;
  const add = (more: number): void => {
    words += more;
  };
  watchArrays(add, () => {
    const index = new DedupIndex();
    for (let key = 0; key < 12 * live; key += 1) {
      if (key % 10_000 === 0) index.expireThrough(key - live);
      index.raise(hash.of(`key-${key}`), key - (key % 1000));
      if (key === 2 * live) wordsWhenWarm = words;
    }
  });
  assert.ok(words > 0 && words === wordsWhenWarm, `${words - wordsWhenWarm} words more`);
});

test("D11: no key costs more than the growth of one of 1,024 parts, however large the index is", () => {
  const hash = new KeyHash(seed);
  const keys = 300_000;
  const cellWords = 3;
  let largest = 0;
  const note = (words: number): void => {
    largest = Math.max(largest, words);
  };
  watchArrays(note, () => {
    const index = new DedupIndex();
    for (let key = 0; key < keys; key += 1) index.raise(hash.of(`key-${key}`), 1_000);
    assert.equal(index.size, keys);
  });
  assert.ok(largest > 0 && largest < ((keys * cellWords) / 1024) * 3, `${largest} words at once`);
});
