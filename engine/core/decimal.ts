import { DecimalLimitError, Large, digitsMax, divideLargeRounded, shift } from "./large-decimal.ts";
import { divideRounded } from "./rounding.ts";
import type { LargeDecimal } from "./large-decimal.ts";
import type { RoundingMode } from "./rounding.ts";

export { DecimalLimitError } from "./large-decimal.ts";
export type { RoundingMode } from "./rounding.ts";

const coefficientMax = Number.MAX_SAFE_INTEGER;
/** All digits of a text, leading zeros included. */
const textDigitsMax = 38;

/** 10^0 .. 10^17, each exact in a double. */
const powersOfTen: readonly number[] = Array.from({ length: 18 }, (_, exponent) =>
  Number(`1e${exponent}`),
);
const hundredths: readonly string[] = Array.from(
  { length: 100 },
  (_, value) => `.${String(value).padStart(2, "0")}`,
);

/**
 * An exact decimal number: coefficient x 10^-scale. Immutable. Made by the functions of this file only.
 */
export class Decimal {
  /** An integer, never -0; NaN when only `large` can hold the value. */
  readonly coefficient: number;
  /** Digits behind the point, 0 to 1,000. */
  readonly scale: number;
  /** The value itself (not the coefficient) if its coefficient is beyond 2^53-1, else undefined. */
  readonly large: LargeDecimal | undefined;
  /** The text it was read from; undefined for results. */
  readonly token: string | undefined;
  /** How it leaves the engine when untouched. */
  readonly jsonKind: "string" | "number";

  constructor(
    coefficient: number,
    scale: number,
    large: LargeDecimal | undefined,
    token: string | undefined,
    jsonKind: "string" | "number",
  ) {
    this.coefficient = coefficient;
    this.scale = scale;
    this.large = large;
    this.token = token;
    this.jsonKind = jsonKind;
  }

  /** For messages. */
  toString(): string {
    return decimalText(this);
  }

  /** Keeps internals out of logs; records are written by `serializeValue`. */
  toJSON(): string {
    return this.token ?? decimalText(this);
  }
}

function small(coefficient: number, scale: number): Decimal {
  // Adding 0 turns -0 into 0: zero has no sign.
  return new Decimal(coefficient + 0, scale, undefined, undefined, "string");
}

/** A result, in the one form that its value and scale have: small if it fits. */
function fromLarge(
  value: LargeDecimal,
  scale: number,
  token?: string,
  jsonKind: "string" | "number" = "string",
): Decimal {
  const integerDigits = value.isZero() ? 1 : Math.max(value.e + 1, 1);
  if (integerDigits + scale > digitsMax) {
    throw new DecimalLimitError();
  }
  if (value.isZero()) {
    return new Decimal(0, scale, undefined, token, jsonKind);
  }
  if (value.e + scale < 16) {
    const coefficient = shift(value, scale).toNumber();
    if (Math.abs(coefficient) <= coefficientMax) {
      return new Decimal(coefficient, scale, undefined, token, jsonKind);
    }
  }
  return new Decimal(Number.NaN, scale, value, token, jsonKind);
}

function largeOf(a: Decimal): LargeDecimal {
  return a.large ?? new Large(`${a.coefficient}e-${a.scale}`);
}

/**
 * Reads decimal text: `-?[0-9]+(\.[0-9]+)?`, ASCII, at most 38 digits with leading zeros. Undefined for anything else.
 * The text is kept as the token.
 */
export function parseDecimal(
  text: string,
  jsonKind: "string" | "number" = "string",
): Decimal | undefined {
  const length = text.length;
  // 15 digits, a sign and a point: whatever is this short fits a double.
  if (length > 17) {
    return parseLongDecimal(text, jsonKind);
  }
  const negative = length > 0 && text.charCodeAt(0) === 0x2d;
  const first = negative ? 1 : 0;
  let coefficient = 0;
  let point = -1;
  for (let index = first; index < length; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit >= 0 && digit <= 9) {
      coefficient = coefficient * 10 + digit;
    } else if (digit === -2 && point < 0 && index > first) {
      point = index;
    } else {
      return undefined;
    }
  }
  if (length === first || point === length - 1) {
    return undefined;
  }
  if (coefficient > coefficientMax) {
    return parseLongDecimal(text, jsonKind);
  }
  return new Decimal(
    negative ? 0 - coefficient : coefficient,
    point < 0 ? 0 : length - point - 1,
    undefined,
    text,
    jsonKind,
  );
}

const decimalGrammar = /^-?([0-9]+)(?:\.([0-9]+))?$/;

function parseLongDecimal(text: string, jsonKind: "string" | "number"): Decimal | undefined {
  const match = text.length > textDigitsMax + 2 ? null : decimalGrammar.exec(text);
  if (match === null) {
    return undefined;
  }
  const scale = match[2]?.length ?? 0;
  if ((match[1]?.length ?? 0) + scale > textDigitsMax) {
    return undefined;
  }
  return fromLarge(new Large(text), scale, text, jsonKind);
}

/** The decimal that a double's shortest text shows (1e21 and 1e-7 too); undefined for NaN and infinities. */
export function decimalFromNumber(value: number): Decimal | undefined {
  if (Number.isSafeInteger(value)) {
    return small(value, 0);
  }
  if (!Number.isFinite(value)) {
    return undefined;
  }
  const text = String(value);
  const exponentAt = text.indexOf("e");
  const mantissa = exponentAt < 0 ? text : text.slice(0, exponentAt);
  const exponent = exponentAt < 0 ? 0 : Number(text.slice(exponentAt + 1));
  const point = mantissa.indexOf(".");
  const scale = Math.max((point < 0 ? 0 : mantissa.length - point - 1) - exponent, 0);
  if (exponentAt < 0) {
    const coefficient = point < 0 ? Number.NaN : Number(text.replace(".", ""));
    if (Math.abs(coefficient) <= coefficientMax) {
      return small(coefficient, scale);
    }
  }
  return fromLarge(new Large(text), scale);
}

/** Coefficient of `a` at a larger scale; NaN if that is no safe integer. */
function coefficientAt(a: Decimal, scale: number): number {
  const places = scale - a.scale;
  if (places > 15) {
    return a.coefficient === 0 ? 0 : Number.NaN;
  }
  const coefficient = a.coefficient * (powersOfTen[places] ?? Number.NaN);
  return Math.abs(coefficient) <= coefficientMax ? coefficient : Number.NaN;
}

/** Exact; the larger scale. Throws DecimalLimitError. */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  const sum =
    a.scale === b.scale
      ? a.coefficient + b.coefficient
      : coefficientAt(a, scale) + coefficientAt(b, scale);
  // A NaN from a large operand fails this comparison too.
  if (Math.abs(sum) <= coefficientMax) {
    return small(sum, scale);
  }
  return fromLarge(largeOf(a).plus(largeOf(b)), scale);
}

/** Exact; the larger scale. Throws DecimalLimitError. */
export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  const difference =
    a.scale === b.scale
      ? a.coefficient - b.coefficient
      : coefficientAt(a, scale) - coefficientAt(b, scale);
  if (Math.abs(difference) <= coefficientMax) {
    return small(difference, scale);
  }
  return fromLarge(largeOf(a).minus(largeOf(b)), scale);
}

/** Exact; the sum of the scales. Throws DecimalLimitError. */
export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = a.scale + b.scale;
  const product = a.coefficient * b.coefficient;
  if (Math.abs(product) <= coefficientMax && scale < digitsMax) {
    return small(product, scale);
  }
  return fromLarge(largeOf(a).times(largeOf(b)), scale);
}

/** Exact, with the sign of `a` and the larger scale. Throws RangeError if `b` is zero, DecimalLimitError. */
export function remainderDecimals(a: Decimal, b: Decimal): Decimal {
  if (isZeroDecimal(b)) {
    throw new RangeError("division by zero");
  }
  const scale = Math.max(a.scale, b.scale);
  const remainder = coefficientAt(a, scale) % coefficientAt(b, scale);
  if (Math.abs(remainder) <= coefficientMax) {
    return small(remainder, scale);
  }
  return fromLarge(largeOf(a).mod(largeOf(b)), scale);
}

export function negateDecimal(a: Decimal): Decimal {
  return a.large === undefined
    ? small(0 - a.coefficient, a.scale)
    : fromLarge(a.large.negated(), a.scale);
}

export function absDecimal(a: Decimal): Decimal {
  return a.large === undefined
    ? small(Math.abs(a.coefficient), a.scale)
    : fromLarge(a.large.abs(), a.scale);
}

function checkScale(scale: number): void {
  if (!Number.isInteger(scale)) {
    throw new RangeError(`a scale must be an integer, not ${scale}`);
  }
  if (Math.abs(scale) >= digitsMax) {
    throw new DecimalLimitError();
  }
}

/** An integer count of 10^-scale as a decimal; a negative scale becomes scale 0. */
function fromQuanta(quanta: number, scale: number): Decimal {
  if (scale >= 0) {
    return small(quanta, scale);
  }
  const coefficient = quanta * (powersOfTen[-scale] ?? Number.NaN);
  return Math.abs(coefficient) <= coefficientMax
    ? small(coefficient, 0)
    : fromLarge(shift(new Large(quanta), -scale), 0);
}

/**
 * a / b, rounded to exactly `scale` digits behind the point (negative: to tens, hundreds, ... with scale 0).
 * Throws RangeError if `b` is zero or `scale` no integer, DecimalLimitError.
 */
export function divideDecimals(a: Decimal, b: Decimal, scale: number, mode: RoundingMode): Decimal {
  if (isZeroDecimal(b)) {
    throw new RangeError("division by zero");
  }
  checkScale(scale);
  // a / b = quanta x 10^-scale, so quanta = ca x 10^places / cb.
  const places = scale - a.scale + b.scale;
  if (places >= -15 && places <= 15) {
    const power = powersOfTen[Math.abs(places)] ?? Number.NaN;
    const numerator = places > 0 ? a.coefficient * power : a.coefficient;
    const denominator = places < 0 ? b.coefficient * power : b.coefficient;
    if (Math.abs(numerator) <= coefficientMax && Math.abs(denominator) <= coefficientMax) {
      return fromQuanta(divideRounded(numerator, denominator, mode), scale);
    }
  }
  const quanta = divideLargeRounded(shift(largeOf(a), scale), largeOf(b), mode);
  return fromLarge(shift(quanta, -scale), Math.max(scale, 0));
}

/**
 * `a` with exactly `scale` digits behind the point (negative: to tens, hundreds, ... with scale 0).
 * Throws RangeError if `scale` is no integer, DecimalLimitError.
 */
export function roundDecimal(a: Decimal, scale: number, mode: RoundingMode): Decimal {
  checkScale(scale);
  if (a.large === undefined) {
    const places = a.scale - scale;
    if (places > 0) {
      // Beyond 10^17 nothing changes: the quotient is zero and the rest is below one half.
      const power = powersOfTen[Math.min(places, 17)] ?? Number.NaN;
      return fromQuanta(divideRounded(a.coefficient, power, mode), scale);
    }
    const coefficient = coefficientAt(a, scale);
    if (Math.abs(coefficient) <= coefficientMax) {
      return small(coefficient, scale);
    }
  }
  const quanta = divideLargeRounded(shift(largeOf(a), scale), new Large(1), mode);
  return fromLarge(shift(quanta, -scale), Math.max(scale, 0));
}

/** By value: 12.0 equals 12.00. */
export function compareDecimals(a: Decimal, b: Decimal): -1 | 0 | 1 {
  let left = a.coefficient;
  let right = b.coefficient;
  if (a.scale !== b.scale) {
    const scale = Math.max(a.scale, b.scale);
    left = coefficientAt(a, scale);
    right = coefficientAt(b, scale);
  }
  if (left < right) {
    return -1;
  }
  if (left > right) {
    return 1;
  }
  if (left === right) {
    return 0;
  }
  // A NaN: one of them does not fit.
  const order = largeOf(a).cmp(largeOf(b));
  if (order === 0) {
    return 0;
  }
  return order < 0 ? -1 : 1;
}

export function isZeroDecimal(a: Decimal): boolean {
  return a.coefficient === 0;
}

/** Canonical plain text with all digits of the scale: "12.00", "-0.5"; zero without sign. Not the token. */
export function decimalText(a: Decimal): string {
  const { coefficient, scale } = a;
  if (a.large !== undefined) {
    return a.large.toFixed(scale);
  }
  if (scale === 0) {
    return String(coefficient);
  }
  const size = Math.abs(coefficient);
  const sign = coefficient < 0 ? "-" : "";
  if (scale === 2) {
    const whole = Math.trunc(size / 100);
    return sign + String(whole) + (hundredths[size - whole * 100] ?? "");
  }
  const digits = String(size).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** The nearest double. */
export function decimalToNumber(a: Decimal): number {
  if (a.scale === 0 && a.large === undefined) {
    return a.coefficient;
  }
  // One correctly rounded division of exact operands is correctly rounded.
  if (a.scale <= 17 && a.large === undefined) {
    return a.coefficient / (powersOfTen[a.scale] ?? Number.NaN);
  }
  return Number(decimalText(a));
}
