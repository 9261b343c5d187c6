import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  DecimalLimitError,
  absDecimal,
  addDecimals,
  compareDecimals,
  decimalFromNumber,
  decimalText,
  decimalToNumber,
  divideDecimals,
  isZeroDecimal,
  multiplyDecimals,
  negateDecimal,
  parseDecimal,
  remainderDecimals,
  roundDecimal,
  subtractDecimals,
} from "../../engine/core/decimal.ts";
import type { Decimal, RoundingMode } from "../../engine/core/decimal.ts";
import {
  Exact,
  checkForm,
  compareWithOracle,
  decimal,
  modes,
  oracleText,
} from "./decimal-oracle.ts";

void test("decimal text has ASCII digits, at most one inner point and at most 38 digits", () => {
  const good: readonly [text: string, canonical: string, scale: number][] = [
    ["0", "0", 0],
    ["-0", "0", 0],
    ["-0.00", "0.00", 2],
    ["007.50", "7.50", 2],
    ["149.99", "149.99", 2],
    ["-12.005", "-12.005", 3],
    ["0.0000000000000000000000000000000000001", "0.0000000000000000000000000000000000001", 37],
    ["99999999999999999999999999999999999999", "99999999999999999999999999999999999999", 0],
    ["00000000000000000000000000000000000001", "1", 0],
    ["-0.0000000000000000000", "0.0000000000000000000", 19],
    ["9007199254740991", "9007199254740991", 0],
    ["9007199254740992", "9007199254740992", 0],
    ["-900719925474099.3", "-900719925474099.3", 1],
  ];
  for (const [text, canonical, scale] of good) {
    const parsed = decimal(text);
    assert.equal(decimalText(parsed), canonical);
    assert.equal(parsed.scale, scale);
    assert.equal(parsed.token, text);
    assert.equal(parsed.jsonKind, "string");
    checkForm(parsed);
  }
  const bad = [
    "",
    "-",
    ".",
    "-.",
    ".5",
    "5.",
    "-.5",
    "+1",
    "--1",
    "1-",
    "1e3",
    "1E3",
    "0x10",
    " 1",
    "1 ",
    "1\n",
    "1,000",
    "1.2.3",
    "1..2",
    "NaN",
    "Infinity",
    "\u0661\u0662",
    "\uff11\uff12",
    "1_000",
    "000000000000000000000000000000000000000",
    "123456789012345678901234567890123456789",
    "1.23456789012345678901234567890123456789",
    "1234567890123456789x",
    "12345678901234567890.",
    "12345678901234567890\n",
  ];
  for (const text of bad) {
    assert.equal(parseDecimal(text), undefined, JSON.stringify(text));
  }
  assert.equal(parseDecimal("12.10", "number")?.jsonKind, "number");
});

void test("a parsed text of any length gives back its digits", () => {
  const text = fc
    .tuple(fc.boolean(), fc.stringMatching(/^[0-9]{1,20}$/), fc.stringMatching(/^[0-9]{0,18}$/))
    .map(([negative, whole, fraction]) =>
      [negative ? "-" : "", whole, fraction === "" ? "" : `.${fraction}`].join(""),
    );
  fc.assert(
    fc.property(text, (source) => {
      const parsed = decimal(source);
      checkForm(parsed);
      assert.equal(decimalText(parsed), oracleText(new Exact(source), parsed.scale));
      assert.equal(decimalToNumber(parsed), Number(source) + 0);
    }),
    { seed: 1, numRuns: 2_000 },
  );
});

void test("arithmetic equals decimal.js on 200,000 seeded operations", () => {
  assert.ok(compareWithOracle(20_250_113, 25_000) > 195_000);
});

void test("every rounding mode treats ties and neighbours of ties by its name", () => {
  const rows: readonly [value: string, ...results: string[]][] = [
    // value, half_up, half_even, down, up, floor, ceiling
    ["2.5", "3", "2", "2", "3", "2", "3"],
    ["3.5", "4", "4", "3", "4", "3", "4"],
    ["-2.5", "-3", "-2", "-2", "-3", "-3", "-2"],
    ["-3.5", "-4", "-4", "-3", "-4", "-4", "-3"],
    ["0.5", "1", "0", "0", "1", "0", "1"],
    ["-0.5", "-1", "0", "0", "-1", "-1", "0"],
    ["2.4999999999999", "2", "2", "2", "3", "2", "3"],
    ["2.5000000000001", "3", "3", "2", "3", "2", "3"],
    ["-2.4999999999999", "-2", "-2", "-2", "-3", "-3", "-2"],
    ["-2.5000000000001", "-3", "-3", "-2", "-3", "-3", "-2"],
    ["2.0", "2", "2", "2", "2", "2", "2"],
    ["-0.0000000000000000000000000001", "0", "0", "0", "-1", "-1", "0"],
    [
      "99999999999999999999.5",
      "100000000000000000000",
      "100000000000000000000",
      "99999999999999999999",
      "100000000000000000000",
      "99999999999999999999",
      "100000000000000000000",
    ],
    [
      "-99999999999999999998.5",
      "-99999999999999999999",
      "-99999999999999999998",
      "-99999999999999999998",
      "-99999999999999999999",
      "-99999999999999999999",
      "-99999999999999999998",
    ],
  ];
  for (const [value, ...results] of rows) {
    for (const [index, mode] of modes.entries()) {
      assert.equal(
        decimalText(roundDecimal(decimal(value), 0, mode)),
        results[index],
        `${value} ${mode}`,
      );
    }
  }
});

void test("rounding gives exactly the scale asked for, and tens and hundreds by negative scales", () => {
  const rows: readonly [string, number, RoundingMode, string][] = [
    ["11.9992", 2, "half_up", "12.00"],
    ["12", 2, "half_up", "12.00"],
    ["-0.004", 2, "half_up", "0.00"],
    ["1.005", 2, "half_up", "1.01"],
    ["1.005", 2, "half_even", "1.00"],
    ["150", -2, "half_up", "200"],
    ["150", -2, "half_even", "200"],
    ["250", -2, "half_even", "200"],
    ["-251.9", -2, "half_even", "-300"],
    ["9007199254740991", -15, "up", "10000000000000000"],
    ["1", -40, "up", `1${"0".repeat(40)}`],
    ["1", -40, "half_up", "0"],
    ["5", 30, "down", `5.${"0".repeat(30)}`],
    ["12345678901234567890.125", 2, "half_even", "12345678901234567890.12"],
  ];
  for (const [text, scale, mode, expected] of rows) {
    assert.equal(
      decimalText(roundDecimal(decimal(text), scale, mode)),
      expected,
      `${text} ${scale}`,
    );
  }
  assert.throws(() => roundDecimal(decimal("1"), 0.5, "down"), RangeError);
});

void test("division is rounded once, however long the operands", () => {
  const rows: readonly [string, string, number, RoundingMode, string][] = [
    ["6324.58", "42", 2, "half_up", "150.59"],
    ["6324.58", "42", 2, "down", "150.58"],
    ["1", "3", 0, "up", "1"],
    ["-1", "3", 2, "floor", "-0.34"],
    ["-1", "3", 2, "ceiling", "-0.33"],
    ["1", "-8", 2, "half_even", "-0.12"],
    ["3", "-8", 2, "half_even", "-0.38"],
    ["-0.5", "1", 0, "half_even", "0"],
    ["1", "0.0000000000000000001", 0, "down", "10000000000000000000"],
    ["1", "7", 40, "down", "0.1428571428571428571428571428571428571428"],
    [
      "99999999999999999999999999999999999999",
      "2",
      0,
      "half_even",
      "50000000000000000000000000000000000000",
    ],
    ["1234", "1", -2, "half_up", "1200"],
    ["0", "-5", 2, "up", "0.00"],
  ];
  for (const [left, right, scale, mode, expected] of rows) {
    const quotient = divideDecimals(decimal(left), decimal(right), scale, mode);
    assert.equal(decimalText(quotient), expected, `${left} / ${right}`);
  }
});

void test("a division just below a tie beyond 1,000 digits is not taken for the tie", () => {
  const tiny = power(-990);
  const almostHalf = subtractDecimals(decimal("0.5"), tiny);
  assert.equal(decimalText(divideDecimals(almostHalf, decimal("1"), 0, "half_up")), "0");
  assert.equal(decimalText(roundDecimal(addDecimals(decimal("0.5"), tiny), 0, "half_even")), "1");
  assert.equal(compareDecimals(almostHalf, decimal("0.5")), -1);
});

/** 10^exponent. */
function power(exponent: number): Decimal {
  const step = decimal(exponent < 0 ? "0.1" : "10");
  let result = decimal("1");
  for (let count = 0; count < Math.abs(exponent); count += 1) {
    result = multiplyDecimals(result, step);
  }
  return result;
}

void test("zero has no sign, whatever made it", () => {
  const zeros = [
    decimal("-0.00"),
    negateDecimal(decimal("0.00")),
    absDecimal(decimal("-0.00")),
    subtractDecimals(decimal("1.10"), decimal("1.10")),
    multiplyDecimals(decimal("-5.0"), decimal("0.0")),
    roundDecimal(decimal("-0.001"), 2, "down"),
    divideDecimals(decimal("-1"), decimal("1000"), 2, "half_up"),
    remainderDecimals(decimal("-4.00"), decimal("2")),
    multiplyDecimals(decimal("-99999999999999999999"), decimal("0.00")),
    subtractDecimals(decimal("99999999999999999999.00"), decimal("99999999999999999999.00")),
  ];
  for (const zero of zeros) {
    assert.match(decimalText(zero), /^0\.0+$/);
    assert.ok(isZeroDecimal(zero));
    assert.ok(Object.is(decimalToNumber(zero), 0));
    assert.equal(compareDecimals(zero, decimal("0")), 0);
  }
});

void test("a remainder has the sign of the dividend and the larger scale", () => {
  const rows: readonly [string, string, string][] = [
    ["7", "3", "1"],
    ["-7", "3", "-1"],
    ["7", "-3", "1"],
    ["1.00", "0.3", "0.10"],
    ["12345678901234567890", "7.5", "0.0"],
    ["-12345678901234567891.25", "10", "-1.25"],
  ];
  for (const [left, right, expected] of rows) {
    assert.equal(decimalText(remainderDecimals(decimal(left), decimal(right))), expected);
  }
});

void test("dividing by zero is a RangeError", () => {
  assert.throws(() => divideDecimals(decimal("1"), decimal("0.00"), 2, "half_up"), RangeError);
  assert.throws(() => remainderDecimals(decimal("1"), decimal("0")), RangeError);
});

void test("results are exact up to 1,000 digits and an error beyond", () => {
  const thousandDigits = power(999);
  assert.equal(decimalText(thousandDigits).length, 1_000);
  assert.throws(() => multiplyDecimals(thousandDigits, decimal("10")), DecimalLimitError);
  const nines = subtractDecimals(thousandDigits, decimal("1"));
  assert.equal(decimalText(nines), "9".repeat(999));
  assert.throws(() => multiplyDecimals(nines, nines), DecimalLimitError);
  const smallest = power(-999);
  assert.equal(decimalText(smallest), `0.${"0".repeat(998)}1`);
  assert.throws(() => multiplyDecimals(smallest, decimal("0.1")), DecimalLimitError);
  assert.throws(() => multiplyDecimals(power(-999), decimal("0.0")), DecimalLimitError);
  assert.throws(() => addDecimals(smallest, decimal("10")), DecimalLimitError);
  assert.throws(() => divideDecimals(thousandDigits, smallest, 0, "down"), DecimalLimitError);
  assert.throws(() => divideDecimals(decimal("1"), smallest, 2, "down"), DecimalLimitError);
  assert.throws(() => roundDecimal(decimal("1"), 1_000, "down"), DecimalLimitError);
  assert.throws(() => roundDecimal(decimal("1"), -1_000, "up"), DecimalLimitError);
  assert.equal(decimalText(roundDecimal(decimal("1"), 999, "down")).length, 1_001);
});

void test("a number becomes the decimal that its shortest text shows", () => {
  const rows: readonly [number, string][] = [
    [0, "0"],
    [-0, "0"],
    [5, "5"],
    [0.1, "0.1"],
    [-2.5, "-2.5"],
    [0.1 + 0.2, "0.30000000000000004"],
    [1e21, "1000000000000000000000"],
    [1.5e-7, "0.00000015"],
    [-1e-7, "-0.0000001"],
    [2 ** 53, "9007199254740992"],
    [123456789.125, "123456789.125"],
  ];
  for (const [number, text] of rows) {
    const made = decimalFromNumber(number);
    assert.ok(made !== undefined);
    checkForm(made);
    assert.equal(decimalText(made), text);
    assert.equal(made.token, undefined);
  }
  for (const number of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    assert.equal(decimalFromNumber(number), undefined);
  }
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      const made = decimalFromNumber(number);
      assert.ok(made !== undefined);
      assert.equal(decimalToNumber(made), number + 0);
      assert.equal(decimalText(made), oracleText(new Exact(number), made.scale));
    }),
    { seed: 2, numRuns: 1_000 },
  );
});

void test("comparison is by value, not by scale or form", () => {
  assert.equal(compareDecimals(decimal("12.0"), decimal("12.00")), 0);
  assert.equal(compareDecimals(decimal("9007199254740991"), decimal("9007199254740992.0")), -1);
  assert.equal(compareDecimals(decimal("9007199254740992.0"), decimal("9007199254740992.00")), 0);
  assert.equal(compareDecimals(decimal("0.1"), decimal("0.0999999999999999999999")), 1);
  assert.equal(compareDecimals(decimal("-1"), decimal("0.00000000000000000000")), -1);
});

void test("logs and messages show a decimal's text, not its inside", () => {
  assert.equal(String(decimal("012.50")), "12.50");
  assert.equal(JSON.stringify({ price: decimal("012.50") }), '{"price":"012.50"}');
  assert.equal(JSON.stringify(addDecimals(decimal("1.5"), decimal("1"))), '"2.5"');
});
