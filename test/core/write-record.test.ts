import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseDecimal } from "../../engine/core/decimal.ts";
import { parseRecordText, serializeValue } from "../../engine/core/json-text.ts";
import { StreamRecord } from "../../engine/core/record.ts";
import { writeRecord } from "../../engine/core/write-record.ts";
import { isObject } from "../../engine/core/value-kind.ts";
import type { Value, ValueObject } from "../../engine/core/value.ts";

function parsed(text: string): StreamRecord {
  const { value, exact } = parseRecordText(text);
  assert.ok(isObject(value));
  return new StreamRecord(value, NaN, 0, 0, undefined, -1, exact, text);
}

/** As a step hands a record on that has set `members` behind those that were there. */
function extended(record: StreamRecord, members: ValueObject): StreamRecord {
  const value = { ...record.value, ...members };
  const more = Object.keys(value).length - Object.keys(record.value).length;
  const made = Object.keys(members).length;
  return record.withValue(value, true, more === made ? made : undefined);
}

const stringToken = fc.oneof(
  fc.constantFrom(
    '""',
    '"a"',
    '"ä€"',
    '"😀"',
    '"\\u0061"',
    '"\\n"',
    '"\\""',
    '"a, b: c"',
    '"\u2028"',
    '"\\/"',
  ),
  fc.string().map((text) => JSON.stringify(text)),
);
const numberToken = fc.constantFrom(
  "0",
  "-0",
  "1",
  "-12.5",
  "1.50",
  "1e3",
  "12345678901234567890",
  "0.1",
);
const nameToken = fc.constantFrom(
  '"a"',
  '"b"',
  '"c"',
  '"\\u0061"',
  '"1"',
  '"10"',
  '"1st"',
  '""',
  '"__proto__"',
  '"ü"',
);
const blank = fc.oneof(
  { arbitrary: fc.constant(""), weight: 30 },
  fc.constantFrom(" ", "\n", "\t "),
);

/** Text of JSON objects in every spelling: most of it as this engine would write it, some with blanks or escapes. */
const { object } = fc.letrec<{ object: string; value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    stringToken,
    numberToken,
    fc.constantFrom("true", "false", "null", "[]", "{}"),
    tie("object"),
    fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(",")}]`),
  ),
  object: fc
    .array(fc.tuple(nameToken, blank, tie("value"), blank), { maxLength: 4 })
    .map(
      (members) =>
        `{${members.map(([name, before, value, behind]) => `${name}:${before}${value}${behind}`).join(",")}}`,
    ),
}));

const added = fc.dictionary(
  fc.constantFrom("a", "d", "e", "0", "ü", "1st"),
  fc.constantFrom<Value>("x", 'quo"ted', 7, true, null, ["y"], parseDecimal("1.50") as Value),
  { maxKeys: 3 },
);

void test("a record's text is what serializing its value gives, however it was spelled and whatever was added", () => {
  fc.assert(
    fc.property(object, added, added, (text, first, second) => {
      const record = parsed(text);
      for (const one of [
        record,
        extended(record, first),
        extended(extended(record, first), second),
      ]) {
        assert.equal(writeRecord(one), serializeValue(one.value), text);
      }
    }),
    { seed: 1, numRuns: 20_000 },
  );
});

void test("members that became decimals leave as they came", () => {
  for (const [text, kind] of [
    ['{"amount":"1.50","id":"a"}', "string"],
    ['{"amount":1.50,"id":"a"}', "number"],
    ['{"amount": "1.50","id":"a"}', "string"],
  ] as const) {
    const record = parsed(text);
    const amount = parseDecimal("1.50", kind) as Value;
    const exact = record.withValue({ ...record.value, amount }, true, 0);
    assert.equal(writeRecord(exact), text.replace(": ", ":"));
    assert.equal(
      writeRecord(extended(exact, { tax: "2" })),
      `${text.replace(": ", ":").slice(0, -1)},"tax":"2"}`,
    );
  }
});

void test("a record whose members were replaced is written anew", () => {
  const record = parsed('{"a":"1","b":"2"}');
  assert.equal(
    writeRecord(record.withValue({ a: "3", b: "2" }, false, undefined)),
    '{"a":"3","b":"2"}',
  );
});

void test("the text of members that are as they came is used where it is what would be written, and only there", () => {
  const rows: readonly [text: string, isUsed: boolean][] = [
    ['{"a":"1","b":[1,{"c":true}]}', true],
    ['{"a":"1","b": [1,{"c":true}]}', false],
    ['{ "a":"1","b":[1,{"c":true}]}', false],
    ['{"a":"\\u0031","b":[1,{"c":true}]}', false],
    ['{"a":"0","a":"1","b":[1,{"c":true}]}', false],
  ];
  for (const [text, isUsed] of rows) {
    // A value that its text does not say, of the same length, shows which of the two was written.
    const value = { a: "2", b: [1, { c: true }] };
    const record = new StreamRecord(value, NaN, 0, 0, undefined, -1, false, text);
    assert.equal(writeRecord(record), isUsed ? text : JSON.stringify(value), text);
    const longer = `${(isUsed ? text : JSON.stringify(value)).slice(0, -1)},"d":7}`;
    assert.equal(writeRecord(extended(record, { d: 7 })), longer, text);
  }
});
