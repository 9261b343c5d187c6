import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { errorEnvelope, originalOf } from "../../engine/core/envelope.ts";
import { serializeValue } from "../../engine/core/json-text.ts";
import { sequenceStep, TOMBSTONE } from "../../engine/core/record.ts";
import { writeRecord } from "../../engine/core/write-record.ts";
import { Intake } from "../../engine/runtime/intake.ts";
import type { RecordFault } from "../../engine/core/fault.ts";
import type { Origin, OversizedRecord, StreamRecord } from "../../engine/core/record.ts";
import type { ValueObject } from "../../engine/core/value.ts";
import type { IntakeOptions } from "../../engine/runtime/intake.ts";

interface Rejection {
  readonly row: number;
  readonly fault: RecordFault;
  readonly value: ValueObject | undefined;
}
interface Decoded {
  readonly accepted: readonly StreamRecord[];
  readonly rejected: readonly Rejection[];
  /** Rows in the order of the calls. */
  readonly order: readonly number[];
}
interface BatchFacts {
  readonly timestampsMs?: readonly number[];
  readonly oversized?: ReadonlyMap<number, OversizedRecord>;
  /** Bytes between rows. */
  readonly between?: Buffer;
}

const noEventTime: IntakeOptions = { eventTime: null, maxFutureSkewMs: null };
const byTimestamp: IntakeOptions = {
  eventTime: { field: ["timestamp"], format: "rfc3339" },
  maxFutureSkewMs: null,
};

function originOf(rows: readonly (string | Uint8Array | null)[], facts: BatchFacts = {}): Origin {
  const { between = Buffer.from("\n"), ...rest } = facts;
  const pieces: Uint8Array[] = [between];
  const starts: number[] = [];
  const ends: number[] = [];
  let length = between.length;
  for (const row of rows) {
    const bytes = row === null ? Buffer.alloc(0) : Buffer.from(row);
    starts.push(length);
    ends.push(row === null ? TOMBSTONE : length + bytes.length);
    pieces.push(bytes, between);
    length += bytes.length + between.length;
  }
  return {
    sourceId: "orders",
    sourceName: "orders.raw",
    batch: {
      partition: 0,
      bytes: Buffer.concat(pieces),
      starts,
      ends,
      offsets: rows.map((_, row) => row),
      resumeAt: null,
      ended: false,
      ...rest,
    },
  };
}

function decode(origin: Origin, options: IntakeOptions = noEventTime): Decoded {
  const accepted: StreamRecord[] = [];
  const rejected: Rejection[] = [];
  const order: number[] = [];
  new Intake(options).decode(
    origin,
    7,
    (record) => {
      accepted.push(record);
      order.push(record.row);
    },
    (row, fault, value) => {
      rejected.push({ row, fault, value });
      order.push(row);
    },
  );
  return { accepted, rejected, order };
}

/** The fault of a single row, which good neighbours on both sides must not feel. */
function faultOf(
  row: string | Uint8Array | null,
  options: IntakeOptions = noEventTime,
  facts: BatchFacts = {},
): RecordFault | undefined {
  const good = '{"timestamp":"2025-01-13T15:00:00Z","ms":1}';
  const { accepted, rejected, order } = decode(originOf([good, row, good], facts), options);
  assert.deepEqual(order, [0, 1, 2]);
  const neighbours = accepted.filter((record) => record.row !== 1);
  assert.equal(neighbours.length, 2);
  return rejected[0]?.fault;
}

function checkFault(fault: RecordFault | undefined, code: string, message: string): void {
  assert.deepEqual([fault?.code, fault?.message], [code, message]);
}

void test("a row becomes a record with its place, lane and order", () => {
  const origin = originOf(['{"a":1,"timestamp":"2025-01-13T15:00:00.5Z"}', '{"a":1.0}', "{}"]);
  const { accepted, rejected } = decode(origin);
  assert.deepEqual(rejected, []);
  const facts = accepted.map(({ lane, sequence, row, exact, text, added }) => [
    ...[lane, sequence, row, exact, text, added],
  ]);
  assert.deepEqual(facts, [
    [7, 0, 0, false, '{"a":1,"timestamp":"2025-01-13T15:00:00.5Z"}', 0],
    [7, sequenceStep, 1, true, '{"a":1.0}', 0],
    [7, 2 * sequenceStep, 2, false, "{}", 0],
  ]);
  for (const record of accepted) {
    assert.equal(record.origin, origin);
    assert.ok(Number.isNaN(record.eventTimeMs));
    assert.equal(record.error, undefined);
  }
  assert.equal(decode(originOf([])).order.length, 0);
});

void test("I1: malformed JSON is rejected with what was found at which byte", () => {
  const rows: readonly [string, string][] = [
    ["{", "expected a member name in double quotes, found the end of the text at byte 1"],
    ["{}x", 'expected the end of the text, found "x" at byte 2'],
    ["{}{}", 'expected the end of the text, found "{" at byte 2'],
    ['{"a":NaN}', 'expected a value, found "N" at byte 5'],
    ["{} // comment", 'expected the end of the text, found "/" at byte 3'],
    ["/* x */{}", 'expected a value, found "/" at byte 0'],
    ['{"é":x}', 'expected a value, found "x" at byte 6'],
    ['{"\u{1f600}":1.0,}', 'expected a member name in double quotes, found "}" at byte 12'],
    ['\ufeff{"a"}', 'expected ":", found "}" at byte 7'],
    ["{\u00a0}", "expected a member name in double quotes, found U+00A0 at byte 1"],
    ['{"a":"\t"}', "expected the end of a string, found U+0009 at byte 6"],
  ];
  for (const [row, message] of rows) {
    checkFault(faultOf(row), "MALFORMED_JSON", `malformed JSON: ${message}`);
  }
});

void test("I1: any text is accepted exactly if JSON.parse takes it for an object", () => {
  const edited = fc
    .tuple(fc.json({ maxDepth: 2 }), fc.nat(40), fc.string({ unit: "binary", maxLength: 1 }))
    .map(([json, index, piece]) => `{"a":${json}}`.slice(0, index) + piece + json.slice(index));
  const bracketed = fc.json({ maxDepth: 3 }).map((json) => `{"a":${json}}`);
  fc.assert(
    fc.property(fc.array(fc.oneof(edited, bracketed), { maxLength: 4 }), (texts) => {
      const rows = texts.filter((text) => !/[\ud800-\udfff]/u.test(text) && !text.includes("\\u"));
      const { accepted, order } = decode(originOf(rows));
      assert.deepEqual(order, [...rows.keys()]);
      const expected = rows.map((row) => {
        try {
          const value: unknown = JSON.parse(row.replace(/^\ufeff/, ""));
          return typeof value === "object" && value !== null && !Array.isArray(value);
        } catch {
          return false;
        }
      });
      const taken = new Set(accepted.map((record) => record.row));
      assert.deepEqual(
        rows.map((_, row) => taken.has(row)),
        expected,
        JSON.stringify(rows),
      );
    }),
    { seed: 1, numRuns: 3_000 },
  );
});

void test("I2: bytes that are not UTF-8 are rejected with their place and kept as base64", () => {
  const text = (bytes: readonly number[]): Buffer =>
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
  const rows: readonly [Buffer, number][] = [
    [text([0xfc]), 6],
    [text([0x61, 0x80]), 7],
    [text([0xc0, 0xaf]), 6],
    [text([0xe0, 0x80, 0xaf]), 6],
    [text([0xed, 0xa0, 0x80]), 6],
    [text([0xf4, 0x90, 0x80, 0x80]), 6],
    [text([0xc3, 0xa9, 0xe2, 0x82]), 8],
    [text([0xef, 0xbf, 0xbd, 0xff]), 9],
    [Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]), 0],
    [Buffer.from('{"name":"M\u00fcller"}', "latin1"), 10],
    [Buffer.concat([Buffer.from("{}"), Buffer.from([0xc3])]), 2],
  ];
  for (const [row, place] of rows) {
    checkFault(faultOf(row), "INVALID_ENCODING", `not UTF-8 at byte ${place}`);
    const origin = originOf([row]);
    const kept = originalOf({ origin, row: 0, value: null });
    assert.deepEqual(kept, { original: row.toString("base64"), encoding: "base64" });
  }
  // UTF-16 without a mark is valid UTF-8 with NULs.
  for (const row of [Buffer.from("{}", "utf16le"), Buffer.from("\u7b00\u7d00", "utf16le")]) {
    assert.equal(faultOf(row)?.code, "INVALID_ENCODING");
  }
});

void test("I2: a character cut in two by the border of rows is invalid in both", () => {
  const whole = Buffer.from('{"a":"é"}');
  const rows = [whole.subarray(0, 7), whole.subarray(7), Buffer.from('{"a":"é"}')];
  const { accepted, rejected } = decode(originOf(rows, { between: Buffer.alloc(0) }));
  assert.deepEqual(
    rejected.map(({ row, fault }) => [row, fault.code, fault.message]),
    [
      [0, "INVALID_ENCODING", "not UTF-8 at byte 6"],
      [1, "INVALID_ENCODING", "not UTF-8 at byte 0"],
    ],
  );
  assert.deepEqual(accepted[0]?.value, { a: "é" });
});

void test("I2: any bytes are accepted exactly if a strict decoder and JSON.parse take them", () => {
  const piece = fc.constantFrom("\u00e9", "\u20ac", "\u{1f600}", "\ufffd", "\ufeff", "a");
  const row = fc
    .tuple(fc.array(piece, { maxLength: 3 }), fc.uint8Array({ maxLength: 2 }), fc.boolean())
    .map(([pieces, noise, noisy]) =>
      Buffer.concat([
        Buffer.from(`{"a":"${pieces.join("")}`),
        ...(noisy ? [noise] : []),
        Buffer.from('"}'),
      ]),
    );
  const between = fc.constantFrom(Buffer.from("\n"), Buffer.alloc(0), Buffer.from([0x80]));
  fc.assert(
    fc.property(fc.array(row, { maxLength: 4 }), between, (rows, separator) => {
      const { accepted, rejected } = decode(originOf(rows, { between: separator }));
      assert.equal(accepted.length + rejected.length, rows.length);
      const values = new Map(accepted.map((record) => [record.row, record.value]));
      for (const [index, bytes] of rows.entries()) {
        let expected: unknown;
        try {
          expected = JSON.parse(
            new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
          );
        } catch {
          expected = undefined;
        }
        assert.deepEqual(values.get(index), expected);
      }
    }),
    { seed: 1, numRuns: 3_000 },
  );
});

void test("I2: an escape for half of a surrogate pair is rejected with its place", () => {
  const bad: readonly [string, number][] = [
    ['{"a":"\\ud800"}', 6],
    ['{"a":"\\uDC00"}', 6],
    ['{"é":"\\udc00\\ud800"}', 7],
    ['{"a":"\\ud83dx\\ude00"}', 6],
    ['{"a":"\\ud83d\\\\ude00"}', 6],
    ['{"a":"\\ud83d\\ud83d\\ude00"}', 6],
    ['{"a":"\\ud83d\\ude00\\ude00"}', 18],
    ['{"\\ud800":1}', 2],
    ['{"a":1.0,"b":"\\ud800","b":2}', 14],
    ['\ufeff{"a":"\\ud800"}', 9],
  ];
  for (const [row, place] of bad) {
    const fault = faultOf(row);
    assert.equal(fault?.code, "INVALID_ENCODING", row);
    assert.match(fault.message, new RegExp(`at byte ${place}$`), row);
  }
  const good = ['{"a":"\\ud83d\\ude00"}', '{"a":"\\\\ud800"}', '{"a":"\\u00e9 \\\\\\\\ud800"}'];
  for (const row of good) {
    assert.equal(faultOf(row), undefined, row);
  }
});

void test("I3: a byte order mark is stripped from a record and kept in its original", () => {
  const origin = originOf(['\ufeff{"a":"é"}', '\ufeff{"a":1.0}', '{"\ufeffa":1}']);
  const { accepted } = decode(origin);
  assert.deepEqual(accepted.map(writeRecord), ['{"a":"é"}', '{"a":1.0}', '{"\ufeffa":1}']);
  assert.equal(originalOf({ origin, row: 0, value: null }).original, '\ufeff{"a":"é"}');
  assert.equal(faultOf("\ufeff\ufeff{}")?.code, "MALFORMED_JSON");
});

void test("I4: tombstones, empty values and JSON that is no object each have their code", () => {
  checkFault(faultOf(null), "TOMBSTONE", "the record has no value (a tombstone)");
  for (const row of ["", " ", "\t \r\n", "\ufeff", "\ufeff "]) {
    checkFault(faultOf(row), "EMPTY_VALUE", "the value is empty");
  }
  const rows: readonly [string, string][] = [
    ["null", "null"],
    ["true", "true"],
    ["5", "5"],
    ["1.0", "1.0"],
    ['"text"', '"text"'],
    ["[]", "[]"],
    ['[{"a":1}]', '[{"a":1}]'],
  ];
  for (const [row, shown] of rows) {
    checkFault(faultOf(row), "NOT_AN_OBJECT", `not a JSON object: ${shown}`);
  }
  assert.equal(faultOf("\u00a0")?.code, "MALFORMED_JSON");
});

void test("I5: a record over the cap is rejected without a look at its head", () => {
  const head = '{"a":"xxxx';
  const oversized = new Map([
    [1, { length: 100_000_000, sha256: createHash("sha256").update("x").digest("hex") }],
  ]);
  checkFault(
    faultOf(head, noEventTime, { oversized }),
    "RECORD_TOO_LARGE",
    "the value has 100000000 bytes, more than max_record_bytes allows",
  );
  const origin = originOf(["{}", head], { oversized });
  const fault = decode(origin).rejected[0]?.fault;
  assert.ok(fault !== undefined);
  const envelope = errorEnvelope({
    fault,
    step: "orders",
    record: undefined,
    origin,
    row: 1,
    lane: "orders/0",
    timeMs: 0,
  });
  assert.equal(envelope.original, head);
  assert.equal(envelope["original_length"], 100_000_000);
  assert.equal(envelope["original_cut"], true);
});

void test("I6: nesting beyond 64 levels is rejected before parsing, up to it accepted", () => {
  const nested = (depth: number): string =>
    `${'{"a":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`;
  const inLists = (depth: number): string =>
    `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;
  const message = "objects and arrays are nested more than 64 deep";
  for (const make of [nested, inLists]) {
    assert.equal(faultOf(make(64)), undefined);
    for (const depth of [65, 100, 100_000]) {
      checkFault(faultOf(make(depth)), "NESTING_TOO_DEEP", message);
    }
  }
  checkFault(faultOf("[".repeat(100_000)), "NESTING_TOO_DEEP", message);
  checkFault(faultOf(`${"[".repeat(65)}"`), "NESTING_TOO_DEEP", message);
  // Brackets inside strings and beside one another are no depth.
  assert.equal(faultOf(`{"a":"${'\\"[{'.repeat(100)}"}`), undefined);
  assert.equal(faultOf(`{"a":[${Array.from({ length: 200 }, () => "[{}]").join()}]}`), undefined);
  assert.equal(
    faultOf('{"a":"\\\\","b":[]}', { ...noEventTime, maxDepth: 1 })?.code,
    "NESTING_TOO_DEEP",
  );
  assert.equal(faultOf('{"a":"\\\\[{"}', { ...noEventTime, maxDepth: 1 }), undefined);
});

void test("I7: the last of equal member names wins, whatever the numbers beside it", () => {
  const { accepted } = decode(
    originOf(['{"a":1,"a":2}', '{"a":1.0,"a":2}', '{"a":1,"b":0,"a":2.0}']),
  );
  assert.deepEqual(
    accepted.map((record) => serializeValue(record.value)),
    ['{"a":2}', '{"a":2}', '{"a":2.0,"b":0}'],
  );
});

void test("I8: __proto__ and constructor pass as data, and no prototype changes", () => {
  const names = Object.getOwnPropertyNames(Object.prototype).toSorted();
  const member = fc.constantFrom("__proto__", "constructor", "prototype", "toString", "a");
  const value = fc.constantFrom(
    "1",
    "1.0",
    '"x"',
    "null",
    "[2.50]",
    '{"__proto__":{"x":1.0}}',
    '{"x":{}}',
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(member, { minLength: 1 }),
      fc.array(value, { minLength: 5, maxLength: 5 }),
      (keys, values) => {
        const text = `{${keys.map((key, index) => `"${key}":${values[index]}`).join()}}`;
        const { accepted } = decode(originOf([text]), {
          eventTime: null,
          maxFutureSkewMs: null,
        });
        const record = accepted[0];
        assert.ok(record !== undefined);
        assert.equal(serializeValue(record.value), text);
        assert.equal(Object.getPrototypeOf(record.value), Object.prototype);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype).toSorted(), names);
  assert.equal(Reflect.get({}, "x"), undefined);
  // What only a prototype has is no event time.
  for (const name of ["constructor", "toString", "__proto__"]) {
    const options: IntakeOptions = {
      eventTime: { field: [name], format: "rfc3339" },
      maxFutureSkewMs: null,
    };
    const { rejected } = decode(originOf(["{}"]), options);
    assert.ok(rejected[0]?.fault.message.startsWith(`${name} is missing`));
  }
});

void test("I9: numbers beyond a double leave unchanged", () => {
  const tokens = [
    "1e400",
    "9".repeat(400),
    "9007199254740993",
    "0.10",
    "-0",
    "1E-7",
    `0.${"3".repeat(400)}`,
  ];
  const rows = tokens.map((token) => `{"a":${token},"b":[${token}]}`);
  const { accepted } = decode(originOf(rows));
  assert.deepEqual(
    accepted.map((record) => [record.exact, serializeValue(record.value)]),
    rows.map((row) => [true, row]),
  );
});

void test("event time is read by the declared field and format", () => {
  const rows: readonly [IntakeOptions["eventTime"], string, number][] = [
    [{ field: ["t"], format: "rfc3339" }, '{"t":"2025-01-13T15:00:00.120Z"}', 1_736_780_400_120],
    [{ field: ["a", "b~/"], format: "rfc3339" }, '{"a":{"b~/":"1970-01-01T00:00:01Z"}}', 1_000],
    [{ field: ["t"], format: "epoch_millis" }, '{"t":1736780400120}', 1_736_780_400_120],
    [{ field: ["t"], format: "epoch_millis" }, '{"t":-0}', 0],
  ];
  for (const [eventTime, row, eventTimeMs] of rows) {
    const { accepted } = decode(originOf([row]), { eventTime, maxFutureSkewMs: null });
    assert.ok(Object.is(accepted[0]?.eventTimeMs, eventTimeMs), row);
  }
});

void test("T1, T2, T3, T4: a missing or unreal event time is EVENT_TIME_INVALID at its path", () => {
  const texts = [
    "2025-02-30T00:00:00Z",
    "2025-13-01T00:00:00Z",
    "2025-01-13T24:00:00Z",
    "2025-01-13T23:59:60Z",
    "2025-01-13T15:00:00",
    "2025-01-13T15:00:00+14",
    "2025-01-13T15:00:00+1400",
    "2025-01-13 15:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-00:01",
  ];
  for (const text of texts) {
    const { rejected } = decode(originOf([JSON.stringify({ timestamp: text })]), byTimestamp);
    assert.deepEqual(rejected, [
      {
        row: 0,
        fault: {
          code: "EVENT_TIME_INVALID",
          message: `timestamp is "${text}": expected an RFC 3339 time with zone, such as 2025-01-13T15:00:00Z`,
          path: "/timestamp",
        },
        value: { timestamp: text },
      },
    ]);
  }
  for (const row of [
    "{}",
    '{"timestamp":null}',
    '{"timestamp":1736780400000}',
    '{"timestamp":["x"]}',
  ]) {
    assert.equal(faultOf(row, byTimestamp)?.code, "EVENT_TIME_INVALID", row);
  }
  assert.match(
    faultOf("{}", byTimestamp)?.message ?? "",
    /^timestamp is missing: expected an RFC 3339/,
  );
  const nested: IntakeOptions = {
    eventTime: { field: ["a", "b~/"], format: "rfc3339" },
    maxFutureSkewMs: null,
  };
  for (const row of ["{}", '{"a":null}', '{"a":"x"}', '{"a":[]}', '{"a":1.0}', '{"a":{"b":1}}']) {
    const fault = decode(originOf([row]), nested).rejected[0]?.fault;
    assert.deepEqual([fault?.code, fault?.path], ["EVENT_TIME_INVALID", "/a/b~0~1"], row);
  }
});

void test("T4: epoch seconds with a fraction, texts and values out of range are no epoch milliseconds", () => {
  const options: IntakeOptions = {
    eventTime: { field: ["ms"], format: "epoch_millis" },
    maxFutureSkewMs: null,
  };
  const bad = [
    '"1736780400000"',
    "1736780400.5",
    "1736780400000.0",
    "1.7e12",
    "253402300800000",
    "1e400",
    "null",
  ];
  for (const token of bad) {
    const fault = faultOf(`{"ms":${token}}`, options);
    assert.equal(fault?.code, "EVENT_TIME_INVALID", token);
    assert.equal(
      fault.message,
      `ms is ${token}: expected an integer of milliseconds since 1970, within the years 1 to 9999`,
    );
  }
});

void test("T5: an event time too far ahead of the record's own timestamp is rejected, judged per row", () => {
  const row = '{"timestamp":"2025-01-13T15:00:00Z"}';
  const eventTimeMs = 1_736_780_400_000;
  const options: IntakeOptions = { ...byTimestamp, maxFutureSkewMs: 60_000 };
  const timestampsMs = [eventTimeMs, eventTimeMs - 60_000, eventTimeMs - 60_001, 0, -1];
  const origin = originOf([row, row, row, row, row], { timestampsMs });
  const { accepted, rejected } = decode(origin, options);
  assert.deepEqual(
    accepted.map((record) => record.row),
    [0, 1, 4],
  );
  assert.deepEqual(rejected[0], {
    row: 2,
    fault: {
      code: "TIMESTAMP_OUT_OF_RANGE",
      message:
        "event time 2025-01-13T15:00:00.000Z is more than 60000 ms " +
        "ahead of the record's own timestamp 2025-01-13T14:58:59.999Z",
      path: "/timestamp",
    },
    value: { timestamp: "2025-01-13T15:00:00Z" },
  });
  // Without a limit, and for sources without timestamps, the check does not apply.
  assert.equal(decode(origin, byTimestamp).rejected.length, 0);
  assert.equal(decode(originOf([row]), options).rejected.length, 0);
});

void test("the first fault in the documented order is the one reported", () => {
  const oversized = new Map([[0, { length: 9, sha256: "" }]]);
  const rows: readonly [string | Uint8Array | null, BatchFacts, string][] = [
    [null, { oversized }, "TOMBSTONE"],
    [Buffer.from([0xff]), { oversized }, "RECORD_TOO_LARGE"],
    [Buffer.concat([Buffer.from("[".repeat(70)), Buffer.from([0xff])]), {}, "INVALID_ENCODING"],
    [`"\\ud800"${"[".repeat(70)}`, {}, "INVALID_ENCODING"],
    ["[".repeat(70), {}, "NESTING_TOO_DEEP"],
    ["[", {}, "MALFORMED_JSON"],
    ["[]", {}, "NOT_AN_OBJECT"],
    ["{}", {}, "EVENT_TIME_INVALID"],
  ];
  for (const [row, facts, code] of rows) {
    assert.equal(decode(originOf([row], facts), byTimestamp).rejected[0]?.fault.code, code);
  }
});
