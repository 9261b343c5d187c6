import {
  Decimal,
  addDecimals,
  decimalText,
  multiplyDecimals,
  negateDecimal,
  parseDecimal,
} from "../core/decimal.ts";
import type { JsonValue } from "../core/json.ts";
import { NumberToken } from "../core/number-token.ts";
import type { Value } from "../core/value.ts";

/*
 * Values in state. Texts, booleans, null and most numbers stand for themselves; the rest is a list that begins with
 * its kind: ["c", text] computed decimal, ["s", token] and ["n", token] decimal that came as JSON string or number,
 * ["t", text] number token, ["z"] minus zero, ["a", items] array, ["o", names and values] object.
 */

export function encodeValue(value: Value): JsonValue {
  if (typeof value === "number") return Object.is(value, -0) ? ["z"] : value;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Decimal) {
    if (value.token === undefined) return ["c", decimalText(value)];
    return [value.jsonKind === "number" ? "n" : "s", value.token];
  }
  if (value instanceof NumberToken) return ["t", value.text];
  if (Array.isArray(value)) return ["a", (value as readonly Value[]).map(encodeValue)];
  return ["o", Object.entries(value).flatMap(([name, member]) => [name, encodeValue(member)])];
}

/** Throws RangeError for what `encodeValue` never wrote. */
export function decodeValue(json: JsonValue): Value {
  if (!Array.isArray(json)) return json;
  const [kind, content] = json as readonly JsonValue[];
  switch (kind) {
    case "z":
      return -0;
    case "c":
      return withoutToken(readDecimal(content));
    case "s":
    case "n": {
      const decimal = parseDecimal(textOf(content), kind === "n" ? "number" : "string");
      if (decimal === undefined) throw unreadable(content);
      return decimal;
    }
    case "t":
      return new NumberToken(textOf(content));
    case "a":
      return itemsOf(content).map(decodeValue);
    case "o": {
      const items = itemsOf(content);
      const members: [string, Value][] = [];
      for (let index = 0; index < items.length; index += 2) {
        members.push([textOf(items[index]), decodeValue(items[index + 1] as JsonValue)]);
      }
      return Object.fromEntries(members);
    }
    default:
      throw unreadable(json);
  }
}

/** Texts up to this long are read in one piece; results may have 1,000 digits. */
const pieceDigits = 30;

function readDecimal(content: JsonValue | undefined): Decimal {
  const text = textOf(content);
  const short = parseDecimal(text);
  if (short !== undefined) return short;
  const negative = text.startsWith("-");
  const [whole = "", fraction = ""] = text.slice(negative ? 1 : 0).split(".");
  const digits = whole + fraction;
  let value = piece("0");
  for (let start = 0; start < digits.length; start += pieceDigits) {
    const part = digits.slice(start, start + pieceDigits);
    value = addDecimals(multiplyDecimals(value, piece(`1${"0".repeat(part.length)}`)), piece(part));
  }
  for (let places = fraction.length; places > 0; places -= pieceDigits) {
    const step = Math.min(places, pieceDigits);
    value = multiplyDecimals(value, piece(`0.${"1".padStart(step, "0")}`));
  }
  return negative ? negateDecimal(value) : value;
}

function piece(digits: string): Decimal {
  const decimal = parseDecimal(digits);
  if (decimal === undefined) throw unreadable(digits);
  return decimal;
}

/** A computed decimal has no token: every operation forgets it. */
function withoutToken(decimal: Decimal): Decimal {
  return decimal.token === undefined ? decimal : negateDecimal(negateDecimal(decimal));
}

function textOf(json: JsonValue | undefined): string {
  if (typeof json !== "string") throw unreadable(json);
  return json;
}

function itemsOf(json: JsonValue | undefined): readonly JsonValue[] {
  if (!Array.isArray(json)) throw unreadable(json);
  return json as readonly JsonValue[];
}

function unreadable(json: JsonValue | undefined): RangeError {
  return new RangeError(`no stored value: ${JSON.stringify(json)}`);
}
