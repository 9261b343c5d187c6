import type { JsonObject, JsonValue } from "../core/json.ts";
import type { SpecMap, SpecNode } from "./spec-node.ts";

/** What the structural check reads in a schema; `unsupportedKeywords` tells of anything else. */
const checkedKeywords: ReadonlySet<string> = new Set([
  "type",
  "enum",
  "const",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minLength",
  "maxLength",
  "pattern",
  "items",
  "minItems",
  "maxItems",
  "uniqueItems",
  "properties",
  "required",
  "additionalProperties",
  "unevaluatedProperties",
  "patternProperties",
  "propertyNames",
  "minProperties",
  "maxProperties",
  "oneOf",
  "anyOf",
  "allOf",
  "if",
  "then",
  "else",
  "$ref",
  "x-pipeline",
]);
const annotations: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$defs",
  "$comment",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "markdownDescription",
]);

/** Keywords of a job schema that the structural check would pass over: there must be none. */
export function unsupportedKeywords(schema: JsonValue): readonly string[] {
  const found = new Set<string>();
  collect(schema);
  return [...found];

  function collect(value: JsonValue | undefined): void {
    if (!isSchema(value)) return;
    for (const [keyword, content] of Object.entries(value)) {
      if (!checkedKeywords.has(keyword) && !annotations.has(keyword)) {
        // Other annotations of ours are for the documentation.
        if (!keyword.startsWith("x-")) found.add(keyword);
      } else if (["properties", "patternProperties", "$defs"].includes(keyword)) {
        if (isSchema(content)) for (const inner of Object.values(content)) collect(inner);
      } else if (Array.isArray(content)) {
        if (keyword !== "enum") for (const inner of content) collect(inner);
      } else if (keyword !== "const" && keyword !== "default") {
        collect(content);
      }
    }
  }
}

export function isSchema(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function schemasOf(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter((item) => isSchema(item)) : [];
}

export function namesOf(value: JsonValue | undefined): readonly string[] {
  return typeof value === "string"
    ? [value]
    : Array.isArray(value)
      ? value.filter((item) => typeof item === "string")
      : [];
}

export function propertiesOf(schema: JsonObject): JsonObject {
  return isSchema(schema["properties"]) ? schema["properties"] : {};
}

/** Own members only: a field named `constructor` or `toString` is no property of every schema. */
export function memberOf(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The values a schema allows one by one; undefined if it does not list them. */
export function choicesOf(schema: JsonValue | undefined): readonly JsonValue[] | undefined {
  if (!isSchema(schema)) return undefined;
  if (Object.hasOwn(schema, "const")) return [schema["const"] ?? null];
  return Array.isArray(schema["enum"]) ? schema["enum"] : undefined;
}

/** Both schemas at once, as `allOf` has it, for the parts that are checked. */
export function mergeSchemas(base: JsonObject, more: JsonObject): JsonObject {
  const closed = [base, more].some(
    (schema) =>
      schema["additionalProperties"] === false || schema["unevaluatedProperties"] === false,
  );
  const required = [...namesOf(base["required"]), ...namesOf(more["required"])];
  const properties: Record<string, JsonValue> = { ...propertiesOf(base) };
  for (const [name, property] of Object.entries(propertiesOf(more))) {
    const before = memberOf(properties, name);
    properties[name] =
      isSchema(before) && isSchema(property) ? mergeSchemas(before, property) : property;
  }
  return {
    ...base,
    ...more,
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(required.length === 0 ? {} : { required: [...new Set(required)] }),
    ...(closed ? { additionalProperties: false } : {}),
  };
}

export function without(schema: JsonObject, ...keywords: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !keywords.includes(name)));
}

/** Follows `$ref` into the root's `$defs`; merges `allOf` and the matching side of `if`. */
export function flattenSchema(schema: JsonObject, root: JsonObject, node: SpecNode): JsonObject {
  let flat = schema;
  // A reference that leads back to itself would go on for ever.
  for (let round = 0; round < 32; round += 1) {
    if (typeof flat["$ref"] === "string") {
      flat = mergeSchemas(without(flat, "$ref"), resolveReference(flat["$ref"], root));
    } else if (Array.isArray(flat["allOf"])) {
      flat = schemasOf(flat["allOf"]).reduce(
        (merged, part) => mergeSchemas(merged, flattenSchema(part, root, node)),
        without(flat, "allOf"),
      );
    } else if (isSchema(flat["if"])) {
      const side = matchesCondition(flat["if"], node) ? flat["then"] : flat["else"];
      const rest = without(flat, "if", "then", "else");
      flat = isSchema(side) ? mergeSchemas(rest, side) : rest;
    } else {
      return flat;
    }
  }
  return flat;
}

function resolveReference(reference: string, root: JsonObject): JsonObject {
  let value: JsonValue | undefined = root;
  for (const part of reference.replace(/^#\/?/, "").split("/")) {
    if (part !== "") value = isSchema(value) ? memberOf(value, part) : undefined;
  }
  return isSchema(value) ? value : {};
}

/** Conditions compare fields with constants and ask for their presence: enough to choose by `type`. */
function matchesCondition(condition: JsonObject, node: SpecNode): boolean {
  if (node.kind !== "map") return false;
  const present = namesOf(condition["required"]).every((name) => node.members.has(name));
  return (
    present &&
    Object.entries(propertiesOf(condition)).every(([name, property]) => {
      const choices = choicesOf(property);
      const value = scalarAt(node, name);
      return choices === undefined || value === undefined || choices.includes(value);
    })
  );
}

function scalarAt(node: SpecMap, name: string): JsonValue | undefined {
  const value = node.members.get(name)?.value;
  return value?.kind === "scalar" ? value.value : undefined;
}
