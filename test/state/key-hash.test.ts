import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyHash } from "../../engine/state/key-hash.ts";

const seedA = "00112233445566778899aabbccddeeff";
const seedB = "00112233445566778899aabbccddeefe";

function words(hash: KeyHash, text: string): number[] {
  const { a, b, c, d } = hash.of(text);
  return [a, b, c, d];
}

function bits(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}

test("texts that differ by length, by a trailing NUL or by one unit have different hashes", () => {
  const hash = new KeyHash(seedA);
  const texts = new Set<string>();
  for (let length = 0; length < 40; length++) {
    texts.add("a".repeat(length));
    texts.add("\0".repeat(length));
    texts.add(`${"é".repeat(length)}\u{1f600}`);
    for (let at = 0; at < length; at++) texts.add(`${"a".repeat(at)}b${"a".repeat(length - at)}`);
  }
  const seen = new Set([...texts].map((text) => words(hash, text).join()));
  assert.equal(seen.size, texts.size);
});

test("a hash depends on the seed, and a text always has the same one", () => {
  const one = words(new KeyHash(seedA), "order-1");
  assert.deepEqual(words(new KeyHash(seedA), "order-1"), one);
  const other = words(new KeyHash(seedB), "order-1");
  one.forEach((word, lane) => assert.notEqual(word, other[lane]));
});

test("one changed unit changes about half of the bits of every word", () => {
  const hash = new KeyHash(seedA);
  const changed = [0, 0, 0, 0];
  const rounds = 2000;
  for (let i = 0; i < rounds; i++) {
    const before = words(hash, `order-${i}`);
    const after = words(hash, `ordez-${i}`);
    before.forEach((word, lane) => {
      changed[lane] = (changed[lane] ?? 0) + bits(word ^ (after[lane] ?? 0));
    });
  }
  for (const count of changed) assert.ok(Math.abs(count / rounds - 16) < 0.5, `${count / rounds}`);
});

test("consecutive ids spread evenly over the sub-tables and have no equal 80 bits", () => {
  const hash = new KeyHash(seedA);
  const perTable = Array.from({ length: 1024 }, () => 0);
  const cells = new Set<string>();
  for (let i = 0; i < 100_000; i++) {
    const { a, b, c, d } = hash.of(`ORD-2025-${i}`);
    perTable[d >>> 22] = (perTable[d >>> 22] ?? 0) + 1;
    cells.add(`${a},${b},${c & 0xffff}`);
  }
  assert.equal(cells.size, 100_000);
  assert.ok(Math.min(...perTable) > 50 && Math.max(...perTable) < 150);
});

test("a seed that is not 32 hex digits is refused", () => {
  for (const seed of ["", "00", `${seedA}0`, seedA.toUpperCase()]) {
    assert.throws(() => new KeyHash(seed), RangeError);
  }
});
