import assert from "node:assert/strict";
import type { RecordFault } from "../../engine/core/fault.ts";
import { parseRecordText, serializeValue } from "../../engine/core/json-text.ts";
import { writeRecord } from "../../engine/core/write-record.ts";
import type { JsonObject, JsonValue } from "../../engine/core/json.ts";
import { compareKeys } from "../../engine/core/key.ts";
import { parseDuration } from "../../engine/core/duration.ts";
import { StreamRecord } from "../../engine/core/record.ts";
import type { Lateness, ResultFacts } from "../../engine/core/record.ts";
import type { ValueObject } from "../../engine/core/value.ts";
import { compileExpression } from "../../engine/expression/compile.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import type { CompileContext, ExpressionScope } from "../../engine/expression/expression.ts";
import type {
  ExpressionSource,
  Operator,
  OperatorContext,
  Outputs,
  Port,
  ResolveContext,
  StepDefinition,
} from "../../engine/operators/operator.ts";
import { RunEvaluation } from "../../engine/runtime/evaluation-scope.ts";
import { compileRecordSchema } from "../../engine/schema/compile-schema.ts";
import type { Codec, StepState, TimedKeySet, WindowStore } from "../../engine/state/state.ts";

function compileContext(scope: ExpressionScope): CompileContext {
  return { scope, tables: new Map(), parameters: new Map(), rounding: "half_up" };
}

export interface ReportedFinding {
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly severity: "error" | "warning";
}

/** Resolves raw config as the plan does: faults are collected. `schemas` stands for schema files by name. */
export function resolveStep(
  definition: StepDefinition,
  raw: JsonObject,
  schemas: Readonly<Record<string, JsonObject>> = {},
): { config: JsonObject | undefined; findings: ReportedFinding[] } {
  const findings: ReportedFinding[] = [];
  const at = (path: readonly (string | number)[]): JsonValue | undefined => {
    let value: JsonValue | undefined = raw;
    for (const part of path) {
      if (typeof value !== "object" || value === null) return undefined;
      value = (value as Readonly<Record<string | number, JsonValue>>)[part];
    }
    return value;
  };
  const report = (path: readonly (string | number)[], code: string, message: string): void => {
    findings.push({ code, path: path.join("."), message, severity: "error" });
  };
  const context: ResolveContext = {
    expression(path, scope = "record"): ExpressionSource | undefined {
      const raw = at(path);
      if (raw === undefined || raw === null || typeof raw === "object") return undefined;
      const expression = String(raw);
      try {
        compileExpression(expression, compileContext(scope));
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        report(path, "SPEC_EXPRESSION", error.message);
        return undefined;
      }
      return { expression, scope };
    },
    durationMs(path): number | undefined {
      const raw = at(path);
      if (typeof raw !== "string") return undefined;
      const durationMs = parseDuration(raw);
      if (durationMs === undefined) report(path, "SPEC_DURATION", `no duration: ${raw}`);
      return durationMs;
    },
    schema(path) {
      const file = at(path);
      const schema = typeof file === "string" ? schemas[file] : undefined;
      if (schema === undefined) report(path, "SPEC_FILE", "no such file");
      return schema;
    },
    report(path, finding): void {
      const { code, message, severity = "error" } = finding;
      findings.push({ code, path: path.join("."), message, severity });
    },
    rounding: "half_up",
  };
  return { config: definition.resolve(raw, context), findings };
}

class MemoryKeySet implements TimedKeySet {
  readonly times: Map<string, number>;
  readonly #ttlMs: number;

  constructor(times: Map<string, number>, ttlMs: number) {
    this.times = times;
    this.#ttlMs = ttlMs;
  }

  get(key: string): number | undefined {
    return this.times.get(key);
  }

  put(key: string, timeMs: number): void {
    this.times.set(key, timeMs);
  }

  expire(watermarkMs: number): void {
    for (const [key, timeMs] of this.times) {
      if (timeMs + this.#ttlMs <= watermarkMs) this.times.delete(key);
    }
  }

  get size(): number {
    return this.times.size;
  }
}

class MemoryWindowStore<V> implements WindowStore<V> {
  readonly windows = new Map<number, Map<string, V>>();

  get(startMs: number, key: string): V | undefined {
    return this.windows.get(startMs)?.get(key);
  }

  put(startMs: number, key: string, value: V): void {
    const window = this.windows.get(startMs) ?? new Map<string, V>();
    this.windows.set(startMs, window.set(key, value));
  }

  starts(): Iterable<number> {
    return this.windows.keys();
  }

  entries(startMs: number): readonly (readonly [string, V])[] {
    return [...(this.windows.get(startMs) ?? [])].sort(([a], [b]) => compareKeys(a, b));
  }

  remove(startMs: number): void {
    this.windows.delete(startMs);
  }

  get size(): number {
    let size = 0;
    for (const window of this.windows.values()) size += window.size;
    return size;
  }
}

/** State that outlives an operator as JSON text, the way a checkpoint keeps it. */
export class MemoryState implements StepState {
  readonly #times = new Map<string, Map<string, number>>();
  #saved: string | undefined;
  #save: () => JsonValue = () => [];
  granularityMs = NaN;

  timedKeySet(name: string, options: { ttlMs: number; granularityMs: number }): TimedKeySet {
    const times = this.#times.get(name) ?? new Map<string, number>();
    this.#times.set(name, times);
    this.granularityMs = options.granularityMs;
    return new MemoryKeySet(times, options.ttlMs);
  }

  windowStore<V>(_name: string, codec: Codec<V>): WindowStore<V> {
    const store = new MemoryWindowStore<V>();
    for (const [startMs, key, value] of JSON.parse(this.#saved ?? "[]") as [
      number,
      string,
      JsonValue,
    ][]) {
      store.put(startMs, key, codec.decode(value));
    }
    this.#save = () =>
      [...store.windows].flatMap(([startMs, window]) =>
        [...window].map(([key, value]) => [startMs, key, codec.encode(value)]),
      );
    return store;
  }

  /** Keeps the windows as they are now for the next operator. */
  checkpoint(): void {
    this.#saved = JSON.stringify(this.#save());
  }
}

/** One record that left: `port value`, with what else it carries. */
export interface Emitted {
  readonly port: string;
  readonly value: ValueObject;
  readonly text: string;
  readonly record: StreamRecord | undefined;
  readonly eventTimeMs: number;
  readonly fault: RecordFault | undefined;
  readonly late: Lateness | undefined;
  readonly facts: ResultFacts | undefined;
}

/** An operator behind the public contract, with ports that write down what leaves. */
export class StepDriver {
  readonly operator: Operator;
  readonly emitted: Emitted[] = [];
  readonly #out: Outputs<string>;
  readonly evaluation = new RunEvaluation();

  constructor(
    definition: StepDefinition,
    config: JsonObject,
    state: StepState = new MemoryState(),
  ) {
    // As it comes out of a plan: plain JSON.
    const plain = JSON.parse(JSON.stringify(config)) as JsonObject;
    const context: OperatorContext = {
      stepId: "step",
      compile: (source) => compileExpression(source.expression, compileContext(source.scope)),
      recordSchema: compileRecordSchema,
      state,
      evaluation: this.evaluation,
      rounding: "half_up",
    };
    this.evaluation.context.processingTimeMs = 0;
    this.operator = definition.create(plain, context);
    this.#out = Object.fromEntries(
      Object.keys(definition.ports).map((name) => [name, this.#port(name)]),
    );
  }

  /** Settles one record of this JSON text (or value); gives what left, as `port text` lines. */
  record(
    value: string | ValueObject,
    eventTimeMs = NaN,
    laneWatermarkMs = -Infinity,
  ): readonly string[] {
    const before = this.emitted.length;
    const parsed = typeof value === "string" ? parseRecordText(value) : { value, exact: true };
    const record = new StreamRecord(
      parsed.value as ValueObject,
      eventTimeMs,
      0,
      0,
      undefined,
      -1,
      parsed.exact,
      typeof value === "string" ? value : undefined,
    );
    this.operator.onRecord(record, this.#out, laneWatermarkMs);
    return this.#lines(before);
  }

  watermark(watermarkMs: number): readonly string[] {
    const before = this.emitted.length;
    this.operator.onWatermark?.(watermarkMs, this.#out);
    return this.#lines(before);
  }

  get last(): Emitted {
    const last = this.emitted.at(-1);
    if (last === undefined) throw new Error("nothing left the step");
    return last;
  }

  #lines(from: number): readonly string[] {
    return this.emitted.slice(from).map(({ port, text, fault, facts }) => {
      const revision =
        facts?.revision === undefined
          ? ""
          : ` r${facts.revision}${facts.isFinal === true ? "!" : ""}`;
      return `${port}${revision} ${fault === undefined ? text : fault.code}`;
    });
  }

  #port(port: string): Port {
    const write = (
      value: ValueObject,
      eventTimeMs: number,
      rest: Partial<Pick<Emitted, "record" | "fault" | "late" | "facts">>,
    ): void => {
      const { record, fault, late, facts } = rest;
      // Written down at once: what an operator keeps changing afterwards would show.
      const text = serializeValue(value);
      // Whatever a step says of the text its record came from, the record is written as its value is.
      if (record !== undefined) assert.equal(writeRecord(record), serializeValue(record.value));
      this.emitted.push({ port, value, text, record, eventTimeMs, fault, late, facts });
    };
    return {
      emit: (record, fault, late) =>
        write(record.value, record.eventTimeMs, {
          record,
          ...(fault === undefined ? {} : { fault }),
          ...(late === undefined ? {} : { late }),
        }),
      make: (value, eventTimeMs, facts, fault) =>
        write(value, eventTimeMs, { facts, ...(fault === undefined ? {} : { fault }) }),
    };
  }
}

/** Resolves config that is expected to be sound, and makes the step. */
export function makeStep(
  definition: StepDefinition,
  raw: JsonObject,
  state?: StepState,
  schemas?: Readonly<Record<string, JsonObject>>,
): StepDriver {
  const { config, findings } = resolveStep(definition, raw, schemas);
  const errors = findings.filter(({ severity }) => severity === "error");
  if (config === undefined || errors.length > 0) {
    throw new Error(`the config is faulty: ${JSON.stringify(findings)}`);
  }
  return new StepDriver(definition, config, state);
}
