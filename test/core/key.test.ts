import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { compareDecimals, parseDecimal } from "../../engine/core/decimal.ts";
import { compareKeys, encodeKey } from "../../engine/core/key.ts";
import { NumberToken } from "../../engine/core/number-token.ts";
import type { Value } from "../../engine/core/value.ts";

function decimal(text: string): Value {
  const parsed = parseDecimal(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

void test("values that are equal have one key, and types stay apart", () => {
  const equal: readonly (readonly Value[])[] = [
    [
      5,
      decimal("5"),
      decimal("5.00"),
      decimal("005"),
      new NumberToken("5.0"),
      new NumberToken("50e-1"),
    ],
    [0, -0, decimal("0.00"), decimal("-0"), new NumberToken("-0"), new NumberToken("0e99999")],
    [0.1, decimal("0.1"), new NumberToken("0.10"), new NumberToken("1E-1")],
    [1e21, decimal("1000000000000000000000"), new NumberToken("1000000000000000000000")],
    [new NumberToken("12345678901234567890"), decimal("12345678901234567890.0")],
    [
      { a: 1, b: [decimal("2.0")] },
      { b: [2], a: new NumberToken("1.0") },
    ],
  ];
  for (const group of equal) {
    assert.equal(new Set(group.map((value) => encodeKey([value]))).size, 1, JSON.stringify(group));
  }
  const apart: readonly Value[] = [
    null,
    false,
    true,
    0,
    1,
    "",
    "1",
    "true",
    "null",
    [],
    [1],
    ["1"],
    [[1]],
    [""],
    ["", ""],
    {},
    { a: 1 },
    { a: "1" },
    { a: { b: 1 } },
    new NumberToken("12345678901234567890"),
    new NumberToken("12345678901234567891"),
    new NumberToken("1e400"),
    new NumberToken("1e401"),
    new NumberToken("1e-400"),
    new NumberToken("1e9999999999999999999"),
    new NumberToken("-1e9999999999999999999"),
    "\ud800",
    "\udc00",
    "\ufffd",
    "\ufffe",
    "\u0000",
    "\u0000\uffff",
    "\u0000\ufffed800",
  ];
  const keys = apart.map((value) => encodeKey([value]));
  assert.equal(new Set(keys).size, apart.length);
  // State and sinks keep keys as UTF-8.
  assert.equal(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size, apart.length);
});

void test("components cannot run into one another", () => {
  const keys = [
    ["a", "b"],
    ["ab"],
    ["ab", ""],
    ["", "ab"],
    ["a\u0000tb"],
    ["a\u0000", "b"],
    ["a", "\u0000b"],
    [["a", "b"]],
    [["a"], "b"],
    ["a", ["b"]],
    [["a"], ["b"]],
    [["a", ["b"]]],
    [[["a"], "b"]],
  ].map((components) => encodeKey(components));
  assert.equal(new Set(keys).size, keys.length);
});

/** Short texts of these letters. */
function textOf(letters: string): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...letters.split("")), maxLength: 3 });
}

void test("any two lists of components share a key only if they are equal", () => {
  const component = fc.oneof(
    fc.constantFrom(null, true, false),
    fc.integer({ min: -20, max: 20 }),
    textOf("ab\u0000\uffff\ufffe"),
    fc.array(textOf("a\u0000"), { maxLength: 2 }),
  );
  const list = fc.array(component, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(list, list, (left, right) => {
      const equal = JSON.stringify(left) === JSON.stringify(right);
      assert.equal(encodeKey(left) === encodeKey(right), equal);
    }),
    { seed: 1, numRuns: 10_000 },
  );
});

const loneSurrogate = /[\ud800-\udfff]/u;

void test("keys of texts are in the byte order of UTF-8, component by component", () => {
  const text = fc.string({ unit: "binary", maxLength: 4 });
  const pair = fc
    .tuple(text, text)
    .filter(([a, b]) => !loneSurrogate.test(a) && !loneSurrogate.test(b));
  const order = (a: readonly string[], b: readonly string[]): number => {
    for (const [index, left] of a.entries()) {
      const difference = Buffer.compare(Buffer.from(left), Buffer.from(b[index] ?? ""));
      if (difference !== 0) {
        return difference;
      }
    }
    return 0;
  };
  fc.assert(
    fc.property(pair, pair, (left, right) => {
      assert.equal(Math.sign(compareKeys(encodeKey(left), encodeKey(right))), order(left, right));
    }),
    { seed: 1, numRuns: 5_000 },
  );
  assert.equal(compareKeys(encodeKey(["\uffff"]), encodeKey(["\u{10000}"])), -1);
  assert.equal(compareKeys(encodeKey(["a"]), encodeKey(["a\u0000"])), -1);
  assert.equal(compareKeys(encodeKey(["a", "z"]), encodeKey(["a\u0000", "a"])), -1);
  assert.equal(compareKeys(encodeKey(["ab"]), encodeKey(["b"])), -1);
  assert.equal(compareKeys(encodeKey(["b"]), encodeKey(["b"])), 0);
});

void test("keys of numbers are in the order of their values, decimals and doubles mixed", () => {
  const digits = fc.stringMatching(/^-?[0-9]{1,12}(\.[0-9]{1,8})?$/);
  fc.assert(
    fc.property(digits, digits, (left, right) => {
      const a = parseDecimal(left);
      const b = parseDecimal(right);
      assert.ok(a !== undefined && b !== undefined);
      assert.equal(compareKeys(encodeKey([a]), encodeKey([b])), compareDecimals(a, b));
    }),
    { seed: 1, numRuns: 5_000 },
  );
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (left, right) => {
      fc.pre(Number.isFinite(left) && Number.isFinite(right));
      const order = compareKeys(encodeKey([left]), encodeKey([right]));
      assert.equal(order, Math.sign(left - right) || (left < right ? -1 : Number(left > right)));
    }),
    { seed: 1, numRuns: 5_000 },
  );
});

void test("types are in the order null, booleans, numbers, texts, arrays, objects", () => {
  const values: readonly Value[] = [
    null,
    false,
    true,
    new NumberToken("-1e99999999999999999"),
    -10,
    new NumberToken("-9.5"),
    -0.5,
    0,
    decimal("0.05"),
    9,
    decimal("10.0"),
    new NumberToken("1e99999999999999999"),
    "",
    "0",
    "a",
    [],
    [1],
    {},
    { a: 1 },
  ];
  const keys = values.map((value) => encodeKey([value]));
  assert.deepEqual(keys.toSorted(compareKeys), keys);
});

void test("what is no JSON number has no key", () => {
  assert.throws(() => encodeKey([Number.NaN]), RangeError);
  assert.throws(() => encodeKey([Number.POSITIVE_INFINITY]), RangeError);
});
