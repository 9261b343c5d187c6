import type { JsonObject, JsonValue } from "../core/json.ts";
import type { ValueFacts, ValueType } from "./expression.ts";

/** What a JSON Schema says of the fields of the records that have passed it. */
export function fieldFacts(schema: JsonObject): ReadonlyMap<string, ValueFacts> {
  const properties = objectOf(resolved(schema, schema)["properties"]);
  const required = resolved(schema, schema)["required"];
  const names = new Set(Array.isArray(required) ? required : []);
  return new Map(
    Object.entries(properties).map(([name, field]) => [
      name,
      { type: typeOf(resolved(objectOf(field), schema)), optional: !names.has(name) },
    ]),
  );
}

const types: Readonly<Record<string, ValueType>> = {
  string: "text",
  number: "number",
  integer: "number",
  boolean: "boolean",
  array: "array",
  object: "object",
};

function typeOf(field: JsonObject): ValueType {
  const { type, const: constant, enum: values } = field;
  if (field["format"] === "decimal") {
    const others = [type ?? []].flat().some((each) => each !== "string" && each !== "number");
    return others ? "any" : "decimal";
  }
  if (typeof type === "string") return types[type] ?? "any";
  const listed = Array.isArray(values) ? values : constant === undefined ? [] : [constant];
  return listed.length > 0 && listed.every((value) => typeof value === "string") ? "text" : "any";
}

/** Follows `$ref` within the document, a few times at most. */
function resolved(field: JsonObject, document: JsonObject): JsonObject {
  let found = field;
  for (let step = 0; step < 8; step++) {
    const reference = found["$ref"];
    if (typeof reference !== "string" || !reference.startsWith("#")) return found;
    let target: JsonValue | undefined = document;
    for (const part of reference.split("/").slice(1)) {
      target = objectOf(target)[part.replaceAll("~1", "/").replaceAll("~0", "~")];
    }
    found = objectOf(target);
  }
  return {};
}

function objectOf(value: JsonValue | undefined): JsonObject {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as JsonObject) : {};
}
