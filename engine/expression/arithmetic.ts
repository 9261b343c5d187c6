import {
  Decimal,
  DecimalLimitError,
  addDecimals,
  decimalFromNumber,
  multiplyDecimals,
  negateDecimal,
  remainderDecimals,
  subtractDecimals,
} from "../core/decimal.ts";
import { exactToken, NumberToken } from "../core/number-token.ts";
import { ExpressionError } from "./expression.ts";
import { failure, shown } from "./failure.ts";
import { meter, spend } from "./meter.ts";
import type { Outcome } from "./values.ts";

/** Everything that generated code does not settle inline with two ordinary numbers. */

type ArithmeticOperator = "+" | "-" | "*" | "/" | "%";

/** `leftExact` and `rightExact` are the exact forms of literal operands, made once. */
type Calculation = (
  left: Outcome,
  right: Outcome,
  offset: number,
  leftExact?: Decimal,
  rightExact?: Decimal,
) => Outcome;

export const add: Calculation = (left, right, offset, leftExact, rightExact) =>
  calculate("+", left, right, offset, leftExact, rightExact);
export const subtract: Calculation = (left, right, offset, leftExact, rightExact) =>
  calculate("-", left, right, offset, leftExact, rightExact);
export const multiply: Calculation = (left, right, offset, leftExact, rightExact) =>
  calculate("*", left, right, offset, leftExact, rightExact);
export const divide: Calculation = (left, right, offset, leftExact, rightExact) =>
  calculate("/", left, right, offset, leftExact, rightExact);
export const remainder: Calculation = (left, right, offset, leftExact, rightExact) =>
  calculate("%", left, right, offset, leftExact, rightExact);

function calculate(
  operator: ArithmeticOperator,
  left: Outcome,
  right: Outcome,
  offset: number,
  leftExact: Decimal | undefined,
  rightExact: Decimal | undefined,
): Outcome {
  if (left instanceof Decimal) {
    const other =
      right instanceof Decimal ? right : (rightExact ?? exact(right, "T2002", operator, offset));
    return calculateExactly(operator, left, other, offset);
  }
  if (right instanceof Decimal) {
    const other = leftExact ?? exact(left, "T2001", operator, offset);
    return calculateExactly(operator, other, right, offset);
  }
  const a = left === undefined ? undefined : ordinary(left, "T2001", operator, offset);
  const b = right === undefined ? undefined : ordinary(right, "T2002", operator, offset);
  if (a === undefined || b === undefined) return undefined;
  const result =
    operator === "+"
      ? a + b
      : operator === "-"
        ? a - b
        : operator === "*"
          ? a * b
          : operator === "/"
            ? a / b
            : a % b;
  if (!Number.isFinite(result)) meter.nonFinite = true;
  return result;
}

function calculateExactly(
  operator: ArithmeticOperator,
  left: Decimal,
  right: Decimal,
  offset: number,
): Decimal {
  const compute = exactOperations[operator];
  if (compute === undefined) throw decimalDivision(offset);
  try {
    const result = compute(left, right);
    spendDigits(left, right, result);
    return result;
  } catch (error) {
    throw decimalFault(error, offset);
  }
}

const exactOperations: Readonly<
  Record<ArithmeticOperator, ((left: Decimal, right: Decimal) => Decimal) | undefined>
> = {
  "+": addDecimals,
  "-": subtractDecimals,
  "*": multiplyDecimals,
  "%": remainderDecimals,
  "/": undefined,
};

/** Beyond 2^53 decimals are computed seven digits by seven digits. */
export function spendDigits(left: Decimal, right: Decimal, result: Decimal): void {
  if (left.large === undefined && right.large === undefined && result.large === undefined) return;
  let pieces = 0;
  for (const { large } of [left, right, result]) pieces += large?.d.length ?? 0;
  spend(10 + Math.trunc(pieces ** 2 / 160));
}

export function decimalDivision(offset: number): ExpressionError {
  return failure(
    "DECIMAL_DIVISION",
    "A decimal cannot be divided with /: write $divide(a, b, scale), which says how to round",
    offset,
  );
}

/** Faults of decimal arithmetic as faults of the expression; any other error as it is. */
export function decimalFault(error: unknown, offset: number): unknown {
  if (error instanceof DecimalLimitError) {
    return new ExpressionError("EXPRESSION_LIMIT", "DECIMAL_LIMIT", error.message, offset);
  }
  if (error instanceof RangeError) return failure("DIVISION_BY_ZERO", "Division by zero", offset);
  return error;
}

function exact(value: Outcome, reason: string, operator: string, offset: number): Decimal {
  if (value === undefined) {
    const side = reason === "T2001" ? "left" : "right";
    throw failure(
      "DECIMAL_ABSENT",
      `The ${side} side of ${operator} is absent and the other side a decimal`,
      offset,
    );
  }
  const decimal =
    value instanceof NumberToken
      ? exactToken(value)
      : decimalFromNumber(ordinary(value, reason, operator, offset));
  if (decimal === undefined) throw outOfRange(value, offset);
  return decimal;
}

function ordinary(value: Outcome, reason: string, operator: string, offset: number): number {
  const number = value instanceof NumberToken ? value.number : value;
  if (typeof number !== "number" || Number.isNaN(number)) {
    const side = reason === "T2001" ? "left" : "right";
    throw failure(
      reason,
      `The ${side} side of ${operator} must be a number, not ${shown(value)}`,
      offset,
    );
  }
  if (!Number.isFinite(number)) throw outOfRange(number, offset);
  return number;
}

export function outOfRange(value: unknown, offset: number): ExpressionError {
  return failure(
    "D1001",
    `Number out of range: ${typeof value === "number" ? String(value) : shown(value)}`,
    offset,
  );
}

export function negate(value: Outcome, offset: number): Outcome {
  if (value === undefined) return undefined;
  if (value instanceof Decimal) return negateDecimal(value);
  const number = value instanceof NumberToken ? value.number : value;
  if (typeof number !== "number" || Number.isNaN(number)) {
    throw failure("D1002", `Cannot negate ${shown(value)}, which is no number`, offset);
  }
  if (!Number.isFinite(number)) throw outOfRange(number, offset);
  return -number;
}
