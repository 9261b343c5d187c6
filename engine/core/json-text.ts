import { Decimal, decimalText, decimalToNumber } from "./decimal.ts";
import { JsonParser } from "./json-parser.ts";
import { NumberToken } from "./number-token.ts";
import { isList } from "./value-kind.ts";
import type { JsonValue } from "./json.ts";
import type { Value, ValueObject } from "./value.ts";

export { JsonTextError } from "./json-parser.ts";

/**
 * Finds a number token that a double may print with other digits: 16 and more digits, an exponent, a fraction that
 * ends in zero or starts six zeros deep, minus zero. Up to 15 digits a double gives back what was written. Such text
 * inside a string may be found too, but not a time of day: that costs time, not truth.
 */
const suspiciousNumber =
  /(?:[" \t\n\r]:|[,[ \t\n\r])(?:-0(?=[,}\] \t\n\r])|-?(?:[0-9][0-9.]{15}|[0-9]+(?:\.[0-9]+)?[eE]|[0-9]+\.[0-9]*0(?=[,}\] \t\n\r])|0\.000000))/;

/**
 * Parses JSON text with every number exact: one whose double would print other digits becomes a NumberToken.
 * Like JSON.parse otherwise: the last of equal member names wins, `__proto__` is a member like any other.
 * Throws JsonTextError. Nesting beyond 1,000 counts as an error.
 */
export function parseJsonExact(text: string): Value {
  return new JsonParser(text).parse();
}

/**
 * Parses a record's text, by JSON.parse where that loses nothing. `exact` is true if the value holds a NumberToken.
 * Throws JsonTextError with a place that does not depend on the Node version.
 */
export function parseRecordText(text: string): { value: Value; exact: boolean } {
  if (text.charCodeAt(0) === 0x7b && !suspiciousNumber.test(text)) {
    try {
      const value: Value = JSON.parse(text);
      return { value, exact: false };
    } catch {
      // The exact parser refuses what JSON.parse refuses, and says where.
    }
  }
  return parseSlowly(text);
}

function parseSlowly(text: string): { value: Value; exact: boolean } {
  const parser = new JsonParser(text);
  const value = parser.parse();
  return { value, exact: parser.tokens > 0 };
}

/**
 * JSON text of a value. Decimals that came from data leave as their token, as number or string as they came; computed
 * ones as a string of their canonical text; number tokens as they came.
 */
export function serializeValue(value: Value): string {
  // JSON.stringify is the faster way, but it cannot write a number's own digits.
  return hasNumberText(value) ? writeValue(value) : JSON.stringify(value);
}

function hasNumberText(value: Value): boolean {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  if (value instanceof Decimal) {
    return value.jsonKind === "number" && value.token !== undefined;
  }
  if (value instanceof NumberToken) {
    return true;
  }
  if (isList(value)) {
    return value.some(hasNumberText);
  }
  for (const name in value) {
    const member = value[name];
    if (typeof member === "object" && hasNumberText(member)) {
      return true;
    }
  }
  return false;
}

function writeValue(value: Value): string {
  if (typeof value === "string") {
    return quote(value);
  }
  if (typeof value !== "object" || value === null) {
    return JSON.stringify(value);
  }
  if (value instanceof Decimal) {
    return writeDecimal(value);
  }
  if (value instanceof NumberToken) {
    return value.text;
  }
  if (isList(value)) {
    return `[${value.map(writeValue).join(",")}]`;
  }
  let text = "";
  for (const name of Object.keys(value)) {
    const member = value[name];
    if (member !== undefined) {
      text += (text === "" ? "{" : ",") + memberText(name, member);
    }
  }
  return text === "" ? "{}" : `${text}}`;
}

/** `"name":value`, as in the text of an object. */
export function memberText(name: string, value: Value): string {
  return nameText(name) + writeValue(value);
}

function writeDecimal(decimal: Decimal): string {
  if (decimal.token === undefined) {
    return `"${decimalText(decimal)}"`;
  }
  return decimal.jsonKind === "number" ? decimal.token : `"${decimal.token}"`;
}

/** Quotes, backslashes, control characters and surrogates, of which JSON.stringify escapes those without a partner. */
// oxlint-disable-next-line no-control-regex
const escaped = /["\\\u0000-\u001f\ud800-\udfff]/;

function quote(text: string): string {
  return escaped.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** `"name":` of names seen before: records of one stream share few names. A pure memo, bounded. */
const nameTexts = new Map<string, string>();
const nameTextsMax = 1_000;
const nameLengthMax = 64;

function nameText(name: string): string {
  const known = nameTexts.get(name);
  if (known !== undefined) {
    return known;
  }
  const text = `${JSON.stringify(name)}:`;
  if (nameTexts.size < nameTextsMax && name.length <= nameLengthMax) {
    nameTexts.set(name, text);
  }
  return text;
}

/**
 * The value as plain JSON, for ajv: decimals as the string or number they came as, number tokens as their double.
 * Parts without any are shared, not copied.
 */
export function plainValue(value: Value): JsonValue {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (value instanceof Decimal) {
    return value.jsonKind === "number"
      ? decimalToNumber(value)
      : (value.token ?? decimalText(value));
  }
  if (value instanceof NumberToken) {
    return value.number;
  }
  return isPlain(value) ? value : plainCopy(value);
}

/** No Decimal and no NumberToken anywhere. */
function isPlain(value: Value): value is JsonValue {
  if (typeof value !== "object" || value === null) {
    return true;
  }
  if (value instanceof Decimal || value instanceof NumberToken) {
    return false;
  }
  return isList(value) ? value.every(isPlain) : Object.values(value).every(isPlain);
}

function plainCopy(value: readonly Value[] | ValueObject): JsonValue {
  if (isList(value)) {
    return value.map(plainValue);
  }
  // `fromEntries` defines members, so that `__proto__` stays plain data.
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, plainValue(member)]),
  );
}

/** Short readable text of anything, for messages: JSON cut to `max` characters. Never throws. */
export function excerpt(value: unknown, max = 60): string {
  const text = value === undefined ? "nothing" : readableText(value);
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function readableText(value: unknown): string {
  try {
    return isWritable(value) ? serializeValue(value) : typeof value;
  } catch {
    return typeof value;
  }
}

/** Whether JSON has a form for it, as far as the outermost level tells. */
function isWritable(value: unknown): value is Value {
  return ["string", "number", "boolean", "object"].includes(typeof value);
}
