import type {
  EvaluationContext,
  CompiledExpression,
  ExpressionScope,
} from "../expression/expression.ts";
import type { ExpressionPlace } from "../expression/place.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Lateness, ResultFacts, StreamRecord } from "../core/record.ts";
import type { RecordFault } from "../core/fault.ts";
import type { StepState } from "../state/state.ts";
import type { ValueObject } from "../core/value.ts";
import type { RoundingMode } from "../core/decimal.ts";
import type { RecordSchema } from "../schema/record-schema.ts";

/** main: the records a step passes on. side: settled otherwise, in good order. error: it could not treat them. */
export type PortKind = "main" | "side" | "error";

/** One port of a step. Each record given to `onRecord` is emitted once, on one port, or absorbed. */
export interface Port {
  /** On an error port `fault` is required and the record's value becomes the envelope; on a side port it is `$error`. */
  emit(record: StreamRecord, fault?: RecordFault, late?: Lateness): void;
  /**
   * A record the step made itself (window result); counted apart. Lane and order are the runtime's business.
   * With `fault`, on an error port: a result that failed while it was made.
   */
  make(value: ValueObject, eventTimeMs: number, facts: ResultFacts, fault?: RecordFault): void;
}

export type Outputs<P extends string> = { readonly [Name in P]: Port };

/**
 * A step at work. Synchronous; the runtime calls it record by record inside a batch, merges its inputs in causal
 * order, keeps its clocks and passes time-only ghosts by it, so none of these is an operator's concern.
 */
export interface Operator<P extends string = string> {
  /**
   * Settles one record. `laneWatermarkMs` is W_l of the record's lane as it was before this record
   * (-Infinity without clock; only stateful steps have one).
   */
  onRecord(record: StreamRecord, out: Outputs<P>, laneWatermarkMs: number): void;
  /** The step's own W rose (after the record that raised it was settled, or at the end of input: +Infinity). */
  onWatermark?(watermarkMs: number, out: Outputs<P>): void;
  /** Figures for progress and summary, such as { open_windows: 12 } or { keys: 1000 }. */
  figures?(): Readonly<Record<string, number>>;
}

/** An expression in resolved config: plain JSON in the plan, compiled again by whoever runs it. */
export interface ExpressionSource extends JsonObject {
  readonly expression: string;
  readonly scope: ExpressionScope;
  /** Left out of plans that no job file was read for. */
  readonly place?: ExpressionPlace;
}

/** Handed to `resolve` at plan time. Faults are reported, not thrown: all are collected with their positions. */
export interface ResolveContext {
  /**
   * Takes the expression at `path` of the raw config (relative to the step or sink), checks that it compiles in
   * `scope`, reports faults at their YAML position. Undefined if there is none or it is faulty (already reported).
   */
  expression(
    path: readonly (string | number)[],
    scope?: ExpressionScope,
  ): ExpressionSource | undefined;
  /** Duration text at `path` in ms; reports bad ones. Undefined if absent or bad. */
  durationMs(path: readonly (string | number)[]): number | undefined;
  /** Loads and checks a JSON Schema file named at `path`; reports its findings at their own positions. Undefined if absent or bad. */
  schema(path: readonly (string | number)[]): JsonObject | undefined;
  report(
    path: readonly (string | number)[],
    finding: {
      code: string;
      message: string;
      suggestion?: string;
      severity?: "error" | "warning";
      at?: "key" | "value";
    },
  ): void;
  readonly rounding: RoundingMode;
}

/** Handed to `create` at run time. */
export interface OperatorContext {
  readonly stepId: string;
  compile(source: ExpressionSource): CompiledExpression;
  /** Compiles a JSON Schema (plain JSON from the plan) for records. */
  recordSchema(schema: JsonObject): RecordSchema;
  readonly state: StepState;
  /** Shared evaluation context: `begin(record)` fills in the record's times and facts. */
  readonly evaluation: EvaluationScope;
  readonly rounding: RoundingMode;
}

/** The one mutable evaluation context of a run. */
export interface EvaluationScope {
  readonly context: EvaluationContext;
  /** Points the context at this record; returns it for `evaluate`. */
  begin(record: StreamRecord): EvaluationContext;
  /** Points the context at a result that is being made. */
  beginResult(eventTimeMs: number, facts: ResultFacts): EvaluationContext;
}

/** Everything about a step type: the catalog lists these, editor schema, defaults and docs come from them. */
export interface StepDefinition {
  readonly type: string;
  readonly summary: string;
  /** JSON Schema of the fields beside id, type, input, was. Expressions are `expressionSchema`, durations `durationSchema`. */
  readonly configSchema: JsonObject;
  /** In order of documentation; exactly one main port, named `main`. */
  readonly ports: Readonly<Record<string, PortKind>>;
  /** True if it reads clocks or keeps state: it then runs on the state thread and needs event time. */
  readonly stateful: boolean;
  /** True if `onRecord` may keep a record without emitting it. */
  readonly absorbs: boolean;
  /** State names and the version of their layout. */
  readonly states: Readonly<Record<string, { readonly version: number }>>;
  /** Pure: raw fields to frozen JSON config with every default. Undefined after reporting. */
  resolve(raw: JsonObject, context: ResolveContext): JsonObject | undefined;
  /** The part of the config that decides the layout of its state; a change of it needs `--reset`. */
  stateLayout(config: JsonObject): JsonValue;
  /** How far its output lane's watermark trails its own W (allowed lateness); only for steps that make results. */
  outputDelayMs?(config: JsonObject): number;
  create(config: JsonObject, context: OperatorContext): Operator;
}

/** For schemas of step and connector definitions; `x-pipeline` tells the plan and the docs what the text means. */
export const expressionSchema = {
  type: ["string", "number", "boolean"],
  "x-pipeline": "expression",
} as const;
export const durationSchema = { type: "string", "x-pipeline": "duration" } as const;
