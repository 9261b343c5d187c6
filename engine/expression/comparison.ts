import { Decimal, compareDecimals, decimalFromNumber } from "../core/decimal.ts";
import { NumberToken } from "../core/number-token.ts";
import type { ExpressionError } from "./expression.ts";
import { failure, shown } from "./failure.ts";
import { checkDepth, spend, spendReading } from "./meter.ts";
import { Sequence, isArray, isObject, plain } from "./values.ts";
import type { Item, Outcome } from "./values.ts";

/** Order: everything that generated code does not settle inline with two numbers or two texts. */

/** `exact` is the exact form of a side that is a literal number, made once. A literal never meets another one here. */
type Comparison = (
  left: Outcome,
  right: Outcome,
  offset: number,
  exact?: Decimal,
) => boolean | undefined;

export const less: Comparison = (left, right, offset, exact) => {
  const order = compare(left, right, "<", offset, exact);
  return order === undefined ? undefined : order < 0;
};
export const lessOrEqual: Comparison = (left, right, offset, exact) => {
  const order = compare(left, right, "<=", offset, exact);
  return order === undefined ? undefined : order <= 0;
};
export const greater: Comparison = (left, right, offset, exact) => {
  const order = compare(left, right, ">", offset, exact);
  return order === undefined ? undefined : order > 0;
};
export const greaterOrEqual: Comparison = (left, right, offset, exact) => {
  const order = compare(left, right, ">=", offset, exact);
  return order === undefined ? undefined : order >= 0;
};

/** NaN if the two do not compare (a number that is none); undefined if one is absent. */
function compare(
  left: Outcome,
  right: Outcome,
  operator: string,
  offset: number,
  exact: Decimal | undefined,
): number | undefined {
  if (left instanceof Decimal) {
    if (right instanceof Decimal) return compareDecimals(left, right);
    if (exact !== undefined) return compareDecimals(left, exact);
  }
  const a = comparable(left, operator, offset);
  const b = comparable(right, operator, offset);
  if (a === undefined || b === undefined) return undefined;
  const order = compareNumbers(a, b, exact);
  if (order !== undefined) return order;
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  throw failure(
    "T2009",
    `The values ${shown(a)} and ${shown(b)} either side of ${operator} must be of the same type`,
    offset,
  );
}

function comparable(
  value: Outcome,
  operator: string,
  offset: number,
): string | number | Decimal | undefined {
  if (value === undefined || typeof value === "string" || typeof value === "number") return value;
  if (value instanceof Decimal) return value;
  if (value instanceof NumberToken) return value.number;
  throw failure(
    "T2010",
    `The sides of ${operator} must be numbers or texts, not ${shown(value)}`,
    offset,
  );
}

/** Order of two numbers of any kind; undefined if one is no number. */
function compareNumbers(a: unknown, b: unknown, exact?: Decimal): number | undefined {
  if (typeof a === "number") {
    if (typeof b === "number") return a < b ? -1 : a > b ? 1 : a === b ? 0 : Number.NaN;
    if (!(b instanceof Decimal)) return undefined;
    const left = exact ?? decimalFromNumber(a);
    return left === undefined ? a : compareDecimals(left, b);
  }
  if (!(a instanceof Decimal)) return undefined;
  if (b instanceof Decimal) return compareDecimals(a, b);
  if (typeof b !== "number") return undefined;
  const right = exact ?? decimalFromNumber(b);
  return right === undefined ? -b : compareDecimals(a, right);
}

/** Order of two sort keys, absent last. Throws with JSONata's code for order-by clauses. */
export function compareSortKeys(a: Item | undefined, b: Item | undefined, offset: number): number {
  if (a === undefined) return b === undefined ? 0 : 1;
  if (b === undefined) return -1;
  const left = a instanceof NumberToken ? a.number : a;
  const right = b instanceof NumberToken ? b.number : b;
  if (!isSortKey(left) || !isSortKey(right)) {
    throw failure(
      "T2008",
      `Sort keys must be numbers or texts, not ${shown(isSortKey(left) ? right : left)}`,
      offset,
    );
  }
  const order = compareNumbers(left, right);
  if (order !== undefined) return order;
  if (typeof left === "string" && typeof right === "string") return compareTexts(left, right);
  throw failure(
    "T2007",
    `Sort keys ${shown(left)} and ${shown(right)} are of different types`,
    offset,
  );
}

function compareTexts(a: string, b: string): number {
  spendReading(Math.min(a.length, b.length));
  return a < b ? -1 : a > b ? 1 : 0;
}

function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  spendReading(a.length);
  return a === b;
}

function isSortKey(value: unknown): value is string | number | Decimal {
  return typeof value === "string" || typeof value === "number" || value instanceof Decimal;
}

/** `=`: absent on a side is false. */
export function equals(left: Outcome, right: Outcome, offset: number): boolean {
  if (left === undefined || right === undefined) return false;
  refuseDecimalText(left, right, offset);
  return sameValue(plain(left), plain(right), 0);
}

/** `!=`: absent on a side is false, too. */
export function differs(left: Outcome, right: Outcome, offset: number): boolean {
  if (left === undefined || right === undefined) return false;
  refuseDecimalText(left, right, offset);
  return !sameValue(plain(left), plain(right), 0);
}

/** A decimal never equals a text; saying so beats a comparison that is silently false for every record. */
function refuseDecimalText(left: Outcome, right: Outcome, offset: number): void {
  if (
    (left instanceof Decimal && typeof right === "string") ||
    (right instanceof Decimal && typeof left === "string")
  ) {
    throw mixedComparison(left, right, offset);
  }
}

function mixedComparison(left: unknown, right: unknown, offset: number): ExpressionError {
  return failure(
    "T2009",
    `The values ${shown(left)} and ${shown(right)} cannot be compared: one is a decimal, the other a text`,
    offset,
  );
}

/** Deep equality; numbers of every kind by value. */
export function sameValue(left: unknown, right: unknown, depth: number): boolean {
  if (typeof left === "string" && typeof right === "string") return sameText(left, right);
  if (left === right) return true;
  const a = left instanceof NumberToken ? left.number : left;
  const b = right instanceof NumberToken ? right.number : right;
  if (typeof a !== "object" && typeof b !== "object") return a === b;
  const order = compareNumbers(a, b);
  if (order !== undefined) return order === 0;
  checkDepth(depth);
  if (isArray(a) && isArray(b)) {
    if (a.length !== b.length) return false;
    spend(a.length);
    return a.every((value, index) => sameValue(value, b[index], depth + 1));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  spend(names.length);
  return names.every((name) => Object.hasOwn(b, name) && sameValue(a[name], b[name], depth + 1));
}

/** `in`: numbers by value, texts and booleans by identity; arrays and objects never. */
export function includes(left: Outcome, right: Outcome, offset: number): boolean {
  if (left === undefined || right === undefined) return false;
  const members = right instanceof Sequence ? right.items : isArray(right) ? right : [right];
  spend(members.length);
  const value = left instanceof NumberToken ? left.number : left;
  for (const candidate of members) {
    if (typeof candidate === "string" && typeof value === "string") {
      if (sameText(candidate, value)) return true;
      continue;
    }
    if (candidate === left) return true;
    const other = candidate instanceof NumberToken ? candidate.number : candidate;
    if (other === value || compareNumbers(value, other) === 0) return true;
  }
  if (value instanceof Decimal) {
    const text = members.find((candidate) => typeof candidate === "string");
    if (text !== undefined) throw mixedComparison(value, text, offset);
  }
  return false;
}
