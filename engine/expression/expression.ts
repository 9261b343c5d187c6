import type { RoundingMode } from "../core/decimal.ts";
import type { ResultFacts, Lateness } from "../core/record.ts";
import type { Value, ValueObject } from "../core/value.ts";
import type { ErrorEnvelope } from "../core/fault.ts";

/** Where an expression stands decides which variables and functions it may use. */
export type ExpressionScope =
  /** A record of a step or sink: fields, `$event_time()` and so on. */
  | "record"
  /** A sink's `set` and `key`: as record, plus `$error` and `$late`. */
  | "sink"
  /** An aggregate's `set`: keys and aggregates as fields, `$window`, `$revision`, `$is_final`. */
  | "result"
  /** A generate source's `set`: `$index()`, `$pick`, `$uniform`, `$chance`, `$event_time`... */
  | "generate";

/** A reference table with its rows, decimal columns already exact. */
export interface Table {
  readonly name: string;
  readonly rows: ReadonlyMap<string, ValueObject>;
}

/** What a checker can know of a value before any record is seen. `number` may be any JSON number but no decimal. */
export type ValueType =
  | "text"
  | "number"
  | "decimal"
  | "boolean"
  | "array"
  | "object"
  | "function"
  | "any";

export interface ValueFacts {
  /** Of the value if there is one. */
  readonly type: ValueType;
  /** True if a record may lack it. */
  readonly optional: boolean;
}

/** What is known when an expression is compiled. Plain data: the same on every machine. */
export interface CompileContext {
  readonly scope: ExpressionScope;
  readonly tables: ReadonlyMap<string, Table>;
  readonly parameters: ReadonlyMap<string, string | number | boolean>;
  /** The job's `decimal.rounding`. */
  readonly rounding: RoundingMode;
  /**
   * What is known of the record's own fields, from a schema that every record has passed or from what `gives` says of
   * the lines that set them. Fields that are not listed may be anything.
   */
  readonly fields?: ReadonlyMap<string, ValueFacts>;
}

/** What changes from record to record: one mutable object per run, filled by the caller before each evaluation. */
export interface EvaluationContext {
  /** ms since the epoch; NaN if the record has none. */
  eventTimeMs: number;
  /** NaN if there is none (files). */
  brokerTimeMs: number;
  /** Read once per batch from the injected clock. */
  processingTimeMs: number;
  result: ResultFacts | undefined;
  error: ErrorEnvelope | undefined;
  late: Lateness | undefined;
  /** Only in scope `generate`: the record's ordinal and a deterministic random number in [0, 1). */
  index: number;
  random: () => number;
}

export interface CompiledExpression {
  readonly source: string;
  /** Top-level field names the expression reads from its input; undefined if it cannot be told (`$`, `*`, `**`). */
  readonly reads: ReadonlySet<string> | undefined;
  /** What it gives, as far as the text and `fields` tell. */
  readonly gives: ValueFacts;
  /** True if the record, the parameters and the tables alone decide: no processing time, no random number. */
  readonly deterministic: boolean;
  /** The top-level field that the expression is nothing but the name of; undefined for all others. */
  readonly field: string | undefined;
  /**
   * Absent is `undefined`. Synchronous, deterministic, never changes its input.
   * Throws ExpressionError, and nothing else, for whatever a record does to it.
   */
  evaluate(input: ValueObject, context: EvaluationContext): Value | undefined;
}

/** A fault in an expression's text (at load) or of one record (at evaluation). */
export class ExpressionError extends Error {
  /** `EXPRESSION_ERROR`, or `EXPRESSION_LIMIT` for budgets and caps. */
  readonly code: "EXPRESSION_ERROR" | "EXPRESSION_LIMIT";
  /** JSONata's own code (`T2001`, `D3030`, ...) or ours (`UNSUPPORTED`, `DECIMAL_DIVISION`, ...). */
  readonly reason: string;
  /** Code-unit offset into the expression's source of the inner cause. */
  readonly offset: number;

  constructor(
    code: "EXPRESSION_ERROR" | "EXPRESSION_LIMIT",
    reason: string,
    message: string,
    offset: number,
  ) {
    super(message);
    this.name = "ExpressionError";
    this.code = code;
    this.reason = reason;
    this.offset = offset;
  }
}
