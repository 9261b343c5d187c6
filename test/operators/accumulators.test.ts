import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { addDecimals, multiplyDecimals, parseDecimal } from "../../engine/core/decimal.ts";
import type { Decimal } from "../../engine/core/decimal.ts";
import { parseJsonExact, serializeValue } from "../../engine/core/json-text.ts";
import type { JsonObject, JsonValue } from "../../engine/core/json.ts";
import type { Value } from "../../engine/core/value.ts";
import { aggregate } from "../../engine/operators/aggregate.ts";
import { decodeValue, encodeValue } from "../../engine/operators/value-json.ts";
import { makeStep } from "./harness.ts";

/**
 * One aggregate over operands: JSON texts, or `d:` and decimal text, or nothing for absent. The result's JSON text,
 * with `failed CODE` for each operand refused.
 */
function over(field: JsonObject, operands: readonly string[]): string {
  const driver = makeStep(aggregate, {
    key: { all: "'all'" },
    window: { type: "tumbling", size: "5m" },
    aggregates: { x: field, records: { count: true } },
  });
  const refused: string[] = [];
  for (const operand of operands) {
    const value: Record<string, Value> = { yes: true };
    if (operand.startsWith("d:")) value["v"] = parseDecimal(operand.slice(2)) as Decimal;
    else if (operand !== "") value["v"] = parseJsonExact(operand);
    refused.push(...driver.record(value, 0));
  }
  if (refused.length === operands.length) return refused.join(" ");
  driver.watermark(Infinity);
  return [...refused, serializeValue(driver.last.value["x"] as Value)].join(" ");
}

test("aggregates of numbers, decimals and text follow the rules of semantics.md section 3", () => {
  const rows: readonly [JsonObject, readonly string[], string][] = [
    // Absent and null are skipped by all but count.
    [{ count: true }, ["", "null", "1"], "3"],
    [{ sum: "v" }, ["", "null"], "0"],
    [{ sum: "v", scale: 2 }, ["", "null"], '"0.00"'],
    [{ min: "v" }, ["", "null"], "null"],
    [{ max: "v", scale: 2 }, [""], "null"],
    [{ avg: "v", scale: 2 }, ["", "null"], "null"],
    [{ avg: "v" }, ["", "3", "null", "4"], "3.5"],
    // Sums: exact with the largest scale; inexact numbers in order of arrival.
    [{ sum: "v" }, ["d:0.1", "d:0.20"], '"0.30"'],
    [{ sum: "v" }, ["d:12.00"], '"12.00"'],
    [{ sum: "v" }, ["0.1", "0.2"], "0.30000000000000004"],
    [{ sum: "v" }, ["0.1", "d:0.2"], '"0.3"'],
    [{ sum: "v" }, ["d:0.2", "0.10"], '"0.3"'],
    [{ sum: "v", scale: 2 }, ["0.1", "0.2"], '"0.30"'],
    [{ sum: "v", scale: 1 }, ["d:0.05", "d:0.00"], '"0.1"'],
    [{ sum: "v", scale: 1, rounding: "half_even" }, ["d:0.05"], '"0.0"'],
    [{ sum: "v", scale: 0, rounding: "floor" }, ["d:-0.01"], '"-1"'],
    [{ sum: "v" }, [`d:${"9".repeat(38)}`, "d:1"], `"1${"0".repeat(38)}"`],
    [{ sum: "v" }, ["12345678901234567890", "1"], "12345678901234567000"],
    // Minimum and maximum: the winner's own text, the first of equals.
    [{ max: "v" }, ["d:1.50", "d:1.5", "d:0.9"], '"1.50"'],
    [{ min: "v" }, ["d:1.5", "d:1.50", "d:2"], '"1.5"'],
    [{ max: "v" }, ["0.10", "0.1"], "0.10"],
    [{ max: "v", scale: 2 }, ["d:1.5", "d:1.495"], '"1.50"'],
    [{ min: "v", scale: 1 }, ["2.25", "3"], '"2.3"'],
    [{ min: "v" }, ['"b"', '"a"', '"B"'], '"B"'],
    [{ max: "v" }, ['"\\uffee"', '"😀"'], '"😀"'],
    [{ max: "v" }, ["2", "d:10"], '"10"'],
    [{ min: "v" }, ["2", "d:10"], "2"],
    // One division at the end.
    [{ avg: "v", scale: 2 }, ["d:0.01", "d:0.02"], '"0.02"'],
    [{ avg: "v", scale: 2, rounding: "half_even" }, ["d:0.04", "d:0.05"], '"0.04"'],
    [{ avg: "v", scale: 2 }, ["d:1", "d:1", "d:2"], '"1.33"'],
    [{ avg: "v", scale: 2 }, ["1", "2"], '"1.50"'],
    [{ avg: "v" }, ["1", "2"], "1.5"],
    // Conditions.
    [{ count: true, where: "v > 1" }, ["1", "2", "3", ""], "2"],
    [{ sum: "v", where: "v > 1" }, ["1", "2", "3"], "5"],
    // The sum of none is of the kind that its operands have.
    [{ sum: "v", where: "v > 9" }, ["1", "2"], "0"],
    [{ sum: "v", where: "v > 9" }, ["d:1.00", "d:2.00"], '"0"'],
    [{ sum: "$uppercase(v)", where: "v > 9" }, ["1"], "0"],
  ];
  for (const [field, operands, expected] of rows) {
    assert.equal(over(field, operands), expected, JSON.stringify([field, operands]));
  }
});

test("operands of the wrong type fail before anything changes", () => {
  const type = "failed OPERAND_TYPE";
  const rows: readonly [JsonObject, readonly string[], string][] = [
    [{ sum: "v" }, ["1", '"2"', "true", "[1]", "{}", "3"], `${type} ${type} ${type} ${type} 4`],
    [{ avg: "v" }, ["1", '"2"'], `${type} 1`],
    [{ avg: "v" }, ["d:1", "3"], `${type} 3`],
    [{ min: "v" }, ["true", "[]", "1"], `${type} ${type} 1`],
    [{ min: "v" }, ["1", '"a"', "0"], `${type} 0`],
    [{ max: "v" }, ['"a"', "d:1", '"b"'], `${type} "b"`],
    [{ max: "v", scale: 1 }, ['"a"', "1"], `${type} "1.0"`],
    [{ sum: "v" }, ["1e400", "1"], `${type} 1`],
    [{ sum: "v" }, ["1.5e308", "1.5e308"], "failed EXPRESSION_LIMIT 1.5e+308"],
    [{ sum: "$uppercase(v)" }, ["1"], "failed EXPRESSION_ERROR"],
  ];
  for (const [field, operands, expected] of rows) {
    assert.equal(over(field, operands), expected, JSON.stringify([field, operands]));
  }
});

test("the message tells how decimal text becomes a number", () => {
  const driver = makeStep(aggregate, {
    key: "k",
    window: { type: "tumbling", size: "5m" },
    aggregates: { total: { sum: "amount" } },
  });
  driver.record('{"k":1,"amount":"12.50"}', 0);
  assert.equal(
    driver.last.fault?.message,
    'total: sum needs a number, found "12.50"; declare it with format "decimal" in a schema, or use $decimal()',
  );
});

test("the example of the orders job: exact money with two decimals", () => {
  const amounts = Array.from(
    { length: 42 },
    (_, index) => `d:${index === 0 ? "174.99" : "149.99"}`,
  );
  assert.equal(over({ sum: "v", scale: 2 }, amounts), '"6324.58"');
  assert.equal(over({ avg: "v", scale: 2 }, amounts), '"150.59"');
});

test("values come back from state as they went in", () => {
  const huge = Array.from({ length: 9 }, () => parseDecimal("9".repeat(38)) as Decimal).reduce(
    multiplyDecimals,
  );
  const tiny = multiplyDecimals(huge, parseDecimal(`-0.${"0".repeat(36)}1`) as Decimal);
  const values: readonly Value[] = [
    ...["0", "-0", "1.50", "-7", "9".repeat(38)].map((text) => parseDecimal(text) as Decimal),
    parseDecimal("1.50", "number") as Decimal,
    addDecimals(parseDecimal("0.1") as Decimal, parseDecimal("0.20") as Decimal),
    huge,
    tiny,
    multiplyDecimals(tiny, tiny),
    parseJsonExact('[12345678901234567890,{"__proto__":0.10,"a":[null,true,-0]},"d:1"]'),
    ["c", "1"],
    -0,
    0.1 + 0.2,
    5e-324,
  ];
  for (const value of values) {
    const stored = JSON.parse(JSON.stringify(encodeValue(value))) as JsonValue;
    assert.deepEqual(decodeValue(stored), value);
    assert.equal(serializeValue(decodeValue(stored)), serializeValue(value));
  }
});

test("any JSON comes back from state as it went in", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value = parseJsonExact(text);
      const stored = JSON.parse(JSON.stringify(encodeValue(value))) as JsonValue;
      assert.deepEqual(decodeValue(stored), value);
    }),
    { seed: 3, numRuns: 500 },
  );
});

test("what was never stored is refused", () => {
  for (const json of [["x"], ["c"], ["s", "1e3"], ["a", 1], ["t", 1], ["o", [1]]] as JsonValue[]) {
    assert.throws(() => decodeValue(json), RangeError);
  }
});
