import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { crc32c } from "../../engine/core/crc32c.ts";

/** Bit by bit, as the definition has it. */
function slowly(bytes: Uint8Array): number {
  let checksum = ~0;
  for (const byte of bytes) {
    checksum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      checksum = checksum & 1 ? (checksum >>> 1) ^ 0x82f63b78 : checksum >>> 1;
    }
  }
  return ~checksum >>> 0;
}

void test("checksums equal the published vectors of RFC 3720", () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
  const rows: readonly [Uint8Array, number][] = [
    [new Uint8Array(0), 0],
    [Buffer.from("123456789"), 0xe3069283],
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [ascending, 0x46dd794e],
    [ascending.toReversed(), 0x113fdb5c],
  ];
  for (const [bytes, checksum] of rows) {
    assert.equal(crc32c(bytes), checksum);
  }
});

void test("a checksum equals the bitwise definition and continues over any split", () => {
  const input = fc.tuple(fc.uint8Array({ maxLength: 100 }), fc.nat(100));
  fc.assert(
    fc.property(input, ([bytes, split]) => {
      assert.equal(crc32c(bytes), slowly(bytes));
      const head = crc32c(bytes.subarray(0, split));
      assert.equal(crc32c(bytes.subarray(split), head), crc32c(bytes));
    }),
    { seed: 1, numRuns: 500 },
  );
});
