import type { JsonObject, JsonValue } from "../core/json.ts";
import { DecimalPaths } from "./decimal-paths.ts";
import type { SchemaFields } from "./record-schema.ts";
import { childSchemas, isJsonObject, resolveReference } from "./schema-document.ts";
import type { SchemaPlace } from "./schema-document.ts";

/** What a schema says of its top-level fields. The schema must have passed `checkSchemaDocument`. */
export function schemaFields(schema: JsonObject): SchemaFields {
  const names = new Set<string>();
  const arrays = new Set<string>();
  let open = true;
  const visit = (place: SchemaPlace, seen: Set<string>): void => {
    if (seen.has(place.pointer)) return;
    seen.add(place.pointer);
    const { additionalProperties, unevaluatedProperties, properties, required } = place.schema;
    if (additionalProperties === false || unevaluatedProperties === false) open = false;
    if (isJsonObject(properties)) for (const name of Object.keys(properties)) names.add(name);
    if (Array.isArray(required)) {
      for (const name of required as readonly JsonValue[]) {
        if (typeof name === "string") names.add(name);
      }
    }
    for (const child of childSchemas(place)) {
      if (child.keyword === "properties" && child.name !== undefined) {
        if (isArraySchema(schema, child)) arrays.add(child.name);
      } else if (sameLevelKeywords.has(child.keyword)) visit(child, seen);
    }
    const target = reference(schema, place);
    if (target !== undefined) visit(target, seen);
  };
  visit({ schema, pointer: "" }, new Set());
  return { names, decimals: new DecimalPaths(schema).list(), arrays, open };
}

/** Schemas below these look at the same object as the schema around them. */
const sameLevelKeywords: ReadonlySet<string> = new Set([
  "allOf",
  "anyOf",
  "oneOf",
  "if",
  "then",
  "else",
  "dependentSchemas",
]);

function reference(root: JsonObject, place: SchemaPlace): SchemaPlace | undefined {
  const text = place.schema["$ref"];
  return typeof text === "string" ? resolveReference(root, text) : undefined;
}

/** The field is an array whenever it is there. */
function isArraySchema(root: JsonObject, field: SchemaPlace): boolean {
  const seen = new Set<string>();
  let place: SchemaPlace | undefined = field;
  while (place !== undefined && !seen.has(place.pointer)) {
    seen.add(place.pointer);
    if (place.schema["type"] === "array") return true;
    place = reference(root, place);
  }
  return false;
}
