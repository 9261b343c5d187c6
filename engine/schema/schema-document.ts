import type { JsonObject, JsonValue } from "../core/json.ts";

/**
 * Every keyword that a schema of ours may use (draft 2020-12 without its dynamic references) and what stands below
 * it: a schema, a list of schemas, schemas by name, or a plain value.
 */
export const schemaKeywords = {
  $schema: "value",
  $id: "value",
  $ref: "value",
  $anchor: "value",
  $defs: "named",
  $comment: "value",
  definitions: "named",
  title: "value",
  description: "value",
  default: "value",
  examples: "value",
  deprecated: "value",
  readOnly: "value",
  writeOnly: "value",
  type: "value",
  enum: "value",
  const: "value",
  multipleOf: "value",
  maximum: "value",
  exclusiveMaximum: "value",
  minimum: "value",
  exclusiveMinimum: "value",
  maxLength: "value",
  minLength: "value",
  pattern: "value",
  format: "value",
  maxItems: "value",
  minItems: "value",
  uniqueItems: "value",
  maxContains: "value",
  minContains: "value",
  maxProperties: "value",
  minProperties: "value",
  required: "value",
  dependentRequired: "value",
  contentEncoding: "value",
  contentMediaType: "value",
  contentSchema: "one",
  allOf: "list",
  anyOf: "list",
  oneOf: "list",
  not: "one",
  if: "one",
  then: "one",
  else: "one",
  dependentSchemas: "named",
  prefixItems: "list",
  items: "one",
  contains: "one",
  properties: "named",
  patternProperties: "named",
  additionalProperties: "one",
  propertyNames: "one",
  unevaluatedItems: "one",
  unevaluatedProperties: "one",
} as const satisfies Record<string, "value" | "one" | "list" | "named">;

export type SchemaKeyword = keyof typeof schemaKeywords;

export function isSchemaKeyword(name: string): name is SchemaKeyword {
  return Object.hasOwn(schemaKeywords, name);
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A schema object inside a document. */
export interface SchemaPlace {
  readonly schema: JsonObject;
  /** JSON pointer from the document's root. */
  readonly pointer: string;
}

/** A schema directly below another one, by the keyword that holds it. */
export interface ChildSchema extends SchemaPlace {
  readonly keyword: SchemaKeyword;
  /** The member name below `properties` and the like. */
  readonly name: string | undefined;
}

export function joinPointer(pointer: string, ...tokens: readonly (string | number)[]): string {
  let joined = pointer;
  for (const token of tokens) {
    joined += `/${String(token).replaceAll("~", "~0").replaceAll("/", "~1")}`;
  }
  return joined;
}

export function pointerTokens(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The schema objects directly below this one, in document order. `true` and `false` schemas are left out. */
export function childSchemas(place: SchemaPlace): readonly ChildSchema[] {
  const children: ChildSchema[] = [];
  for (const keyword of Object.keys(place.schema)) {
    if (!isSchemaKeyword(keyword)) continue;
    const value = place.schema[keyword];
    const pointer = joinPointer(place.pointer, keyword);
    const kind = schemaKeywords[keyword];
    if (kind === "one" && isJsonObject(value)) {
      children.push({ schema: value, pointer, keyword, name: undefined });
    } else if (kind === "list" && Array.isArray(value)) {
      for (const [index, item] of (value as readonly JsonValue[]).entries()) {
        if (isJsonObject(item)) {
          children.push({
            schema: item,
            pointer: joinPointer(pointer, index),
            keyword,
            name: undefined,
          });
        }
      }
    } else if (kind === "named" && isJsonObject(value)) {
      for (const name of Object.keys(value)) {
        const item = value[name];
        if (isJsonObject(item)) {
          children.push({ schema: item, pointer: joinPointer(pointer, name), keyword, name });
        }
      }
    }
  }
  return children;
}

/** Every schema object of a document, each before those below it. */
export function* allSchemas(place: SchemaPlace): Iterable<SchemaPlace> {
  yield place;
  for (const child of childSchemas(place)) yield* allSchemas(child);
}

/** The schema that `#`, `#/pointer` or `#anchor` names; undefined for anything else. */
export function resolveReference(root: JsonObject, reference: string): SchemaPlace | undefined {
  if (reference === "#") return { schema: root, pointer: "" };
  if (reference.startsWith("#/")) {
    let pointer: string;
    try {
      pointer = decodeURIComponent(reference.slice(1));
    } catch {
      return undefined;
    }
    let found: JsonValue | undefined = root;
    for (const token of pointerTokens(pointer)) {
      if (Array.isArray(found)) found = (found as readonly JsonValue[])[Number(token)];
      else if (isJsonObject(found) && Object.hasOwn(found, token)) found = found[token];
      else return undefined;
    }
    return isJsonObject(found) ? { schema: found, pointer } : undefined;
  }
  if (!reference.startsWith("#")) return undefined;
  for (const place of allSchemas({ schema: root, pointer: "" })) {
    if (place.schema["$anchor"] === reference.slice(1)) return place;
  }
  return undefined;
}
