import type { JsonObject } from "../core/json.ts";
import { shown } from "./check-context.ts";
import type { CheckContext } from "./check-context.ts";
import type { SpecPath } from "./job-spec.ts";
import { describePlace } from "./place-names.ts";
import { choicesOf, namesOf } from "./schema-shape.ts";
import type { SpecNode } from "./spec-node.ts";

/** Types a schema allows, as JSON Schema names them; undefined if it does not say. */
export function typesOf(schema: JsonObject): readonly string[] | undefined {
  if (schema["type"] !== undefined) return namesOf(schema["type"]);
  const choices = choicesOf(schema);
  if (choices !== undefined) return [...new Set(choices.map((choice) => typeName(choice)))];
  if (schema["x-pipeline"] === "expression") return ["string", "number", "boolean"];
  if (schema["x-pipeline"] === "duration") return ["string"];
  const keywords = Object.keys(schema);
  if (keywords.some((keyword) => objectKeywords.has(keyword))) return ["object"];
  if (keywords.some((keyword) => arrayKeywords.has(keyword))) return ["array"];
  return undefined;
}

const objectKeywords: ReadonlySet<string> = new Set([
  "properties",
  "additionalProperties",
  "patternProperties",
  "propertyNames",
  "required",
  "minProperties",
  "maxProperties",
]);
const arrayKeywords: ReadonlySet<string> = new Set([
  "items",
  "minItems",
  "maxItems",
  "uniqueItems",
]);

function typeName(value: unknown): string {
  return value === null ? "null" : typeof value;
}

export function typeOfNode(node: SpecNode): string {
  if (node.kind === "map") return "object";
  if (node.kind === "list") return "array";
  return typeName(node.value);
}

export function allowsType(types: readonly string[] | undefined, type: string): boolean {
  if (types === undefined || types.includes(type)) return true;
  return type === "number" && types.includes("integer");
}

const words: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  object: "a map",
  array: "a list",
  null: "nothing",
};

/** `text or a list`. */
function wordsFor(types: readonly string[]): string {
  return types.map((type) => words[type] ?? type).join(" or ");
}

/** A value of another type than the field takes. `text` is what is written, unless it is secret. */
export function reportWrongType(
  context: CheckContext,
  path: SpecPath,
  types: readonly string[],
  type: string,
  text: string | undefined,
): void {
  const place = describePlace(path, context.root);
  const expected = wordsFor(types);
  const message =
    type === "null"
      ? `${place} has no value; it must be ${expected}`
      : `${place} must be ${expected}, not ${type === "boolean" ? "true or false" : (words[type] ?? type)}`;
  const suggestion = text === undefined ? undefined : adviseType(types, type, text);
  context.findings.atValue(path, { code: "SPEC_WRONG_TYPE", message, suggestion });
}

/** What YAML 1.1 took for booleans; in YAML 1.2 they are text. */
const oldBooleans: Readonly<Record<string, boolean>> = {
  y: true,
  yes: true,
  on: true,
  n: false,
  no: false,
  off: false,
};

function adviseType(types: readonly string[], type: string, text: string): string | undefined {
  const lower = text.toLowerCase();
  if (type === "string" && types.includes("boolean")) {
    if (lower === "true" || lower === "false") return `write ${lower} without quotes`;
    const meant = Object.hasOwn(oldBooleans, lower) ? oldBooleans[lower] : undefined;
    return meant === undefined ? "write true or false" : `write ${meant}`;
  }
  if (type === "string" && (types.includes("number") || types.includes("integer"))) {
    return /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? `write ${text} without quotes` : undefined;
  }
  if ((type === "number" || type === "boolean") && types.includes("string")) {
    return `write ${shown(text)} in quotes`;
  }
  if (types.includes("array") && ["string", "number", "boolean"].includes(type)) {
    return `write a list: [${text.slice(0, 60)}]`;
  }
  return undefined;
}
