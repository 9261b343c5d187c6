import {
  Decimal,
  absDecimal,
  addDecimals,
  compareDecimals,
  decimalFromNumber,
  decimalToNumber,
  roundDecimal,
} from "../../core/decimal.ts";
import type { RoundingMode } from "../../core/decimal.ts";
import { NumberToken } from "../../core/number-token.ts";
import { decimalFault, outOfRange, spendDigits } from "../arithmetic.ts";
import { failure, shown } from "../failure.ts";
import { meter, spend, spendReading } from "../meter.ts";
import { truthy } from "../truth.ts";
import type { Item, Outcome } from "../values.ts";
import { FunctionValue, isArray } from "../values.ts";
import { builtin } from "./builtin.ts";
import type { Builtin } from "./builtin.ts";

/** `$number`. A decimal stays what it is: no value becomes a double silently. */
export function numberOf(value: Outcome, offset: number): Outcome {
  if (value === undefined || typeof value === "number" || value instanceof Decimal) return value;
  if (value instanceof NumberToken) return value.number;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string") {
    spendReading(value.length);
    if (/^-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/.test(value)) {
      const number = Number(value);
      if (Number.isFinite(number)) return number;
    }
    if (/^0(?:[xX][0-9A-Fa-f]+|[oO][0-7]+|[bB][01]+)$/.test(value)) return Number(value);
  }
  throw failure("D3030", `Cannot make a number of ${shown(value)}`, offset);
}

/** jsonata's `$round` of a plain number: a tie goes to the even neighbour, of the double's shortest text. */
export function roundNumber(value: number, scale: number): number {
  spend(5);
  const shift = (number: number, by: number): number => {
    const [digits, exponent] = String(number).split("e");
    return Number(`${digits}e${Number(exponent ?? 0) + by}`);
  };
  const scaled = scale === 0 ? value : shift(value, scale);
  let result = Math.round(scaled);
  if (Math.abs(result - scaled) === 0.5 && Math.abs(result % 2) === 1) result -= 1;
  const back = scale === 0 ? result : shift(result, -scale);
  if (!Number.isFinite(back)) meter.nonFinite = true;
  return back === 0 ? 0 : back;
}

/** Sum, exact as soon as one member is a decimal (all others then count by their shortest text). */
export function sum(value: Outcome, offset: number): Outcome {
  if (value === undefined) return undefined;
  const items = value as readonly Item[];
  spend(items.length);
  let total = 0;
  for (const item of items) {
    if (typeof item !== "number" && !(item instanceof NumberToken))
      return sumExactly(items, offset);
    total += typeof item === "number" ? item : item.number;
  }
  if (!Number.isFinite(total)) meter.nonFinite = true;
  return total;
}

function sumExactly(items: readonly Item[], offset: number): Outcome {
  let total = exactZero;
  try {
    for (const item of items) {
      const next = decimalOf(item, offset);
      const before = total;
      total = addDecimals(before, next);
      spendDigits(before, next, total);
    }
  } catch (error) {
    throw decimalFault(error, offset);
  }
  return total;
}

/** A sum is computed even of a single member: its text is not that member's token. */
const exactZero = new Decimal(0, 0, undefined, undefined, "string");

function decimalOf(item: Item, offset: number): Decimal {
  if (item instanceof Decimal) return item;
  const number = item instanceof NumberToken ? item.number : (item as number);
  const decimal = decimalFromNumber(number);
  if (decimal === undefined) throw outOfRange(number, offset);
  return decimal;
}

/** The member that is largest (`sign` 1) or smallest (-1); the first of equal ones, unchanged. */
function extreme(value: Outcome, sign: 1 | -1, offset: number): Outcome {
  const items = value as readonly Item[] | undefined;
  if (items === undefined || items.length === 0) return undefined;
  spend(items.length);
  const exact = items.some((item) => item instanceof Decimal);
  let best: Item | undefined;
  for (const item of items) {
    if (Number.isNaN(item)) return item;
    const order =
      best === undefined
        ? 1
        : exact
          ? compareDecimals(decimalOf(item, offset), decimalOf(best, offset)) * sign
          : (plainNumber(item) - plainNumber(best)) * sign;
    if (order > 0) best = item;
  }
  return best instanceof NumberToken ? best.number : best;
}

function plainNumber(item: Item): number {
  return item instanceof NumberToken ? item.number : (item as number);
}

function average(value: Outcome, offset: number): Outcome {
  const items = value as readonly Item[] | undefined;
  if (items === undefined || items.length === 0) return undefined;
  if (items.some((item) => item instanceof Decimal)) throw averageOfDecimals(offset);
  return (sum(items, offset) as number) / items.length;
}

export function averageOfDecimals(offset: number): Error {
  return failure(
    "DECIMAL_DIVISION",
    "$average of decimals: write $divide($sum(x), $count(x), scale), which says how to round",
    offset,
  );
}

/** A function of one number; `exact` is its form for decimals. */
function ofNumber(
  name: string,
  change: (value: number, offset: number) => number,
  exact?: (value: Decimal) => Decimal,
): Builtin {
  return builtin(
    name,
    "<n-:n>",
    { decimals: exact === undefined ? "refuse" : "exact" },
    ([value], offset) => {
      if (value === undefined) return undefined;
      if (value instanceof Decimal) return exact?.(value);
      return change(value as number, offset);
    },
  );
}

const toWhole =
  (mode: RoundingMode) =>
  (value: Decimal): Decimal =>
    roundDecimal(value, 0, mode);

function squareRoot(value: number, offset: number): number {
  if (value < 0) throw failure("D3060", `No square root of the negative number ${value}`, offset);
  return Math.sqrt(value);
}

function typeName(value: Outcome): string | undefined {
  if (value === undefined) return undefined;
  if (value === null) return "null";
  if (value instanceof Decimal || value instanceof NumberToken) return "number";
  if (isArray(value)) return "array";
  return value instanceof FunctionValue ? "function" : typeof value;
}

export const numberFunctions: readonly Builtin[] = [
  builtin("number", "<(nsb)-:n>", { decimals: "exact" }, ([value], offset) =>
    numberOf(value, offset),
  ),
  builtin("sum", "<a<n>:n>", {}, ([items], offset) => sum(items, offset)),
  builtin("max", "<a<n>:n>", {}, ([items], offset) => extreme(items, 1, offset)),
  builtin("min", "<a<n>:n>", {}, ([items], offset) => extreme(items, -1, offset)),
  builtin("average", "<a<n>:n>", { returns: "number" }, ([items], offset) =>
    average(items, offset),
  ),
  ofNumber("abs", Math.abs, absDecimal),
  ofNumber("floor", Math.floor, toWhole("floor")),
  ofNumber("ceil", Math.ceil, toWhole("ceiling")),
  ofNumber("sqrt", squareRoot),
  builtin(
    "power",
    "<n-n:n>",
    { returns: "number", decimals: "refuse" },
    ([base, exponent], offset) => {
      if (base === undefined) return undefined;
      const result = Math.pow(base as number, (exponent as number | undefined) ?? Number.NaN);
      if (!Number.isFinite(result)) {
        throw failure(
          "D3061",
          `${shown(base)} to the power of ${shown(exponent)} is no number`,
          offset,
        );
      }
      return result;
    },
  ),
  builtin("boolean", "<x-:b>", { returns: "boolean" }, ([value]) =>
    value === undefined ? undefined : truthy(value),
  ),
  builtin("not", "<x-:b>", { returns: "boolean" }, ([value]) =>
    value === undefined ? undefined : !truthy(value),
  ),
  builtin(
    "exists",
    "<x:b>",
    { returns: "boolean", optional: false },
    ([value]) => value !== undefined,
  ),
  builtin("type", "<x:s>", { returns: "string" }, ([value]) => typeName(value)),
];

/** Whole numbers for scales. */
export function scaleOf(value: Outcome, name: string, offset: number): number {
  const number = value instanceof Decimal ? decimalToNumber(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && Math.abs(number) <= 100)
    return number;
  throw failure(
    "SCALE_INVALID",
    `The scale of ${name} must be a whole number, at most 100, not ${shown(value)}`,
    offset,
  );
}
