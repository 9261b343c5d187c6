import assert from "node:assert/strict";
import { test } from "node:test";
import { Decimal, decimalText } from "../../engine/core/decimal.ts";
import { NumberToken } from "../../engine/core/number-token.ts";
import { serializeValue } from "../../engine/core/json-text.ts";
import type { Value } from "../../engine/core/value.ts";
import { decimal, errorOf, evaluate } from "./context.ts";

const amount = decimal("149.99");
const record = {
  amount,
  price: decimal("12.0", "number"),
  same: decimal("12.00"),
  zero: decimal("0.00"),
  negative: decimal("-5.25"),
  plain: 2,
  long: new NumberToken("9007199254740993"),
  fine: new NumberToken("12345678901234567.89"),
  text: "149.99",
  lines: [{ net: decimal("0.10") }, { net: decimal("0.20") }, { net: decimal("0.3") }],
};
const context = {
  tables: new Map([
    ["rates", { name: "rates", rows: new Map([["us", { rate: decimal("0.08"), name: "US" }]]) }],
  ]),
};

/** Decimals are written with their scale. */
const exact: readonly (readonly [source: string, text: string])[] = [
  ["amount + price", "161.99"],
  ["$decimal(long)", "9007199254740993"],
  ["$decimal(fine)", "12345678901234567.89"],
  ["long * amount", "1350989816218601540.07"],
  ["amount - 0.99", "149.00"],
  ["amount * 0.08", "11.9992"],
  ["0.1 + price", "12.1"],
  ["amount % 10", "9.99"],
  ["-amount", "-149.99"],
  ["amount * $row('rates', 'us').rate", "11.9992"],
  ["$round(amount * $row('rates', 'us').rate, 2)", "12.00"],
  ["$round(amount, 0)", "150"],
  ["$round(amount)", "150"],
  ["$round(amount, -2)", "100"],
  ["$round(amount, 1, 'down')", "149.9"],
  ["$round('12.345', 2)", "12.35"],
  ["$round(12.345, 2, 'half_even')", "12.34"],
  ["$round(12.355, 2, 'half_even')", "12.36"],
  ["$round(zero - 0.004, 2)", "0.00"],
  ["$divide(6324.58, 42, 2)", "150.59"],
  ["$divide(amount, 3, 4)", "49.9967"],
  ["$divide(amount, 3, 2, 'up')", "50.00"],
  ["$decimal('0.10') + $decimal(0.2)", "0.30"],
  ["$decimal(1e21)", "1000000000000000000000"],
  ["$sum(lines.net)", "0.60"],
  ["$sum([amount, 1])", "150.99"],
  ["$sum(amount)", "149.99"],
  ["$max([amount, 200, price])", "200"],
  ["$min(lines.net)", "0.10"],
  ["$abs(negative)", "5.25"],
  ["$floor(negative)", "-6"],
  ["$ceil(negative)", "-5"],
  ["$number(amount)", "149.99"],
  ["$reduce(lines.net, function($a, $b){ $a + $b })", "0.60"],
  ["lines[net = 0.2].net", "0.20"],
  ["(lines.net)[0]", "0.10"],
  ["lines^(>net)[0].net", "0.3"],
];

test("a decimal is a position and a bound like any number", () => {
  assert.equal(evaluate("['z', 'y', 'x'][$decimal('1')]", record), "y");
  assert.equal(evaluate("['z', 'y', 'x'][$floor($decimal('2.5'))]", record), "x");
  assert.deepEqual(evaluate("[$decimal('1')..3]", record), [1, 2, 3]);
  assert.equal(errorOf(() => evaluate("[$decimal('1.5')..3]", record)).reason, "T2003");
});

test("arithmetic on decimals is exact and keeps the scale", () => {
  for (const [source, text] of exact) {
    const value = evaluate(source, record, context);
    const got = value instanceof Decimal ? decimalText(value) : JSON.stringify(value);
    assert.equal(got, text, source);
  }
});

const others: readonly (readonly [source: string, expected: Value | undefined])[] = [
  ["price = same", true],
  ["price != same", false],
  ["price = 12", true],
  ["12 = price", true],
  ["[price] = [12]", true],
  ["{'a': price} = {'a': same}", true],
  ["price in [11, 12]", true],
  ["price in lines.net", false],
  ["12 in [price]", true],
  ["amount > 149.98", true],
  ["149.99 >= amount", true],
  ["amount < 149.99", false],
  ["amount <= price", false],
  ["missing < amount", undefined],
  ["price > 1e300", false],
  ["zero ? 1 : 2", 2],
  ["amount and true", true],
  ["$type(amount)", "number"],
  ["$string(same)", "12.00"],
  ["$string({'a': same, 'b': price})", '{"a":"12.00","b":12.0}'],
  ["same & ' EUR'", "12.00 EUR"],
  ["$length(same)", 5],
  ["$substringBefore(amount, '.')", "149"],
  ["$uppercase(amount)", "149.99"],
  ["$count($distinct([price, same, 12]))", 1],
  ["$substring('abcdef', $decimal('2'))", "cdef"],
  ["$pad('1', $decimal('3'), '0')", "100"],
  ["amount.scale", undefined],
  ["amount.coefficient", undefined],
  ["amount.token", undefined],
  ["amount.*", undefined],
  ["$keys(amount)", undefined],
  ["$lookup(amount, 'scale')", undefined],
  ["$count(**[$type($) = 'number']) > 0", true],
];

test("decimals compare, print and count by value", () => {
  for (const [source, expected] of others) {
    assert.deepEqual(evaluate(source, record), expected, source);
  }
});

test("a copied decimal is the same object, token and kind; a computed one is text", () => {
  const copy = evaluate("price", record);
  assert.equal(copy, record.price);
  assert.equal(
    (evaluate("{'a': [price]}", record) as Record<string, Value[]>)["a"]?.[0],
    record.price,
  );
  assert.equal(
    serializeValue(evaluate("{'a': price, 'b': price + 0}", record) as Value),
    '{"a":12.0,"b":"12.0"}',
  );
  assert.equal(evaluate("$max([price, 1])", record), record.price);
});

const faults: readonly (readonly [source: string, reason: string])[] = [
  ["amount + missing", "DECIMAL_ABSENT"],
  ["missing * amount", "DECIMAL_ABSENT"],
  ["amount * $row('rates', 'xx').rate", "DECIMAL_ABSENT"],
  ["$divide(amount, missing, 2)", "DECIMAL_ABSENT"],
  ["amount / 2", "DECIMAL_DIVISION"],
  ["2 / amount", "DECIMAL_DIVISION"],
  ["$average(lines.net)", "DECIMAL_DIVISION"],
  ["amount + text", "T2002"],
  ["text - amount", "T2001"],
  ["amount > text", "T2009"],
  ["amount = text", "T2009"],
  ["amount != '1'", "T2009"],
  ["amount in ['149.99']", "T2009"],
  ["$sort([amount, 'x'])", "D3070"],
  ["$divide(amount, 0, 2)", "DIVISION_BY_ZERO"],
  ["amount % 0", "DIVISION_BY_ZERO"],
  ["$decimal('1e3')", "DECIMAL_INVALID"],
  ["$decimal(true)", "DECIMAL_INVALID"],
  ["$round('abc', 2)", "T0410"],
  ["$round(amount, 2, 'nearest')", "ROUNDING_INVALID"],
  ["$round(amount, 0.5)", "SCALE_INVALID"],
  ["$divide(1, 3, -1)", "SCALE_INVALID"],
  ["$sqrt(amount)", "DECIMAL_UNSUPPORTED"],
  ["$formatNumber(amount, '0.00')", "DECIMAL_UNSUPPORTED"],
];

test("what would make a decimal inexact, or hide a missing one, is an error", () => {
  for (const [source, reason] of faults) {
    const error = errorOf(() => evaluate(source, record, context));
    assert.equal(error.reason, reason, source);
  }
});

test("faults that the text alone shows are found when it is compiled", () => {
  for (const [source, reason, offset] of [
    ["$decimal(a) / 2", "DECIMAL_DIVISION", 12],
    ["a / $row('rates', b).rate", "DECIMAL_DIVISION", 2],
    ["($x := $divide(a, b, 2); $x / 2)", "DECIMAL_DIVISION", 28],
    ["$average($decimal(a))", "DECIMAL_DIVISION", 0],
    ["$decimal(a) > 'x'", "T2009", 12],
    ["$decimal(a) in ['x']", "T2009", 12],
  ] as const) {
    const error = errorOf(() => evaluate(`(1; false ? (${source}))`, {}, context));
    assert.equal(error.reason, reason, source);
    assert.equal(error.offset, offset + "(1; false ? (".length, source);
  }
});

test("results beyond 1,000 digits end with a limit", () => {
  const error = errorOf(() =>
    evaluate("$reduce([1..60], function($a, $i){ $a * big }, big)", {
      big: decimal("12345678901234567890123456789012345678"),
    }),
  );
  assert.deepEqual([error.code, error.reason], ["EXPRESSION_LIMIT", "DECIMAL_LIMIT"]);
});
