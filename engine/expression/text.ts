import { Decimal, decimalText } from "../core/decimal.ts";
import { NumberToken } from "../core/number-token.ts";
import { failure } from "./failure.ts";
import { outOfRange } from "./arithmetic.ts";
import { checkDepth, checkedText, spend, spendReading } from "./meter.ts";
import { FunctionValue, Sequence, isArray } from "./values.ts";
import type { Item, Outcome } from "./values.ts";

/** Side of `&`: absent is the empty text. */
export function concatenable(value: Outcome, offset: number): string {
  return value === undefined ? "" : textOf(value, offset);
}

/** The result of `&`, within the limit. */
export const joined = checkedText;

/** `$string`: JSON for arrays and objects; numbers to 15 digits, decimals with their scale. */
export function textOf(value: Item | Sequence, offset: number, indented = false): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      if (!Number.isFinite(value)) {
        throw failure("D3001", "NaN and infinities have no text", offset);
      }
      return String(rounded(value));
    case "boolean":
      return value ? "true" : "false";
    default:
      if (value instanceof Decimal) return digitsOf(value);
      if (value instanceof FunctionValue) return "";
      if (value instanceof NumberToken) return textOf(value.number, offset);
      return checkedText(
        jsonText(value instanceof Sequence ? value.items : value, offset, indented ? "\n" : "", 0),
      );
  }
}

function digitsOf(value: Decimal): string {
  const text = decimalText(value);
  if (value.large !== undefined) spend(10 + Math.trunc(text.length / 8));
  return text;
}

/** JSONata prints numbers to 15 significant digits: 0.1 + 0.2 is "0.3". */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(15));
}

function jsonText(value: Item, offset: number, newline: string, depth: number): string {
  spend(1);
  checkDepth(depth);
  if (typeof value === "number" || value instanceof NumberToken) {
    const number = typeof value === "number" ? value : value.number;
    if (Number.isNaN(number)) return "null";
    if (!Number.isFinite(number)) throw outOfRange(number, offset);
    return JSON.stringify(rounded(number));
  }
  if (value instanceof Decimal) {
    const text = digitsOf(value);
    return value.jsonKind === "number" ? text : JSON.stringify(text);
  }
  if (value instanceof FunctionValue) return '""';
  if (typeof value === "string") spendReading(value.length);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = newline === "" ? "" : newline + "  ";
  const parts = isArray(value)
    ? value.map((entry) => jsonText(entry, offset, inner, depth + 1))
    : Object.entries(value).map(
        ([name, entry]) =>
          JSON.stringify(name) +
          (newline === "" ? ":" : ": ") +
          jsonText(entry, offset, inner, depth + 1),
      );
  const [open, close] = isArray(value) ? ["[", "]"] : ["{", "}"];
  if (parts.length === 0) return open + close;
  return open + inner + parts.join("," + inner) + newline + close;
}
