import type { ErrorObject } from "ajv/dist/2020.js";
import { excerpt } from "../core/json-text.ts";
import type { RecordFault } from "../core/fault.ts";
import type { Value } from "../core/value.ts";
import { formatDescriptions } from "./formats.ts";
import { joinPointer, pointerTokens } from "./schema-document.ts";

/** Allowed values that a message lists before it only counts. */
const listedMax = 12;

/** The fault of a record that ajv refused: what was found, what is allowed, and where. */
export function schemaViolation(
  errors: readonly ErrorObject[] | null | undefined,
  record: Value,
): RecordFault {
  const error = decisiveError(errors ?? []);
  if (error === undefined) {
    return { code: "SCHEMA_VIOLATION", message: "the record does not match its schema" };
  }
  const params = error.params as Readonly<Record<string, unknown>>;
  const member = memberName(error.keyword, params);
  const path = member === undefined ? error.instancePath : joinPointer(error.instancePath, member);
  const wanted = expectation(error.keyword, params);
  if (error.keyword === "required" || error.keyword === "dependentRequired") {
    return { code: "SCHEMA_VIOLATION", message: `${fieldName(path)} ${wanted}`, path };
  }
  const found = excerpt(valueAt(record, path));
  return {
    code: "SCHEMA_VIOLATION",
    message: `${fieldName(path)} ${wanted}, found ${found}`,
    path,
  };
}

/** A fault in a schema that combines others leaves theirs in front of its own. */
function decisiveError(errors: readonly ErrorObject[]): ErrorObject | undefined {
  const last = errors.at(-1);
  return last?.keyword === "if" ? errors[0] : last;
}

function memberName(
  keyword: string,
  params: Readonly<Record<string, unknown>>,
): string | undefined {
  const name =
    keyword === "required" || keyword === "dependentRequired"
      ? params["missingProperty"]
      : (params["additionalProperty"] ?? params["unevaluatedProperty"] ?? params["propertyName"]);
  return typeof name === "string" ? name : undefined;
}

/** What the schema wants, as the rest of a sentence that the field's name begins. */
function expectation(keyword: string, params: Readonly<Record<string, unknown>>): string {
  const limit = Number(params["limit"]);
  switch (keyword) {
    case "required":
      return "is missing";
    case "dependentRequired":
      return `is missing, which ${fieldName(joinPointer("", String(params["property"])))} asks for`;
    case "type":
      return `must be ${article([params["type"]].flat().map(String))}`;
    case "format": {
      const format = String(params["format"]);
      return `must be ${formatDescriptions[format] ?? format}`;
    }
    case "enum":
      return `must be one of ${list(params["allowedValues"])}`;
    case "const":
      return `must be ${excerpt(params["allowedValue"])}`;
    case "pattern":
      return `must match ${excerpt(params["pattern"], 200)}`;
    case "minLength":
      return `must have at least ${count(limit, "character")}`;
    case "maxLength":
      return `must have at most ${count(limit, "character")}`;
    case "minItems":
      return `must have at least ${count(limit, "item")}`;
    case "maxItems":
      return `must have at most ${count(limit, "item")}`;
    case "minProperties":
      return `must have at least ${count(limit, "field")}`;
    case "maxProperties":
      return `must have at most ${count(limit, "field")}`;
    case "minimum":
    case "maximum":
    case "exclusiveMinimum":
    case "exclusiveMaximum":
      return `must be ${String(params["comparison"])} ${limit}`;
    case "multipleOf":
      return `must be a multiple of ${String(params["multipleOf"])}`;
    case "uniqueItems":
      return `must not repeat items (${String(params["i"])} and ${String(params["j"])} are equal)`;
    case "additionalProperties":
    case "unevaluatedProperties":
      return "is not a field of the schema";
    case "unevaluatedItems":
    case "items":
      return "has more items than the schema allows";
    case "propertyNames":
      return "has a name that the schema does not allow";
    case "contains":
      return "must contain an item of the kind that the schema asks for";
    case "anyOf":
      return "must match one of the forms that the schema allows";
    case "oneOf":
      return "must match exactly one of the forms that the schema allows";
    case "not":
      return "must not have the form that the schema excludes";
    case "false schema":
      return "is not allowed by the schema";
    default:
      return `must satisfy "${keyword}" of the schema`;
  }
}

function article(types: readonly string[]): string {
  return types
    .map((type) => {
      if (type === "null") return "null";
      return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
    })
    .join(" or ");
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

function list(values: unknown): string {
  if (!Array.isArray(values)) return "the allowed values";
  const shown = values.slice(0, listedMax).map((value) => excerpt(value));
  const more = values.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** `/items/0/price` as `items[0].price`. */
function fieldName(path: string): string {
  let name = "";
  for (const token of pointerTokens(path)) {
    if (/^(?:0|[1-9][0-9]*)$/.test(token) && name !== "") name += `[${token}]`;
    else name += name === "" ? token : `.${token}`;
  }
  return name === "" ? "the record" : name;
}

/** The value that a JSON pointer names; undefined if there is none. */
export function valueAt(record: Value, path: string): Value | undefined {
  let value: Value | undefined = record;
  for (const token of pointerTokens(path)) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, token)) {
      return undefined;
    }
    value = (value as { readonly [name: string]: Value })[token];
  }
  return value;
}
