import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { addDecimals, parseDecimal } from "../../engine/core/decimal.ts";
import type { Decimal } from "../../engine/core/decimal.ts";
import { parseJsonExact, serializeValue } from "../../engine/core/json-text.ts";
import { NumberToken } from "../../engine/core/number-token.ts";
import type { Value, ValueObject } from "../../engine/core/value.ts";
import { TypeTable, cellOf, readCell, readTyped } from "../../engine/runtime/value-types.ts";

function decimal(text: string, kind: "string" | "number" = "string"): Decimal {
  const found = parseDecimal(text, kind);
  assert.ok(found !== undefined);
  return found;
}

const computed = (text: string): Decimal => addDecimals(decimal(text), decimal("0"));
const long = "9".repeat(38);

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom<Value>(true, false, null, 0, -0, 5, -1.5, 1e21, 0.1 + 0.2, 1e-7),
  fc.constantFrom("0", "12.50", "-0.10", "1.0", long).map((text) => decimal(text)),
  fc.constantFrom("0", "12.5", "12.50", "-0.10", long).map((text) => decimal(text, "number")),
  fc.constantFrom("0", "12.50", "-0.10", "1.00").map(computed),
  fc.constant(addDecimals(decimal(long), decimal("0.01"))),
  fc
    .constantFrom("12345678901234567890", "1e400", "0.10", "-0")
    .map((text) => new NumberToken(text)),
);

const { object } = fc.letrec<{ object: ValueObject; value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    tie("object"),
    fc.array(tie("value"), { maxLength: 3 }),
  ),
  object: fc
    .array(
      fc.tuple(fc.constantFrom("a", "b", "1", "", "__proto__", "toString", "ü"), tie("value")),
      { maxLength: 4 },
    )
    .map((members) => Object.fromEntries(members)),
}));

describe("a value that crosses threads", () => {
  test("is read as it was, whatever it is made of", () => {
    fc.assert(
      fc.property(fc.array(object, { maxLength: 5 }), (values) => {
        const table = new TypeTable();
        const numbers = values.map((value) => table.numberOf(value));
        const types = structuredClone(table.list);
        for (const [index, value] of values.entries()) {
          const text = serializeValue(value);
          assert.deepStrictEqual(readTyped(text, types[numbers[index]!]!), value, text);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("that came as text without typed places is read as it was", () => {
    const table = new TypeTable();
    const text = '{"a":[1,{"b":"x"}],"c":null}';
    assert.deepEqual(table.list[table.plain()], []);
    assert.equal(table.plain(), table.plain());
    assert.deepStrictEqual(readTyped(text, []), parseJsonExact(text));
  });

  test("has the types of the one before where these are the same, and no others", () => {
    const table = new TypeTable();
    const record = (amount: Value, items: Value): ValueObject => ({ id: "x", amount, items });
    const first = table.numberOf(record(decimal("1"), [computed("2")]));
    assert.equal(table.numberOf(record(decimal("7.50"), [computed("9.1")])), first);
    const others = [
      record(decimal("1", "number"), [computed("2")]),
      record(decimal("1"), [1, computed("2")]),
      record(decimal("1"), [computed("2"), computed("2")]),
      record(decimal("1"), []),
      record("1", [computed("2")]),
      { amount: decimal("1"), item: [computed("2")] },
      { amount: decimal("1"), items: computed("2") },
    ];
    const numbers = others.map((value) => table.numberOf(value));
    assert.equal(new Set([first, ...numbers]).size, others.length + 1);
    assert.equal(table.numberOf(record(decimal("3"), [computed("4")])), first);
  });

  test("has a cell where it is text or a decimal that is written as text", () => {
    const value: ValueObject = {
      text: "x",
      empty: "",
      token: decimal("12.50"),
      computed: computed("1.10"),
      number: decimal("12.50", "number"),
      long: new NumberToken("0.10"),
      five: 5,
      none: null,
      list: ["x"],
    };
    const table = new TypeTable();
    const types = table.list[table.numberOf(value)]!;
    const cells = Object.keys(value).filter((name) => {
      const cell = cellOf(value, name);
      if (cell !== null) assert.deepStrictEqual(readCell(cell, name, types), value[name]);
      return cell !== null;
    });
    assert.deepEqual(cells, ["text", "empty", "token", "computed"]);
    assert.equal(cellOf(value, "absent"), null);
    assert.equal(cellOf(value, "toString"), null);
  });
});
