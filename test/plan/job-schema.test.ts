import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { catalog } from "../../engine/catalog.ts";
import type { JsonValue } from "../../engine/core/json.ts";
import { jobSchema } from "../../engine/plan/job-schema.ts";
import { isObject } from "../../engine/plan/raw.ts";
import { unsupportedKeywords } from "../../engine/spec/schema-shape.ts";
import { jobSchemaFile, jobSchemaText } from "../tools/write-job-schema.ts";

const schema = jobSchema(catalog);

test("schemas/job.schema.json is what `npm run schema` writes", () => {
  assert.equal(readFileSync(jobSchemaFile, "utf8"), jobSchemaText());
});

test("ordinary validators take it, and the orders job passes", () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  assert.ok(ajv.validateSchema(schema), JSON.stringify(ajv.errors));
  const check = ajv.compile(schema);
  const text = readFileSync(new URL("../../jobs/orders.yaml", import.meta.url), "utf8");
  const job: unknown = parse(text);
  assert.ok(check(job), JSON.stringify(check.errors, undefined, 1));
  const spoiled: unknown = parse(text.replace("allowed_lateness:", "alowed_lateness:"));
  assert.equal(check(spoiled), false);
});

test("the structural check understands every keyword in it, and there are no references", () => {
  assert.deepEqual(unsupportedKeywords(schema), []);
  assert.ok(!JSON.stringify(schema).includes('"$ref"'));
});

test("every step, source and sink of the catalog is there, told apart by its type", () => {
  const alternatives = (...path: string[]): readonly JsonValue[] => {
    let value: JsonValue | undefined = schema;
    for (const part of path) value = isObject(value) ? value[part] : undefined;
    return Array.isArray(value) ? value : [];
  };
  const types = (list: readonly JsonValue[]): readonly unknown[] =>
    list.map((alternative) => {
      const properties = isObject(alternative) ? alternative["properties"] : undefined;
      const type = isObject(properties) ? properties["type"] : undefined;
      return isObject(type) ? type["const"] : undefined;
    });
  const named = (list: readonly { readonly type: string }[]): readonly string[] =>
    list.map(({ type }) => type);
  assert.deepEqual(
    types(alternatives("properties", "steps", "items", "oneOf")),
    named(catalog.steps),
  );
  assert.deepEqual(
    types(alternatives("properties", "sources", "additionalProperties", "oneOf")),
    named(catalog.sources),
  );
  assert.deepEqual(
    types(alternatives("properties", "sinks", "additionalProperties", "oneOf")),
    named(catalog.sinks),
  );
});

test("every field of a definition that has a configuration is described", () => {
  const undescribed: string[] = [];
  for (const { type, configSchema } of [...catalog.steps, ...catalog.sources, ...catalog.sinks]) {
    const properties = configSchema["properties"];
    for (const [name, property] of Object.entries(isObject(properties) ? properties : {})) {
      if (!isObject(property) || typeof property["description"] !== "string") {
        undescribed.push(`${type}.${name}`);
      }
    }
  }
  assert.deepEqual(undescribed, []);
});
