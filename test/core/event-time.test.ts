import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseDecimal } from "../../engine/core/decimal.ts";
import {
  epochMillis,
  formatInstant,
  formatInstantShort,
  parseRfc3339,
} from "../../engine/core/event-time.ts";
import { NumberToken } from "../../engine/core/number-token.ts";

void test("RFC 3339 texts with a zone give their instant", () => {
  const rows: readonly [string, number][] = [
    ["1970-01-01T00:00:00Z", 0],
    ["2025-01-13T15:00:00Z", 1_736_780_400_000],
    ["2025-01-13T15:00:00.1Z", 1_736_780_400_100],
    ["2025-01-13T15:00:00.120Z", 1_736_780_400_120],
    ["2025-01-13T15:00:00.123456789Z", 1_736_780_400_123],
    ["2025-01-13T15:00:00.9999Z", 1_736_780_400_999],
    ["1969-12-31T23:59:59.9999Z", -1],
    ["2025-01-13T17:30:00+02:30", 1_736_780_400_000],
    ["2025-01-13T15:00:00-00:00", 1_736_780_400_000],
    ["2025-01-14T14:59:00.5+23:59", 1_736_780_400_500],
    ["2025-01-12T15:01:00-23:59", 1_736_780_400_000],
    ["2000-02-29T00:00:00Z", 951_782_400_000],
    ["2024-02-29T23:59:59Z", 1_709_251_199_000],
    ["0001-01-01T00:00:00Z", -62_135_596_800_000],
    ["9999-12-31T23:59:59.999Z", 253_402_300_799_999],
    ["9999-12-31T23:59:59.999999999Z", 253_402_300_799_999],
  ];
  for (const [text, ms] of rows) {
    assert.equal(parseRfc3339(text), ms, text);
  }
});

void test("T1, T2, T3, T4: whatever is not strict RFC 3339 is no instant", () => {
  const bad = [
    "2025-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2025-04-31T00:00:00Z",
    "2025-13-01T00:00:00Z",
    "2025-00-01T00:00:00Z",
    "2025-01-00T00:00:00Z",
    "2025-01-32T00:00:00Z",
    "2025-01-13T24:00:00Z",
    "2025-01-13T15:60:00Z",
    "2016-12-31T23:59:60Z",
    "2025-01-13T15:00:00",
    "2025-01-13T15:00:00.123",
    "2025-01-13T15:00:00+14",
    "2025-01-13T15:00:00+1400",
    "2025-01-13T15:00:00+24:00",
    "2025-01-13T15:00:00+14:60",
    "2025-01-13T15:00:00+14-00",
    "2025-01-13T15:00:00 +14:00",
    "2025-01-13T15:00:00+14:00Z",
    "2025-01-13 15:00:00Z",
    "2025-01-13t15:00:00Z",
    "2025-01-13T15:00:00z",
    "2025-01-13T15:00:00.Z",
    "2025-01-13T15:00:00.1234567890Z",
    "2025-01-13T15:00:00,123Z",
    "2025-01-13T15:00:00.12 Z",
    "2025-01-13T15:00Z",
    "2025-1-13T15:00:00Z",
    "25-01-13T15:00:00Z",
    "20250113T150000Z",
    "2025-W03-1T15:00:00Z",
    "+2025-01-13T15:00:00Z",
    "-2025-01-13T15:00:00Z",
    "12025-01-13T15:00:00Z",
    " 2025-01-13T15:00:00Z",
    "2025-01-13T15:00:00Z ",
    "2025-01-13T15:00:00Z\n",
    "2025-01-13T15:00:0\u0661Z",
    "2025-01-13T15:00: 0Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "1736780400000",
    "",
    "Z",
  ];
  for (const text of bad) {
    assert.ok(Number.isNaN(parseRfc3339(text)), JSON.stringify(text));
  }
});

const instantsMs = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });

void test("parsing and printing agree with the calendar of Date over all years", () => {
  fc.assert(
    fc.property(instantsMs, (ms) => {
      const text = new Date(ms).toISOString();
      assert.equal(parseRfc3339(text), ms);
      assert.equal(formatInstant(ms), text);
      assert.equal(formatInstantShort(ms), text.replace(".000Z", "Z"));
    }),
    { seed: 1, numRuns: 5_000 },
  );
  for (let day = 0; day < 800; day += 1) {
    for (const century of [2, 1900, 2000, 2100, 9996]) {
      const ms = Date.UTC(2000, 0, 1 + day) + (century - 2000) * 31_556_952_000;
      const midnight = Math.floor(ms / 86_400_000) * 86_400_000;
      assert.equal(parseRfc3339(new Date(midnight).toISOString()), midnight);
    }
  }
});

void test("one wrong character in a good text never gives another instant silently", () => {
  const good = "2025-01-13T15:04:05.678+01:30";
  const changed = fc.tuple(fc.nat(good.length - 1), fc.string({ unit: "binary", maxLength: 2 }));
  fc.assert(
    fc.property(changed, ([index, piece]) => {
      const text = good.slice(0, index) + piece + good.slice(index + 1);
      const ms = parseRfc3339(text);
      const strict = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
      // Date.parse as an oracle holds only for texts of the strict layout.
      const expected = strict.test(text) ? Date.parse(text.replace(/(\.\d{3})\d+/, "$1")) : NaN;
      assert.equal(ms, expected, text);
    }),
    { seed: 1, numRuns: 5_000 },
  );
});

void test("instants print alike whatever was printed before them", () => {
  const mixed = [1_736_780_400_000, -1, 1_736_780_399_999, 0, 1_736_866_800_001, -86_400_001];
  for (const ms of [...mixed, ...mixed.toReversed()]) {
    assert.equal(formatInstant(ms), new Date(ms).toISOString());
  }
});

void test("the end of a window behind the year 9999 still prints, infinity does not", () => {
  assert.equal(formatInstantShort(253_402_300_800_000), "+010000-01-01T00:00:00Z");
  assert.throws(() => formatInstant(Number.POSITIVE_INFINITY), RangeError);
  assert.throws(() => formatInstant(Number.NaN), RangeError);
});

void test("T4: epoch milliseconds are integer JSON numbers within the years 1 to 9999", () => {
  const rows: readonly [Parameters<typeof epochMillis>[0], number][] = [
    [0, 0],
    [1_736_780_400_000, 1_736_780_400_000],
    [-62_135_596_800_000, -62_135_596_800_000],
    [253_402_300_799_999, 253_402_300_799_999],
    [new NumberToken("-0"), 0],
    [253_402_300_800_000, Number.NaN],
    [-62_135_596_800_001, Number.NaN],
    [1.5, Number.NaN],
    [new NumberToken("1736780400000.0"), Number.NaN],
    [new NumberToken("1.7367804e12"), Number.NaN],
    [new NumberToken("99999999999999999999"), Number.NaN],
    ["1736780400000", Number.NaN],
    [true, Number.NaN],
    [null, Number.NaN],
    [[1], Number.NaN],
    [{}, Number.NaN],
    [parseDecimal("5") ?? null, Number.NaN],
  ];
  for (const [value, ms] of rows) {
    assert.ok(Object.is(epochMillis(value), ms), JSON.stringify(value));
  }
});
