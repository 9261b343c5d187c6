import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as fc from "fast-check";
import { Decimal, parseDecimal } from "../../engine/core/decimal.ts";
import { parseRecordText, serializeValue } from "../../engine/core/json-text.ts";
import type { JsonObject } from "../../engine/core/json.ts";
import type { ValueObject } from "../../engine/core/value.ts";
import { checkSchemaDocument, compileRecordSchema } from "../../engine/schema/compile-schema.ts";

const orderSchema = JSON.parse(
  readFileSync(new URL("../../schemas/order-event.schema.json", import.meta.url), "utf8"),
) as JsonObject;

const order = {
  order_id: "ORD-1",
  customer_id: "CUST-US-001",
  amount: "149.99",
  currency: "USD",
  status: "confirmed",
  timestamp: "2025-01-13T15:00:00Z",
  items_count: 3,
};

function compile(schema: JsonObject): (text: string) => string {
  assert.deepEqual(checkSchemaDocument(schema), []);
  const compiled = compileRecordSchema(schema);
  return (text) => {
    const { value, exact } = parseRecordText(text);
    const outcome = compiled.check(value as ValueObject, exact);
    return "code" in outcome ? `${outcome.path}: ${outcome.message}` : "ok";
  };
}

/** The order with one member's JSON text replaced, or left out. */
function orderText(name: string, text: string | undefined): string {
  const members = Object.entries(order)
    .filter(([member]) => member !== name || text !== undefined)
    .map(([member, value]) => `"${member}":${member === name ? text : JSON.stringify(value)}`);
  return `{${members.join(",")}}`;
}

test("the order schema takes amounts by the decimal grammar, as text or number, read from their source text", () => {
  const check = compile(orderSchema);
  const good = ['"12.10"', "12.10", "12.1", "0", "0.01", "999999.99", '"0.001"', "12.005", "-5"];
  const exact = ["0.10", "12345678901234567890", "0.0000001", '"12345678901234567890.12345678"'];
  for (const amount of [...good, ...exact]) {
    assert.equal(check(orderText("amount", amount)), "ok", amount);
  }
  const bad = [
    '"1e3"',
    "1e3",
    "1E3",
    "1e400",
    "1e-7",
    '"0x10"',
    '" 12"',
    '"1,000"',
    '"+5"',
    '".5"',
  ];
  for (const amount of [...bad, '"5."', '""', '"٣"', `"${"1".repeat(39)}"`, "1".repeat(39)]) {
    assert.match(check(orderText("amount", amount)), /^\/amount: amount must be a /, amount);
  }
  for (const amount of ["null", "true", "[]", "{}"]) {
    assert.equal(
      check(orderText("amount", amount)),
      `/amount: amount must be a string or a number, found ${amount}`,
    );
  }
});

test("an amount becomes a decimal that leaves as it came", () => {
  const schema = compileRecordSchema(orderSchema);
  for (const amount of ['"12.10"', "12.10", "12", '"-0"', "12345678901234567890"]) {
    const text = orderText("amount", amount);
    const { value, exact } = parseRecordText(text);
    const outcome = schema.check(value as ValueObject, exact);
    assert.ok(!("code" in outcome));
    assert.ok(outcome.value["amount"] instanceof Decimal);
    assert.equal(outcome.value["amount"].jsonKind, amount.startsWith('"') ? "string" : "number");
    assert.equal(outcome.exact, true);
    assert.equal(serializeValue(outcome.value), text);
  }
});

test("the order schema rejects what it does not list as allowed, and lets further fields pass", () => {
  const check = compile(orderSchema);
  const rows: readonly [string, string | undefined, string][] = [
    ["order_id", undefined, "/order_id: order_id is missing"],
    ["order_id", '""', '/order_id: order_id must have at least 1 character, found ""'],
    ["order_id", "7", "/order_id: order_id must be a string, found 7"],
    ["items_count", "-1", "/items_count: items_count must be >= 0, found -1"],
    ["items_count", "1.5", "/items_count: items_count must be an integer, found 1.5"],
    ["items_count", '"1"', '/items_count: items_count must be an integer, found "1"'],
    ["items_count", "1.0", "ok"],
    [
      "timestamp",
      '"2025-02-30T00:00:00Z"',
      "/timestamp: timestamp must be an RFC 3339 time with a zone such as 2025-01-13T15:00:00Z, " +
        'found "2025-02-30T00:00:00Z"',
    ],
    ["status", '"anything"', "ok"],
  ];
  for (const [name, text, expected] of rows) {
    assert.equal(check(orderText(name, text)), expected);
  }
  assert.equal(check(orderText("amount", '"1","coupon":{"a":[1]}')), "ok");
});

test("the first fault is the schema's first: required as listed, then properties as listed", () => {
  const check = compile({
    type: "object",
    properties: {
      b: { type: "string", format: "decimal" },
      a: { type: ["number", "string"], format: "decimal" },
      c: { type: "object", properties: { d: { type: "integer" } }, required: ["e"] },
      f: { type: "string", minLength: 2 },
    },
    required: ["f", "b"],
    additionalProperties: false,
    anyOf: [{ required: ["a"] }, { required: ["c"] }],
  });
  const rows: readonly [string, string][] = [
    ['{"a":1e3,"b":"x","c":{},"z":1}', "/f"],
    ['{"a":1e3,"c":{},"f":"x","z":1}', "/b"],
    ['{"z":1,"f":"x","c":{},"a":1e3,"b":"x"}', "/b"],
    ['{"z":1,"f":"x","c":{},"a":1e3,"b":"1"}', "/a"],
    ['{"z":1,"f":"x","c":{"d":"x"},"a":1.50,"b":"1"}', "/c/e"],
    ['{"z":1,"f":"x","c":{"d":"x","e":1},"a":1.50,"b":"1"}', "/c/d"],
    ['{"z":1,"f":"x","a":1.50,"b":"1"}', "/f"],
    ['{"z":1,"f":"xx","a":1.50,"b":"1"}', "/z"],
    ['{"f":"xx","b":"1"}', ""],
    ['{"f":"xx","a":1.50,"b":"1"}', "ok"],
  ];
  for (const [text, path] of rows) {
    const outcome = check(text);
    assert.equal(outcome === "ok" ? "ok" : outcome.slice(0, outcome.indexOf(":")), path, outcome);
  }
});

test("a schema that combines others names the place, not the branch", () => {
  const check = compile({
    type: "object",
    properties: {
      "a/b": { anyOf: [{ type: "string" }, { type: "integer" }] },
      kind: { enum: ["x", "y"] },
      list: {
        type: "array",
        items: { type: "integer" },
        uniqueItems: true,
        contains: { const: 1 },
      },
    },
    if: { properties: { kind: { const: "x" } }, required: ["kind"] },
    then: { required: ["list"] },
    propertyNames: { maxLength: 4 },
  });
  const rows: readonly [string, string][] = [
    ['{"a/b":null}', "/a~1b: a/b must match one of the forms that the schema allows, found null"],
    ['{"kind":"z"}', '/kind: kind must be one of "x", "y", found "z"'],
    ['{"kind":"x"}', "/list: list is missing"],
    ['{"list":[1,"2"]}', '/list/1: list[1] must be an integer, found "2"'],
    ['{"list":[1,2,2]}', "/list: list must not repeat items (1 and 2 are equal), found [1,2,2]"],
    [
      '{"list":[2]}',
      "/list: list must contain an item of the kind that the schema asks for, found [2]",
    ],
    ['{"names":1}', "/names: names has a name that the schema does not allow, found 1"],
  ];
  for (const [text, expected] of rows) assert.equal(check(text), expected);
});

test("decimals are made wherever properties, items and references declare them, and nowhere else", () => {
  const schema: JsonObject = {
    $defs: {
      money: { type: ["string", "number", "null"], format: "decimal" },
      line: {
        type: "object",
        properties: { price: { $ref: "#/$defs/money" }, parts: { $ref: "#/$defs/lines" } },
      },
      lines: { type: "array", items: { $ref: "#/$defs/line" } },
    },
    type: "object",
    properties: {
      lines: { $ref: "#/$defs/lines" },
      totals: { type: "array", items: { type: "array", items: { $ref: "#/$defs/money" } } },
      constructor: { $ref: "#/$defs/money" },
      note: { type: "string" },
    },
  };
  assert.deepEqual(checkSchemaDocument(schema), []);
  const compiled = compileRecordSchema(schema);
  const text =
    '{"note":"1.5","lines":[{"price":"1.50","parts":[{"price":2,"x":"3"}]},{"price":null}],' +
    '"totals":[["1",2.0],[]],"extra":"4","__proto__":{"price":"5"}}';
  const { value, exact } = parseRecordText(text);
  const before = serializeValue(value);
  const outcome = compiled.check(value as ValueObject, exact);
  assert.ok(!("code" in outcome));
  const found: string[] = [];
  const visit = (part: unknown, path: string): void => {
    if (part instanceof Decimal) found.push(path);
    else if (typeof part === "object" && part !== null) {
      for (const [name, member] of Object.entries(part)) visit(member, `${path}/${name}`);
    }
  };
  visit(outcome.value, "");
  assert.deepEqual(found, [
    "/lines/0/price",
    "/lines/0/parts/0/price",
    "/totals/0/0",
    "/totals/0/1",
  ]);
  assert.equal(serializeValue(outcome.value), text);
  assert.equal(serializeValue(value), before, "the input is unchanged");
  assert.equal(Object.getPrototypeOf(outcome.value), Object.prototype);
});

test("a record without declared decimals passes as the same object", () => {
  const compiled = compileRecordSchema({
    type: "object",
    properties: { a: { type: "string", format: "decimal" }, b: { type: "integer" } },
  });
  const record = { b: 1 };
  const outcome = compiled.check(record, false);
  assert.ok("value" in outcome);
  assert.equal(outcome.value, record);
  assert.equal(outcome.exact, false);
});

test("exact values that a record holds already are judged by their text and kept", () => {
  const compiled = compileRecordSchema({
    type: "object",
    properties: {
      text: { type: "string", format: "decimal" },
      both: { type: ["string", "number"], format: "decimal" },
    },
  });
  const decimal = parseDecimal("12.00");
  assert.ok(decimal);
  const outcome = compiled.check({ text: decimal, both: decimal }, true);
  assert.ok("value" in outcome);
  assert.equal(outcome.value["text"], decimal);
  assert.equal(outcome.exact, true);
  const number = parseDecimal("12.00", "number");
  assert.ok(number);
  const refused = compiled.check({ text: number }, true);
  assert.ok("code" in refused);
  assert.equal(refused.message, "text must be a string, found 12.00");
});

test("names of JavaScript's machinery are data like any other", () => {
  const check = compile({
    type: "object",
    properties: { toString: { type: "string" }, valueOf: { type: "string", format: "decimal" } },
    required: ["constructor"],
  });
  assert.equal(check("{}"), "/constructor: constructor is missing");
  assert.equal(check('{"constructor":1}'), "ok");
  assert.equal(check('{"constructor":1,"valueOf":"x"}').slice(0, 9), "/valueOf:");
});

test("a record nested beyond the stack of a recursive schema is a fault, not a crash", () => {
  const compiled = compileRecordSchema({
    type: "object",
    properties: { next: { $ref: "#" } },
  });
  let record: ValueObject = {};
  for (let depth = 0; depth < 100_000; depth += 1) record = { next: record };
  const outcome = compiled.check(record, false);
  assert.ok("code" in outcome);
  assert.equal(outcome.code, "SCHEMA_VIOLATION");
});

test("a pattern that explodes in a backtracking engine ends here", () => {
  const check = compile({
    type: "object",
    properties: {
      a: { type: "string", pattern: "^(a+)+$" },
      b: { type: "string", pattern: "^b" },
    },
    patternProperties: { "^x": { type: "integer" } },
  });
  assert.equal(check('{"b":"bc","x":1}'), "ok");
  assert.match(check('{"b":"a"}'), /^\/b: b must match "\^b", found "a"/);
  assert.match(check('{"x1":"a"}'), /^\/x1: x1 must be an integer/);
  assert.equal(check(`{"a":"${"a".repeat(20_000)}"}`), "ok");
  assert.match(
    check(`{"a":"${"a".repeat(20_000)}b"}`),
    /^\/a: a must match "\^\(a\+\)\+\$", found/,
  );
});

test("a check never throws, and never changes or invents a field", () => {
  const compiled = compileRecordSchema(orderSchema);
  const names = fc.constantFrom(...Object.keys(order), "extra", "__proto__", "length");
  fc.assert(
    fc.property(fc.dictionary(names, fc.jsonValue()), (members) => {
      const text = JSON.stringify({ ...order, ...members });
      const { value, exact } = parseRecordText(text);
      const outcome = compiled.check(value as ValueObject, exact);
      if ("value" in outcome) assert.equal(serializeValue(outcome.value), serializeValue(value));
    }),
    { seed: 20250113, numRuns: 500 },
  );
});
