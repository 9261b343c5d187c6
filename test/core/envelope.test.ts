import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDecimal } from "../../engine/core/decimal.ts";
import { errorEnvelope, originalOf } from "../../engine/core/envelope.ts";
import { NumberToken } from "../../engine/core/number-token.ts";
import { StreamRecord, TOMBSTONE } from "../../engine/core/record.ts";
import type { Origin, OversizedRecord } from "../../engine/core/record.ts";

const timeMs = 1_736_780_400_000;

function originWith(values: readonly (Buffer | null)[], oversized?: OversizedRecord): Origin {
  const starts: number[] = [];
  const ends: number[] = [];
  let length = 0;
  for (const value of values) {
    starts.push(length);
    length += value?.length ?? 0;
    ends.push(value === null ? TOMBSTONE : length);
  }
  return {
    sourceId: "orders",
    sourceName: "orders.raw",
    batch: {
      partition: 3,
      bytes: Buffer.concat(values.map((value) => value ?? Buffer.alloc(0))),
      starts,
      ends,
      offsets: values.map((_, row) => 100 + row),
      ...(oversized === undefined ? {} : { oversized: new Map([[0, oversized]]) }),
      resumeAt: null,
      ended: false,
    },
  };
}

void test("the original is the row's bytes: text where they are UTF-8, else base64", () => {
  const rows: readonly (Buffer | null)[] = [
    Buffer.from('{"a":"é"}'),
    Buffer.from("\ufeff{}"),
    Buffer.from([0x7b, 0xff, 0x7d]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.alloc(0),
    null,
    Buffer.from(" \u0000\r"),
  ];
  const origin = originWith(rows);
  const originals = rows.map((_, row) => originalOf({ origin, row, value: null }));
  assert.deepEqual(originals, [
    { original: '{"a":"é"}', encoding: "utf8" },
    { original: "\ufeff{}", encoding: "utf8" },
    { original: Buffer.from([0x7b, 0xff, 0x7d]).toString("base64"), encoding: "base64" },
    { original: "7aCA", encoding: "base64" },
    { original: "", encoding: "utf8" },
    { original: "", encoding: "utf8" },
    { original: " \u0000\r", encoding: "utf8" },
  ]);
});

void test("an envelope has every member in its order, with null for what is unknown", () => {
  const origin = originWith([Buffer.from("{")]);
  const envelope = errorEnvelope({
    fault: { code: "MALFORMED_JSON", message: "broken" },
    step: "orders",
    record: undefined,
    origin,
    row: 0,
    lane: "orders/3",
    timeMs,
  });
  assert.equal(
    JSON.stringify(envelope),
    JSON.stringify({
      type: "MALFORMED_JSON",
      code: "MALFORMED_JSON",
      message: "broken",
      step: "orders",
      path: null,
      original: "{",
      encoding: "utf8",
      record: null,
      source: {
        source: "orders",
        name: "orders.raw",
        partition: 3,
        offset: 100,
        lane: "orders/3",
      },
      time: "2025-01-13T15:00:00.000Z",
    }),
  );
});

void test("a decoded record stands beside its original bytes, and details come last", () => {
  const origin = originWith([Buffer.from('{"amount":1.0}')]);
  const value = { amount: parseDecimal("1.0", "number") ?? null, region: "us" };
  const record = new StreamRecord(value, timeMs, 0, 0, origin, 0, true);
  const envelope = errorEnvelope({
    fault: {
      code: "RULE_VIOLATION",
      message: "Amount must be > 0",
      path: "/amount",
      details: { first: 1 },
    },
    step: "validate",
    record,
    origin,
    row: 0,
    lane: "orders/3",
    timeMs,
  });
  assert.equal(envelope.type, "BUSINESS_RULE_VIOLATION");
  assert.equal(envelope["path"], "/amount");
  assert.equal(envelope.original, '{"amount":1.0}');
  assert.equal(envelope["record"], value);
  assert.equal(Object.keys(envelope).at(-1), "first");
});

void test("a result has no source; its own JSON text is the original", () => {
  const value = { total: new NumberToken("1.0") };
  const envelope = errorEnvelope({
    fault: { code: "EXPRESSION_ERROR", message: "no" },
    step: "by_region",
    record: new StreamRecord(value, timeMs, 0, 0, undefined, -1, true),
    origin: undefined,
    row: -1,
    lane: "by_region",
    timeMs,
  });
  assert.equal(envelope.original, '{"total":1.0}');
  assert.equal(envelope.encoding, "utf8");
  assert.equal(envelope["source"], null);
  assert.equal(envelope["record"], value);
});

void test("I5: an oversized record says that its original is a head, how long the whole is and its digest", () => {
  const whole = Buffer.from("ab\u{1f600}");
  const oversized = { length: 5_000_000, sha256: "00ff" };
  const heads: readonly [Buffer, string, string][] = [
    [whole, "ab\u{1f600}", "utf8"],
    [whole.subarray(0, 5), "ab", "utf8"],
    [whole.subarray(0, 4), "ab", "utf8"],
    [whole.subarray(0, 3), "ab", "utf8"],
    [whole.subarray(0, 2), "ab", "utf8"],
    [Buffer.from([0xff, 0x61, 0x62, 0x63, 0x64]), "/2FiY2Q=", "base64"],
  ];
  for (const [head, original, encoding] of heads) {
    const origin = originWith([head], oversized);
    const envelope = errorEnvelope({
      fault: { code: "RECORD_TOO_LARGE", message: "too large" },
      step: "orders",
      record: undefined,
      origin,
      row: 0,
      lane: "orders/3",
      timeMs,
    });
    assert.equal(envelope.original, original);
    assert.equal(envelope.encoding, encoding);
    assert.equal(envelope["original_length"], 5_000_000);
    assert.equal(envelope["original_sha256"], "00ff");
    assert.equal(envelope["original_cut"], true);
  }
});
