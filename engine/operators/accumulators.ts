import {
  Decimal,
  DecimalLimitError,
  addDecimals,
  compareDecimals,
  decimalFromNumber,
  divideDecimals,
  parseDecimal,
  roundDecimal,
} from "../core/decimal.ts";
import type { RoundingMode } from "../core/decimal.ts";
import type { RecordFault } from "../core/fault.ts";
import { excerpt } from "../core/json-text.ts";
import type { JsonValue } from "../core/json.ts";
import { compareKeys } from "../core/key.ts";
import { NumberToken } from "../core/number-token.ts";
import type { Value } from "../core/value.ts";
import { decodeValue, encodeValue } from "./value-json.ts";

export type AggregateFunction = "count" | "sum" | "min" | "max" | "avg";

export interface AccumulatorOptions {
  readonly name: string;
  readonly function: AggregateFunction;
  /** Digits behind the point of the result; null: as it comes. */
  readonly scale: number | null;
  readonly rounding: RoundingMode;
}

/**
 * One aggregate of one window and key. A record is merged wholly or not at all: every accumulator prepares it, and
 * only when none objects do they commit.
 */
export interface Accumulator {
  /** Works out the next state without taking it; absent and null are skipped except by count. */
  prepare(operand: Value | undefined): RecordFault | undefined;
  commit(): void;
  /** True while it helps to know the operand of a record that `where` left out; such an operand only shows its kind. */
  readonly wantsKind: boolean;
  showKind(operand: Value | undefined): void;
  /** Throws DecimalLimitError, or OperandError where a result can no longer be formed. */
  result(): Value;
  encode(): JsonValue;
  decode(json: JsonValue): void;
}

/** A result that needs a `scale` which the spec no longer has. */
export class OperandError extends Error {}

export function createAccumulator(options: AccumulatorOptions): Accumulator {
  return makers[options.function](options);
}

class Count implements Accumulator {
  readonly wantsKind = false;
  #records = 0;

  prepare(): undefined {
    return undefined;
  }

  commit(): void {
    this.#records += 1;
  }

  showKind(): void {}

  result(): Value {
    return this.#records;
  }

  encode(): JsonValue {
    return this.#records;
  }

  decode(json: JsonValue): void {
    this.#records = Number(json);
  }
}

/** A running total: a double while all operands are inexact, a decimal from the first exact one on. */
class Total {
  readonly #options: AccumulatorOptions;
  value: number | Decimal | undefined;
  #next: number | Decimal | undefined;

  constructor(options: AccumulatorOptions) {
    this.#options = options;
  }

  prepare(operand: Value): RecordFault | undefined {
    const amount = numericOperand(operand);
    if (amount === undefined) return operandFault(this.#options, operand, "a number");
    try {
      this.#next = this.value === undefined ? amount : plus(this.value, amount);
      return undefined;
    } catch (error) {
      return limitFault(this.#options, error);
    }
  }

  commit(): void {
    this.value = this.#next;
  }
}

class Sum implements Accumulator {
  readonly #options: AccumulatorOptions;
  readonly #total: Total;
  #prepared = false;
  /** An operand of this window is known to be a decimal, so that the sum of none is one too. */
  #decimal = false;

  constructor(options: AccumulatorOptions) {
    this.#options = options;
    this.#total = new Total(options);
  }

  prepare(operand: Value | undefined): RecordFault | undefined {
    this.#prepared = operand !== undefined && operand !== null;
    return operand === undefined || operand === null ? undefined : this.#total.prepare(operand);
  }

  commit(): void {
    if (this.#prepared) this.#total.commit();
  }

  get wantsKind(): boolean {
    return this.#total.value === undefined && !this.#decimal && this.#options.scale === null;
  }

  showKind(operand: Value | undefined): void {
    this.#decimal = operand instanceof Decimal;
  }

  result(): Value {
    const { value } = this.#total;
    const { scale, rounding } = this.#options;
    if (scale !== null) return roundDecimal(toDecimal(value ?? 0), scale, rounding);
    return value ?? (this.#decimal ? zero : 0);
  }

  encode(): JsonValue {
    const { value } = this.#total;
    return value === undefined ? [this.#decimal] : encodeValue(value);
  }

  decode(json: JsonValue): void {
    if (Array.isArray(json) && typeof json[0] === "boolean") [this.#decimal] = json as [boolean];
    else this.#total.value = decodeValue(json) as number | Decimal;
  }
}

class Average implements Accumulator {
  readonly wantsKind = false;
  readonly #options: AccumulatorOptions;
  readonly #total: Total;
  #prepared = false;
  #operands = 0;

  constructor(options: AccumulatorOptions) {
    this.#options = options;
    this.#total = new Total(options);
  }

  prepare(operand: Value | undefined): RecordFault | undefined {
    this.#prepared = operand !== undefined && operand !== null;
    if (operand === undefined || operand === null) return undefined;
    if (operand instanceof Decimal && this.#options.scale === null) {
      return {
        code: "OPERAND_TYPE",
        message: `${this.#options.name}: ${needsScale}, found ${excerpt(operand)}`,
      };
    }
    return this.#total.prepare(operand);
  }

  commit(): void {
    if (!this.#prepared) return;
    this.#total.commit();
    this.#operands += 1;
  }

  showKind(): void {}

  result(): Value {
    const { value } = this.#total;
    const { scale, rounding } = this.#options;
    if (value === undefined) return null;
    if (scale !== null) {
      return divideDecimals(toDecimal(value), toDecimal(this.#operands), scale, rounding);
    }
    if (typeof value !== "number") throw new OperandError(needsScale);
    return value / this.#operands;
  }

  encode(): JsonValue {
    const { value } = this.#total;
    return value === undefined ? null : [this.#operands, encodeValue(value)];
  }

  decode(json: JsonValue): void {
    if (json === null) return;
    const [operands, total] = json as readonly [number, JsonValue];
    this.#operands = operands;
    this.#total.value = decodeValue(total) as number | Decimal;
  }
}

/** Minimum or maximum. Of equal values the first stays, with its own text. */
class Extreme implements Accumulator {
  readonly wantsKind = false;
  readonly #options: AccumulatorOptions;
  /** -1: the smallest; 1: the largest. */
  readonly #direction: -1 | 1;
  #best: Value | undefined;
  #next: Value | undefined;

  constructor(options: AccumulatorOptions, direction: -1 | 1) {
    this.#options = options;
    this.#direction = direction;
  }

  prepare(operand: Value | undefined): RecordFault | undefined {
    const best = this.#best;
    this.#next = best;
    if (operand === undefined || operand === null) return undefined;
    const isText = typeof operand === "string";
    if (isText ? this.#options.scale !== null : numericOperand(operand) === undefined) {
      const wanted =
        this.#options.scale === null ? "a number or text" : "a number (it has a scale)";
      return operandFault(this.#options, operand, wanted);
    }
    if (best === undefined) {
      this.#next = operand;
      return undefined;
    }
    if (isText !== (typeof best === "string")) {
      return {
        code: "OPERAND_TYPE",
        message: `${this.#options.name}: cannot compare ${excerpt(operand)} with ${excerpt(best)} of the same window`,
      };
    }
    if (compare(operand, best) === this.#direction) this.#next = operand;
    return undefined;
  }

  commit(): void {
    this.#best = this.#next;
  }

  showKind(): void {}

  result(): Value {
    const { scale, rounding } = this.#options;
    if (this.#best === undefined) return null;
    if (scale === null) return this.#best;
    const amount = numericOperand(this.#best);
    if (amount === undefined) throw new OperandError("text has no scale");
    return roundDecimal(toDecimal(amount), scale, rounding);
  }

  encode(): JsonValue {
    return this.#best === undefined ? null : encodeValue(this.#best);
  }

  decode(json: JsonValue): void {
    this.#best = json === null ? undefined : decodeValue(json);
  }
}

const makers: Readonly<Record<AggregateFunction, (options: AccumulatorOptions) => Accumulator>> = {
  count: () => new Count(),
  sum: (options) => new Sum(options),
  avg: (options) => new Average(options),
  min: (options) => new Extreme(options, -1),
  max: (options) => new Extreme(options, 1),
};

const needsScale = "the average of decimals needs a scale";
const zero = decimalFromNumber(0) as Decimal;

/** What arithmetic takes a value for: undefined if it is no finite number. */
function numericOperand(value: Value): number | Decimal | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (value instanceof Decimal) return value;
  if (value instanceof NumberToken && Number.isFinite(value.number)) return value.number;
  return undefined;
}

/** Throws DecimalLimitError beyond 1,000 digits, RangeError beyond the doubles. */
function plus(a: number | Decimal, b: number | Decimal): number | Decimal {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (!Number.isFinite(sum)) throw new RangeError("the sum is beyond the range of numbers");
    return sum;
  }
  return addDecimals(toDecimal(a), toDecimal(b));
}

function toDecimal(value: number | Decimal): Decimal {
  // Totals and operands are finite.
  return typeof value === "number" ? (decimalFromNumber(value) ?? zero) : value;
}

function compare(a: Value, b: Value): number {
  // The order of keys: code points, as UTF-8 bytes sort.
  if (typeof a === "string" && typeof b === "string") return compareKeys(a, b);
  const left = numericOperand(a) ?? 0;
  const right = numericOperand(b) ?? 0;
  if (typeof left === "number" && typeof right === "number") return Math.sign(left - right);
  return compareDecimals(toDecimal(left), toDecimal(right));
}

function operandFault(options: AccumulatorOptions, operand: Value, wanted: string): RecordFault {
  const hint =
    typeof operand === "string" && parseDecimal(operand) !== undefined
      ? '; declare it with format "decimal" in a schema, or use $decimal()'
      : "";
  return {
    code: "OPERAND_TYPE",
    message: `${options.name}: ${options.function} needs ${wanted}, found ${excerpt(operand)}${hint}`,
  };
}

function limitFault(options: AccumulatorOptions, error: unknown): RecordFault {
  if (!(error instanceof DecimalLimitError || error instanceof RangeError)) throw error;
  return { code: "EXPRESSION_LIMIT", message: `${options.name}: ${error.message}` };
}
