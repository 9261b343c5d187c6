import assert from "node:assert/strict";
import { test } from "node:test";
import { murmur2, partitionForKey } from "../../engine/core/murmur2.ts";

void test("keys hash as in Kafka's Java client", () => {
  const vectors: readonly [string, number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ];
  for (const [key, hash] of vectors) {
    assert.equal(murmur2(Buffer.from(key)), hash, key);
  }
});

void test("a hash is a signed 32-bit integer for every length and for bytes above 127", () => {
  for (let length = 0; length < 20; length += 1) {
    const hash = murmur2(Buffer.alloc(length, 0xff));
    assert.equal(hash, hash | 0);
  }
  // Bytes behind a view's end take no part.
  const bytes = Buffer.from("foobarfoobar");
  assert.equal(murmur2(bytes.subarray(6)), murmur2(Buffer.from("foobar")));
});

void test("a key's partition drops the sign of its hash", () => {
  assert.equal(partitionForKey(Buffer.from("21"), 4), (-973932308 & 0x7fffffff) % 4);
  assert.equal(partitionForKey(Buffer.from("abc"), 4), 479470107 % 4);
  assert.equal(partitionForKey(Buffer.from("abc"), 1), 0);
});
