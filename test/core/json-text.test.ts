import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { addDecimals, parseDecimal } from "../../engine/core/decimal.ts";
import {
  JsonTextError,
  excerpt,
  parseJsonExact,
  parseRecordText,
  plainValue,
  serializeValue,
} from "../../engine/core/json-text.ts";
import { NumberToken } from "../../engine/core/number-token.ts";
import type { Decimal } from "../../engine/core/decimal.ts";

function decimal(text: string, jsonKind: "string" | "number" = "string"): Decimal {
  const parsed = parseDecimal(text, jsonKind);
  assert.ok(parsed !== undefined);
  return parsed;
}

/** Number tokens of the JSON grammar, many with digits that a double does not keep. */
const numberToken = fc
  .tuple(
    fc.constantFrom("", "-"),
    fc.oneof(fc.constant("0"), fc.stringMatching(/^[1-9][0-9]{0,20}$/)),
    fc.oneof(fc.constant(""), fc.stringMatching(/^\.0{0,8}[0-9]{1,6}0{0,2}$/)),
    fc.oneof(
      { arbitrary: fc.constant(""), weight: 4 },
      { arbitrary: fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/), weight: 1 },
    ),
  )
  .map((parts) => parts.join(""));

const blank = fc.stringMatching(/^[ \t\r\n]{0,2}$/);

void test("I9: every number token leaves as it came, wherever it stands", () => {
  const place = fc.tuple(numberToken, numberToken, blank, blank, fc.nat(5));
  fc.assert(
    fc.property(place, ([a, b, before, behind, shape]) => {
      // Blanks may stand on both sides of every number.
      const first = before + a + behind;
      const second = behind + b + before;
      const text = [
        `{"a":${first},"b":${second}}`,
        `{"b":[${first},${second}]}`,
        `{"c":{"d":${first}},"b":"${b}"}`,
        `[${first},[${second}]]`,
        `{"a":"${b},","b":[[${first}]]}`,
        first,
      ][shape];
      assert.ok(text !== undefined);
      const { value, exact } = parseRecordText(text);
      const wanted = text.replaceAll(/"[^"]*"|[ \t\r\n]+/g, (piece) =>
        piece.startsWith('"') ? piece : "",
      );
      assert.equal(exact ? serializeValue(value) : JSON.stringify(value), wanted, text);
      assert.deepEqual(plainValue(value), JSON.parse(text), text);
    }),
    { seed: 1, numRuns: 10_000 },
  );
});

void test("I9: numbers that a double would print differently are found", () => {
  const kept = [
    "12345678901234567890",
    "9007199254740993",
    "1e400",
    "-1e-400",
    "0.10",
    "1.0",
    "-0",
    "-0.0",
    "1e2",
    "1E2",
    "0.0000001",
    "0.00000012",
    "123456789.123456789",
    `1${"0".repeat(400)}`,
    "3.14159265358979323846",
  ];
  const plain = ["0", "5", "-5", "0.1", "-12.05", "149.99", "999999999999999", "0.000001", "100"];
  for (const before of [
    '{"a":',
    '{"a" :',
    '{"a": ',
    '{"a":\n',
    '{"a":[',
    '{"a":[1,',
    '{"a":[1, ',
  ]) {
    const end = before.includes("[") ? "]}" : "}";
    for (const behind of [end, ` ${end}`, `\n${end}`, before.includes("[") ? ",2]}" : ',"b":2}']) {
      for (const token of kept) {
        const text = before + token + behind;
        assert.equal(parseRecordText(text).exact, true, text);
      }
      for (const token of plain) {
        const text = before + token + behind;
        assert.equal(parseRecordText(text).exact, false, text);
      }
    }
  }
});

void test("number-like text inside strings makes no number token", () => {
  const texts = [
    '{"timestamp":"2025-01-13T15:00:00.120Z","at":"15:00:00.120Z"}',
    '{"a":"1.50","b":"12345678901234567890","c":"1e400","d":"-0"}',
    '{"a":"x: 1.50, y"}',
    '{"a":"[1e400]","b":"\\":1.0,"}',
  ];
  for (const text of texts) {
    const { value, exact } = parseRecordText(text);
    assert.equal(exact, false);
    assert.deepEqual(value, JSON.parse(text));
  }
});

void test("the exact parser reads what JSON.parse reads, and refuses what it refuses", () => {
  const letters = [
    ...'{}[]:,"\\ntrufalse01289.-+eE \t\n\r\u0000\u001f\u00e9'.split(""),
    "\ud83d\ude00",
    "\\u00e9",
    '"a":',
  ];
  const soup = fc.array(fc.constantFrom(...letters), { maxLength: 14 }).map((all) => all.join(""));
  const edited = fc
    .tuple(fc.json({ maxDepth: 3 }), fc.nat(60), fc.constantFrom("", ...letters))
    .map(([json, index, letter]) => json.slice(0, index) + letter + json.slice(index + 1));
  fc.assert(
    fc.property(fc.oneof(soup, edited, fc.json()), (text) => {
      let expected: unknown;
      let refused = false;
      try {
        expected = JSON.parse(text);
      } catch {
        refused = true;
      }
      if (refused) {
        assert.throws(() => parseJsonExact(text), JsonTextError, text);
        assert.throws(() => parseRecordText(text), JsonTextError, text);
        return;
      }
      assert.deepEqual(plainValue(parseJsonExact(text)), expected, text);
      assert.equal(
        JSON.stringify(plainValue(parseRecordText(text).value)),
        JSON.stringify(expected),
      );
    }),
    { seed: 1, numRuns: 20_000 },
  );
});

void test("I1: a fault says what was found, and at which place, in our own words", () => {
  const rows: readonly [text: string, offset: number, message: string][] = [
    ["", 0, "expected a value, found the end of the text"],
    ["{", 1, "expected a member name in double quotes, found the end of the text"],
    ["{}x", 2, 'expected the end of the text, found "x"'],
    ["{}{}", 2, 'expected the end of the text, found "{"'],
    ['{"a":NaN}', 5, 'expected a value, found "N"'],
    ['{"a":nan}', 6, 'expected "null", found "a"'],
    ['{"a":1,}', 7, 'expected a member name in double quotes, found "}"'],
    ['{"a" 1}', 5, 'expected ":", found "1"'],
    ['{"a":1 "b":2}', 7, 'expected "," or "}", found """'],
    ["{'a':1}", 1, 'expected a member name in double quotes, found "\'"'],
    ["[1,]", 3, 'expected a value, found "]"'],
    ["[1 2]", 3, 'expected "," or "]", found "2"'],
    ["// x\n{}", 0, 'expected a value, found "/"'],
    ['{"a":01}', 6, 'expected "," or "}", found "1"'],
    ['{"a":+1}', 5, 'expected a value, found "+"'],
    ['{"a":.5}', 5, 'expected a value, found "."'],
    ['{"a":5.}', 7, 'expected a digit, found "}"'],
    ['{"a":1e+}', 8, 'expected a digit, found "}"'],
    ['{"a":-}', 6, 'expected a digit, found "}"'],
    ['{"a":"x', 7, "expected the end of a string, found the end of the text"],
    ['{"a":"x\ny"}', 7, "expected the end of a string, found U+000A"],
    ['{"a":"\\x"}', 7, 'expected an escape character, found "x"'],
    ['{"a":"\\', 7, "expected an escape character, found the end of the text"],
    ['{"a":"\\u12"}', 8, 'expected four hexadecimal digits, found "1"'],
    ['{"a":tru', 8, 'expected "true", found the end of the text'],
    ["\u00a0{}", 0, "expected a value, found U+00A0"],
    ["\u{1f600}", 0, "expected a value, found U+1F600"],
  ];
  for (const [text, offset, message] of rows) {
    for (const parse of [parseJsonExact, parseRecordText]) {
      assert.throws(() => parse(text), { name: "JsonTextError", offset, message }, text);
    }
  }
});

void test("I7: the last of equal member names wins, in the place of the first, on both paths", () => {
  for (const number of ["1", "1.0"]) {
    const text = `{"a":1,"b":${number},"a":2,"\\u0061":3}`;
    const { value, exact } = parseRecordText(text);
    assert.equal(exact, number === "1.0");
    assert.equal(serializeValue(value), `{"a":3,"b":${number}}`);
  }
});

void test("I8: __proto__ and constructor are plain members on both paths", () => {
  for (const number of ["1", "1.0"]) {
    const text = `{"__proto__":{"polluted":${number}},"constructor":{"prototype":{"polluted":2}},"b":{"__proto__":[3]}}`;
    const { value } = parseRecordText(text);
    assert.ok(typeof value === "object" && value !== null);
    assert.deepEqual(Object.keys(value), ["__proto__", "constructor", "b"]);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal(serializeValue(value), text);
    assert.equal(JSON.stringify(plainValue(value)), text.replace("1.0", "1"));
    assert.equal(Object.getPrototypeOf(plainValue(value)), Object.prototype);
  }
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

void test("the exact parser's own depth ends in an error, not in an overflow", () => {
  assert.throws(() => parseJsonExact("[".repeat(100_000)), JsonTextError);
  assert.throws(() => parseJsonExact('{"a":'.repeat(100_000)), JsonTextError);
  const deep = `${"[".repeat(1_000)}${"]".repeat(1_000)}`;
  assert.equal(serializeValue(parseJsonExact(deep)), deep);
  // Siblings do not add up.
  assert.equal(serializeValue(parseJsonExact(`[${"[],{},".repeat(2_000)}1.0]`)).length, 12_005);
});

void test("decimals leave as they came, computed ones as text", () => {
  const price = decimal("012.50");
  const rate = decimal("0.10", "number");
  assert.equal(
    serializeValue({ price, rate, sum: addDecimals(price, rate), list: [rate, price, null] }),
    '{"price":"012.50","rate":0.10,"sum":"12.60","list":[0.10,"012.50",null]}',
  );
  assert.equal(
    serializeValue({ price, sum: addDecimals(price, price), list: [price] }),
    '{"price":"012.50","sum":"25.00","list":["012.50"]}',
  );
});

void test("plain values leave as JSON.stringify writes them, with and without number tokens beside them", () => {
  const anything = fc.oneof(fc.jsonValue(), fc.object({ withUnicodeString: true } as object));
  const value = fc.oneof(
    anything,
    fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })),
  );
  fc.assert(
    fc.property(value, (plain) => {
      const text = JSON.stringify(plain);
      fc.pre(text !== undefined);
      const parsed = parseJsonExact(text);
      assert.equal(serializeValue(parsed), text);
      assert.equal(
        serializeValue({ token: new NumberToken("1.0"), parsed }),
        `{"token":1.0,"parsed":${text}}`,
      );
    }),
    { seed: 1, numRuns: 3_000 },
  );
  assert.equal(
    serializeValue([new NumberToken("1.0"), "\ud800", "\ud83d\ude00", "\u2028\u007f", -0, "\b"]),
    '[1.0,"\\ud800","\ud83d\ude00","\u2028\u007f",0,"\\b"]',
  );
  assert.equal(serializeValue({}), "{}");
  assert.equal(
    serializeValue({ a: {}, b: [], c: new NumberToken("1.0") }),
    '{"a":{},"b":[],"c":1.0}',
  );
});

void test("a plain value shares whatever needs no change", () => {
  const shared = { deep: [{ a: 1 }] };
  const value = { shared, price: decimal("1.50"), number: decimal("1.50", "number") };
  const plain = plainValue(value);
  assert.deepEqual(plain, { shared, price: "1.50", number: 1.5 });
  assert.ok(typeof plain === "object" && plain !== null);
  assert.equal(Reflect.get(plain, "shared"), shared);
  assert.equal(plainValue(shared), shared);
  assert.ok(value.price === Reflect.get(value, "price"));
});

void test("an excerpt is short, readable and never throws", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const rows: readonly [unknown, string][] = [
    [undefined, "nothing"],
    [null, "null"],
    ["x", '"x"'],
    [decimal("1.50"), '"1.50"'],
    [decimal("1.50", "number"), "1.50"],
    [new NumberToken("1e400"), "1e400"],
    [[1, { a: "b" }], '[1,{"a":"b"}]'],
    [{ a: [new NumberToken("1.0")] }, '{"a":[1.0]}'],
    [10n, "bigint"],
    [() => 1, "function"],
    [cycle, "object"],
  ];
  for (const [value, text] of rows) {
    assert.equal(excerpt(value), text);
  }
  assert.equal(excerpt("x".repeat(100), 10), '"xxxxxxxx…');
  assert.equal(excerpt(`x${"\u{1f600}".repeat(10)}`, 6), '"x\u{1f600}…');
  assert.equal(excerpt("x".repeat(1_000)).length, 60);
});
