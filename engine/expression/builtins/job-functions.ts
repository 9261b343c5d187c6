import currencies from "currency-codes";
import {
  Decimal,
  decimalFromNumber,
  decimalText,
  divideDecimals,
  parseDecimal,
  roundDecimal,
} from "../../core/decimal.ts";
import type { RoundingMode } from "../../core/decimal.ts";
import { nearestName } from "../../core/nearest.ts";
import { exactToken, NumberToken } from "../../core/number-token.ts";
import { decimalFault, spendDigits } from "../arithmetic.ts";
import { evaluation } from "../evaluation.ts";
import type { CompileContext } from "../expression.ts";
import { failure, shown } from "../failure.ts";
import { spend, spendArray } from "../meter.ts";
import { isArray } from "../values.ts";
import type { Item, Outcome } from "../values.ts";
import { builtin } from "./builtin.ts";
import type { Builtin } from "./builtin.ts";
import { roundNumber, scaleOf } from "./numbers.ts";

/** The functions of spec.md that jsonata does not have: money, tables, parameters, codes. */

/** XXX stands for no currency, XTS for tests. */
const currencyCodes: ReadonlySet<string> = new Set(
  currencies.codes().filter((code) => code !== "XXX" && code !== "XTS"),
);

export function isCurrency(value: Outcome): boolean {
  return typeof value === "string" && currencyCodes.has(value);
}

export function codePointsOf(text: string): readonly number[] {
  if (text.length > 64) spendArray(text.length);
  const points: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at) ?? 0;
    points.push(point);
    if (point > 0xffff) at++;
  }
  return points;
}

const roundingModes: ReadonlySet<unknown> = new Set<RoundingMode>([
  "half_up",
  "half_even",
  "down",
  "up",
  "floor",
  "ceiling",
]);

function modeOf(
  value: Outcome,
  otherwise: RoundingMode,
  name: string,
  offset: number,
): RoundingMode {
  if (value === undefined) return otherwise;
  if (roundingModes.has(value)) return value as RoundingMode;
  throw failure(
    "ROUNDING_INVALID",
    `${name} knows the rounding modes ${[...roundingModes].join(", ")}, not ${shown(value)}`,
    offset,
  );
}

/** A decimal of a decimal, of a number by its digits, or of a text in the grammar of decimals. */
function exactValue(value: Outcome, name: string, offset: number): Decimal {
  if (value instanceof Decimal) return value;
  const decimal = readExactly(value);
  if (decimal === undefined) {
    throw failure(
      "DECIMAL_INVALID",
      `${name} cannot make a decimal of ${shown(value)}: at most 38 digits, a point and a minus sign`,
      offset,
    );
  }
  return decimal;
}

function readExactly(value: Outcome): Decimal | undefined {
  if (value instanceof NumberToken) return exactToken(value);
  if (typeof value === "number") return decimalFromNumber(value);
  return typeof value === "string" ? parseDecimal(value) : undefined;
}

/** `$round(x, scale, mode)`. A plain number without mode is rounded as jsonata does. */
export function round(
  value: Outcome,
  scale: Outcome,
  mode: Outcome,
  rounding: RoundingMode,
  offset: number,
): Outcome {
  if (value === undefined) return undefined;
  const digits = scale === undefined ? 0 : scaleOf(scale, "$round", offset);
  const number = value instanceof NumberToken ? value.number : value;
  if (typeof number === "number" && mode === undefined) return roundNumber(number, digits);
  const fits =
    typeof number === "string"
      ? parseDecimal(number) !== undefined
      : typeof number === "number" || number instanceof Decimal;
  if (!fits) throw failure("T0410", `Argument 1 of $round is no number: ${shown(value)}`, offset);
  try {
    const named = modeOf(mode, rounding, "$round", offset);
    const decimal = exactValue(value, "$round", offset);
    const result = roundDecimal(decimal, digits, named);
    spendDigits(decimal, result, result);
    return result;
  } catch (error) {
    throw decimalFault(error, offset);
  }
}

function divide(args: readonly Outcome[], rounding: RoundingMode, offset: number): Outcome {
  const [dividend, divisor, scale, mode] = args;
  if (dividend === undefined || divisor === undefined) {
    if (!(dividend instanceof Decimal) && !(divisor instanceof Decimal)) return undefined;
    throw failure(
      "DECIMAL_ABSENT",
      "One argument of $divide is absent and the other a decimal",
      offset,
    );
  }
  const digits = scaleOf(scale, "$divide", offset);
  if (digits < 0)
    throw failure("SCALE_INVALID", "The scale of $divide must not be negative", offset);
  try {
    const numerator = exactValue(dividend, "$divide", offset);
    const denominator = exactValue(divisor, "$divide", offset);
    const named = modeOf(mode, rounding, "$divide", offset);
    const quotient = divideDecimals(numerator, denominator, digits, named);
    spend(5);
    spendDigits(numerator, denominator, quotient);
    return quotient;
  } catch (error) {
    throw decimalFault(error, offset);
  }
}

/** Key of a reference table: texts as they are, numbers and booleans by their text. */
function tableKey(value: Outcome): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof NumberToken) return String(value.number);
  return value instanceof Decimal ? decimalText(value) : undefined;
}

export function jobFunctions(context: CompileContext): readonly Builtin[] {
  const { tables, parameters, rounding } = context;
  const rowOf = (table: Outcome, key: Outcome, offset: number): Item | undefined => {
    const rows = tables.get(table as string)?.rows;
    if (rows === undefined) throw unknownName("table", table as string, tables.keys(), offset);
    const text = tableKey(key);
    return text === undefined ? undefined : rows.get(text);
  };
  return [
    builtin("round", "<x-n?s?:n>", { decimals: "count" }, ([value, scale, mode], offset) =>
      round(value, scale, mode, rounding, offset),
    ),
    builtin("divide", "<xxns?:x>", { returns: "decimal", decimals: "count" }, (args, offset) =>
      divide(args, rounding, offset),
    ),
    builtin("decimal", "<x-:x>", { returns: "decimal" }, ([value], offset) =>
      value === undefined ? undefined : exactValue(value, "$decimal", offset),
    ),
    builtin("row", "<sx:x>", { returns: "object" }, ([table, key], offset) =>
      rowOf(table, key, offset),
    ),
    builtin(
      "has_row",
      "<sx:b>",
      { returns: "boolean", optional: false },
      ([table, key], offset) => rowOf(table, key, offset) !== undefined,
    ),
    builtin("is_currency", "<x-:b>", { returns: "boolean", optional: false }, ([value]) =>
      isCurrency(value),
    ),
    builtin("code_points", "<s-:a<n>>", { returns: "array" }, ([text]) =>
      text === undefined ? undefined : codePointsOf(text as string),
    ),
    builtin("param", "<s:x>", { optional: false }, ([name], offset) => {
      const value = parameters.get(name as string);
      if (value === undefined)
        throw unknownName("parameter", name as string, parameters.keys(), offset);
      return value;
    }),
  ];
}

export function unknownName(
  kind: "table" | "parameter",
  name: string,
  names: Iterable<string>,
  offset: number,
): Error {
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
  const reason = kind === "table" ? "UNKNOWN_TABLE" : "UNKNOWN_PARAMETER";
  return failure(reason, `There is no ${kind} "${name}"${hint}`, offset);
}

/** Only in a generate source. Every call takes the next of the record's own random numbers. */
export const generatorFunctions: readonly Builtin[] = [
  builtin(
    "index",
    "<>",
    { arity: 0, returns: "number", optional: false },
    () => evaluation.context.index,
  ),
  builtin("pick", "<a:x>", { arity: 1, volatile: true }, ([items]) => {
    spend(1);
    if (!isArray(items)) return items;
    return items[Math.floor(evaluation.context.random() * items.length)];
  }),
  builtin("uniform", "<nn:n>", { returns: "number", volatile: true }, ([from, to]) => {
    if (from === undefined || to === undefined) return undefined;
    return (from as number) + evaluation.context.random() * ((to as number) - (from as number));
  }),
  builtin("chance", "<n:b>", { returns: "boolean", volatile: true }, ([odds]) =>
    odds === undefined ? undefined : evaluation.context.random() < (odds as number),
  ),
];
