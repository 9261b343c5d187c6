import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../engine/core/json.ts";
import { schemaFields } from "../../engine/schema/compile-schema.ts";

function fields(schema: JsonObject): unknown {
  const { names, decimals, arrays, open } = schemaFields(schema);
  return { names: [...names].sort(), decimals: [...decimals].sort(), arrays: [...arrays], open };
}

const money = { type: "string", format: "decimal" };

test("a schema tells its fields, its decimals, its arrays and whether others may come", () => {
  const schema = {
    type: "object",
    $defs: { line: { type: "object", properties: { price: money, name: { type: "string" } } } },
    properties: {
      amount: money,
      lines: { type: "array", items: { $ref: "#/$defs/line" } },
      first: { $ref: "#/$defs/line" },
      maybe: { type: ["array", "null"], items: { type: "string" } },
    },
    required: ["id"],
    additionalProperties: false,
  };
  assert.deepEqual(fields(schema), {
    names: ["amount", "first", "id", "lines", "maybe"],
    decimals: ["amount", "first.price", "lines.*.price"],
    arrays: ["lines"],
    open: false,
  });
});

test("fields named by combined and referenced schemas count, and openness is the default", () => {
  const schema = {
    $ref: "#/$defs/base",
    $defs: { base: { type: "object", properties: { id: { type: "string" }, amount: money } } },
    type: "object",
    properties: { amount: { type: "string" } },
    anyOf: [{ properties: { extra: { type: "string" } } }, { required: ["other"] }],
  };
  assert.deepEqual(fields(schema), {
    names: ["amount", "extra", "id", "other"],
    decimals: ["amount"],
    arrays: [],
    open: true,
  });
});

test("a recursive schema gives each path up to where it repeats", () => {
  const schema = {
    type: "object",
    properties: { value: money, next: { $ref: "#" }, all: { type: "array", items: { $ref: "#" } } },
  };
  const { decimals } = schemaFields(schema);
  assert.ok(decimals.has("value"));
  assert.ok(decimals.has("next.value"));
  assert.ok(decimals.has("all.*.value"));
});
