import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "../../engine/core/json.ts";
import { checkSchemaDocument } from "../../engine/schema/compile-schema.ts";

const field = (schema: JsonObject): JsonObject => ({ type: "object", properties: { a: schema } });
const money = { type: "string", format: "decimal" };

test("each fault of a schema has its code, its place and a word of help", () => {
  const rows: readonly [JsonValue, string, string, string?][] = [
    [true, "SCHEMA_INVALID", ""],
    [["x"], "SCHEMA_INVALID", ""],
    [{ type: "array" }, "SCHEMA_INVALID", "/type"],
    [{ properties: { a: true } }, "SCHEMA_INVALID", ""],
    [field({ type: "strin" }), "SCHEMA_INVALID", "/properties/a/type"],
    [field({ type: "string", minLength: -1 }), "SCHEMA_INVALID", "/properties/a/minLength"],
    [field({ type: "integer", minLength: 1 }), "SCHEMA_INVALID", "/properties/a"],
    [{ type: "object", required: "a" }, "SCHEMA_INVALID", "/required"],
    [
      { $schema: "http://json-schema.org/draft-07/schema#", type: "object" },
      "SCHEMA_DRAFT",
      "/$schema",
      'write "https://json-schema.org/draft/2020-12/schema"',
    ],
    [
      { type: "object", propertees: {} },
      "SCHEMA_UNKNOWN_KEYWORD",
      "/propertees",
      'did you mean "properties"?',
    ],
    [{ type: "object", "x-note": 1 }, "SCHEMA_UNKNOWN_KEYWORD", "/x-note"],
    [field({ type: "string", nullable: true }), "SCHEMA_UNSUPPORTED", "/properties/a/nullable"],
    [field({ $dynamicRef: "#a" }), "SCHEMA_UNSUPPORTED", "/properties/a/$dynamicRef"],
    [field({ $id: "b", type: "string" }), "SCHEMA_UNSUPPORTED", "/properties/a/$id"],
    [{ type: "object", $async: true }, "SCHEMA_ASYNC", "/$async"],
    [
      field({ type: "string", format: "datetime" }),
      "SCHEMA_UNKNOWN_FORMAT",
      "/properties/a/format",
      'did you mean "date-time"?',
    ],
    [field({ $ref: "other.json" }), "SCHEMA_REMOTE_REF", "/properties/a/$ref"],
    [field({ $ref: "https://example.com/s#/a" }), "SCHEMA_REMOTE_REF", "/properties/a/$ref"],
    [field({ $ref: "#/$defs/none" }), "SCHEMA_REF_UNRESOLVED", "/properties/a/$ref"],
    [field({ $ref: "#none" }), "SCHEMA_REF_UNRESOLVED", "/properties/a/$ref"],
    [field({ type: "string", pattern: "(?=a)" }), "SCHEMA_BAD_PATTERN", "/properties/a/pattern"],
    [field({ type: "string", pattern: "(a)\\1" }), "SCHEMA_BAD_PATTERN", "/properties/a/pattern"],
    [field({ type: "string", pattern: "[" }), "SCHEMA_BAD_PATTERN", "/properties/a/pattern"],
    [
      { type: "object", patternProperties: { "(?!a)/": {} } },
      "SCHEMA_BAD_PATTERN",
      "/patternProperties/(?!a)~1",
    ],
    [field({ ...money, multipleOf: 0.01 }), "SCHEMA_DECIMAL_KEYWORD", "/properties/a/multipleOf"],
    [
      field({ type: ["string", "number"], format: "decimal", minimum: 0 }),
      "SCHEMA_DECIMAL_KEYWORD",
      "/properties/a/minimum",
    ],
  ];
  for (const [schema, code, pointer, suggestion] of rows) {
    const faults = checkSchemaDocument(schema);
    const label = JSON.stringify(schema);
    assert.deepEqual(
      faults.map((fault) => [fault.code, fault.pointer]),
      [[code, pointer]],
      label,
    );
    if (suggestion !== undefined) assert.equal(faults[0]?.suggestion, suggestion, label);
  }
});

test("a decimal stands only where a path declares it, whatever the record holds", () => {
  const nested = (schema: JsonObject): JsonObject => ({ type: "object", ...schema });
  const rows: readonly [JsonObject, string][] = [
    [nested({ additionalProperties: money }), "/additionalProperties/format"],
    [nested({ patternProperties: { "^a": money } }), "/patternProperties/^a/format"],
    [nested({ allOf: [field(money)] }), "/allOf/0/properties/a/format"],
    [field({ anyOf: [{ type: "null" }, money] }), "/properties/a/anyOf/1/format"],
    [field({ type: "array", prefixItems: [money] }), "/properties/a/prefixItems/0/format"],
    [field({ type: "array", contains: money }), "/properties/a/contains/format"],
    [field({ not: money }), "/properties/a/not/format"],
    [
      {
        $defs: { m: money },
        type: "object",
        properties: { a: { $ref: "#/$defs/m" } },
        propertyNames: { $ref: "#/$defs/m" },
      },
      "/propertyNames/$ref",
    ],
    [
      nested({ $defs: { m: { oneOf: [money] } }, properties: { a: { $ref: "#/$defs/m" } } }),
      "/$defs/m/oneOf/0/format",
    ],
  ];
  for (const [schema, pointer] of rows) {
    const faults = checkSchemaDocument(schema);
    const label = JSON.stringify(schema);
    assert.deepEqual(
      faults.map((fault) => [fault.code, fault.pointer]),
      [["SCHEMA_DECIMAL_PLACE", pointer]],
      label,
    );
  }
});

test("all faults are found at once, in document order", () => {
  const faults = checkSchemaDocument({
    type: "object",
    properties: {
      a: { type: "string", format: "datetime" },
      b: { $ref: "https://example.com" },
      c: { type: "strin", maxLenght: 1 },
      d: { type: "array", items: { type: "nuber" } },
    },
  });
  assert.deepEqual(
    faults.map((fault) => `${fault.code} ${fault.pointer}`),
    [
      "SCHEMA_UNKNOWN_FORMAT /properties/a/format",
      "SCHEMA_REMOTE_REF /properties/b/$ref",
      "SCHEMA_UNKNOWN_KEYWORD /properties/c/maxLenght",
      "SCHEMA_INVALID /properties/c/type",
      "SCHEMA_INVALID /properties/d/items/type",
    ],
  );
});

test("a schema may use all of the draft that makes sense for records", () => {
  const schema: JsonObject = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "https://example.com/order",
    $comment: "names that are data are no keywords",
    title: "t",
    description: "d",
    type: "object",
    properties: {
      format: { type: "string", const: "decimal" },
      $ref: { type: "string", default: "https://example.com" },
      list: { type: "array", prefixItems: [{ type: "integer" }], items: false },
      when: { $ref: "#moment" },
      map: {
        type: "object",
        patternProperties: { "^[\\w-]+$": { type: "integer", minimum: 0 } },
        unevaluatedProperties: false,
      },
      pick: { oneOf: [{ type: "string", minLength: 1 }, { type: "null" }], examples: [{ a: 1 }] },
      tree: { $ref: "#/$defs/tree" },
    },
    dependentRequired: { list: ["when"] },
    anyOf: [{ required: ["list"] }, { required: ["map"] }],
    $defs: {
      moment: { $anchor: "moment", type: "string", format: "date-time" },
      tree: {
        type: "object",
        properties: { value: money, children: { type: "array", items: { $ref: "#/$defs/tree" } } },
      },
    },
  };
  assert.deepEqual(checkSchemaDocument(schema), []);
});
