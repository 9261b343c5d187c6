import type { ErrorObject } from "ajv/dist/2020.js";
import { excerpt } from "../core/json-text.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { nearestName } from "../core/nearest.ts";
import { createAjv } from "./ajv-instance.ts";
import { findUndeclarableDecimals } from "./decimal-paths.ts";
import { formats } from "./formats.ts";
import { patternFault } from "./pattern-engine.ts";
import type { SchemaFault } from "./record-schema.ts";
import {
  allSchemas,
  isJsonObject,
  isSchemaKeyword,
  joinPointer,
  resolveReference,
  schemaKeywords,
} from "./schema-document.ts";
import type { SchemaPlace } from "./schema-document.ts";

const draft = "https://json-schema.org/draft/2020-12/schema";
/** Compare doubles, and leave decimals that are text alone: a rule of the step does it exactly. */
const inexactKeywords = [
  "multipleOf",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
] as const;
/** Real keywords of the draft, and of others, that people may expect here. */
const refusedKeywords: Readonly<Record<string, string>> = {
  $dynamicRef: "use $ref",
  $dynamicAnchor: "use $anchor",
  $recursiveRef: "use $ref",
  $recursiveAnchor: "use $anchor",
  $vocabulary: "it belongs to meta-schemas",
  nullable: 'add "null" to "type"',
  dependencies: "use dependentRequired or dependentSchemas",
  additionalItems: "use items beside prefixItems",
  id: "use $id",
  discriminator: "use oneOf",
  example: "use examples",
};

/** Every fault of a schema document, in document order; [] if records can be checked by it. */
export function checkSchemaDocument(schema: JsonValue): readonly SchemaFault[] {
  if (!isJsonObject(schema)) {
    return [invalid("", `a schema must be a JSON object, found ${excerpt(schema)}`)];
  }
  const faults: SchemaFault[] = [];
  checkRoot(schema, faults);
  for (const place of allSchemas({ schema, pointer: "" })) checkPlace(schema, place, faults);
  const structural = structureFaults(schema);
  if (structural.length > 0) return [...faults, ...structural];
  findUndeclarableDecimals(schema, (pointer, keyword) =>
    faults.push({
      code: "SCHEMA_DECIMAL_PLACE",
      message: `format "decimal" cannot stand below "${keyword}": whether a value is a decimal must be known before the record is`,
      pointer,
      suggestion: 'declare it through "properties", "items" and "$ref" only',
    }),
  );
  return faults.length > 0 ? faults : strictFaults(schema);
}

function invalid(pointer: string, message: string): SchemaFault {
  return { code: "SCHEMA_INVALID", message, pointer };
}

function checkRoot(schema: JsonObject, faults: SchemaFault[]): void {
  const declared = schema["$schema"];
  if (declared !== undefined && declared !== draft && declared !== `${draft}#`) {
    faults.push({
      code: "SCHEMA_DRAFT",
      message: `only JSON Schema draft 2020-12 is understood, found ${excerpt(declared)}`,
      pointer: "/$schema",
      suggestion: `write "${draft}"`,
    });
  }
  const type = schema["type"];
  if (type !== undefined && ![type].flat().includes("object")) {
    faults.push(invalid("/type", `a record is an object, but this allows only ${excerpt(type)}`));
  }
}

function checkPlace(root: JsonObject, place: SchemaPlace, faults: SchemaFault[]): void {
  for (const keyword of Object.keys(place.schema)) {
    const value = place.schema[keyword] as JsonValue;
    const pointer = joinPointer(place.pointer, keyword);
    if (keyword === "$ref") checkReference(root, value, pointer, faults);
    else if (keyword === "format") checkFormat(place, value, pointer, faults);
    else if (keyword === "pattern") checkPattern(value, pointer, faults);
    else if (keyword === "patternProperties" && isJsonObject(value)) {
      for (const name of Object.keys(value)) checkPattern(name, joinPointer(pointer, name), faults);
    } else if (keyword === "$id" && place.pointer !== "") {
      faults.push({
        code: "SCHEMA_UNSUPPORTED",
        message: "$id is supported at the root of a schema only",
        pointer,
        suggestion: "use $anchor",
      });
    } else if (keyword === "$async") {
      faults.push({
        code: "SCHEMA_ASYNC",
        message: "asynchronous schemas are not supported: checking a record waits for nothing",
        pointer,
      });
    } else if (!isSchemaKeyword(keyword)) {
      faults.push(unknownKeyword(keyword, pointer));
    }
  }
}

function unknownKeyword(keyword: string, pointer: string): SchemaFault {
  if (Object.hasOwn(refusedKeywords, keyword)) {
    return {
      code: "SCHEMA_UNSUPPORTED",
      message: `keyword "${keyword}" is not supported`,
      pointer,
      suggestion: refusedKeywords[keyword] ?? "",
    };
  }
  const nearest = nearestName(keyword, Object.keys(schemaKeywords));
  return {
    code: "SCHEMA_UNKNOWN_KEYWORD",
    message: `unknown keyword "${keyword}"`,
    pointer,
    ...(nearest === undefined ? {} : { suggestion: `did you mean "${nearest}"?` }),
  };
}

function checkReference(
  root: JsonObject,
  value: JsonValue,
  pointer: string,
  faults: SchemaFault[],
): void {
  if (typeof value !== "string") return;
  if (!value.startsWith("#")) {
    faults.push({
      code: "SCHEMA_REMOTE_REF",
      message: `$ref ${excerpt(value)} leaves the document; nothing is loaded from elsewhere`,
      pointer,
      suggestion: 'copy it to "$defs" and refer to "#/$defs/..."',
    });
  } else if (resolveReference(root, value) === undefined) {
    faults.push({
      code: "SCHEMA_REF_UNRESOLVED",
      message: `$ref ${excerpt(value)} names no schema of this document`,
      pointer,
    });
  }
}

function checkFormat(
  place: SchemaPlace,
  value: JsonValue,
  pointer: string,
  faults: SchemaFault[],
): void {
  if (typeof value !== "string") return;
  if (!formats.has(value)) {
    const nearest = nearestName(value, formats.keys());
    faults.push({
      code: "SCHEMA_UNKNOWN_FORMAT",
      message: `unknown format "${value}"; known are ${[...formats.keys()].join(", ")}`,
      pointer,
      ...(nearest === undefined ? {} : { suggestion: `did you mean "${nearest}"?` }),
    });
    return;
  }
  if (value !== "decimal") return;
  for (const keyword of inexactKeywords) {
    if (place.schema[keyword] === undefined) continue;
    faults.push({
      code: "SCHEMA_DECIMAL_KEYWORD",
      message: `"${keyword}" beside format "decimal" would compare inexact numbers, and texts not at all`,
      pointer: joinPointer(place.pointer, keyword),
      suggestion: "compare it in a rule of the step",
    });
  }
}

function checkPattern(value: JsonValue, pointer: string, faults: SchemaFault[]): void {
  const fault = typeof value === "string" ? patternFault(value) : undefined;
  if (fault === undefined) return;
  faults.push({
    code: "SCHEMA_BAD_PATTERN",
    message: `${excerpt(value)} is no pattern of the linear regular expressions used here: ${fault}`,
    pointer,
  });
}

/** What the draft's own meta-schema says. One fault for each place: its branches repeat themselves. */
function structureFaults(schema: JsonObject): readonly SchemaFault[] {
  const ajv = createAjv(() => true, { allErrors: true });
  const { $schema: _draft, ...document } = schema;
  if (ajv.validateSchema(document) === true) return [];
  const byPointer = new Map<string, SchemaFault>();
  for (const error of ajv.errors ?? []) {
    if (!byPointer.has(error.instancePath)) {
      byPointer.set(error.instancePath, invalid(error.instancePath, structureMessage(error)));
    }
  }
  return [...byPointer.values()];
}

function structureMessage(error: ErrorObject): string {
  const keyword = error.instancePath.slice(error.instancePath.lastIndexOf("/") + 1);
  const params = error.params as Readonly<Record<string, unknown>>;
  const allowed = params["allowedValues"] ?? params["type"] ?? params["limit"];
  const detail = allowed === undefined ? "" : `: allowed is ${excerpt(allowed, 200)}`;
  return `"${keyword}" is not what JSON Schema wants there (${error.keyword}${detail})`;
}

/** What ajv's strict mode finds when it compiles: keywords that can never apply. It stops at the first. */
function strictFaults(schema: JsonObject): readonly SchemaFault[] {
  try {
    createAjv(() => true).compile(schema);
    return [];
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const place = /at "[^"]*#([^"]*)"/.exec(text)?.[1] ?? "";
    const message = text
      .replace(/^strict mode: /, "")
      .replace(/ at "[^"]*#[^"]*"/, "")
      .replace(/ \(strict[A-Za-z]*\)$/, "");
    return [invalid(decodePointer(place), message)];
  }
}

function decodePointer(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
