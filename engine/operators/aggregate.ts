import { DecimalLimitError } from "../core/decimal.ts";
import { formatDuration } from "../core/duration.ts";
import type { RecordFault } from "../core/fault.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Lateness, ResultFacts, StreamRecord } from "../core/record.ts";
import type { Value } from "../core/value.ts";
import { evaluateRecord } from "../expression/evaluate-record.ts";
import { ExpressionError } from "../expression/expression.ts";
import type { CompiledExpression, EvaluationContext } from "../expression/expression.ts";
import type { Codec, WindowStore } from "../state/state.ts";
import { OperandError, createAccumulator } from "./accumulators.ts";
import type { Accumulator } from "./accumulators.ts";
import { aggregateLayout, aggregateSchema, resolveAggregate } from "./aggregate-config.ts";
import type { AggregateConfig, AggregateField } from "./aggregate-config.ts";
import { Assignments } from "./assignments.ts";
import { KeyReader } from "./key-fields.ts";
import type {
  EvaluationScope,
  ExpressionSource,
  Operator,
  OperatorContext,
  Outputs,
  StepDefinition,
} from "./operator.ts";
import { expressionFault, instantText, judge } from "./record-faults.ts";
import { decodeValue, encodeValue } from "./value-json.ts";
import { WindowCalendar } from "./window-calendar.ts";

type Out = "main" | "late" | "failed";

/** One window of one key. */
interface Group {
  /** The key's components as its first record had them. */
  readonly key: readonly Value[];
  readonly accumulators: readonly Accumulator[];
  /** Number of results sent so far; stays 0 with `emit: final`. */
  revision: number;
}

interface CompiledField {
  readonly field: AggregateField;
  /** Aggregates with the same operand share it, so that it is evaluated once for each record. */
  readonly operand: Operand | undefined;
  readonly where: CompiledExpression | undefined;
  /** Of `where`, for messages. */
  readonly subject: string;
}

/** An operand's expression and what it gave for the record at hand. */
class Operand {
  readonly #expression: CompiledExpression;
  #ordinal = 0;
  #value: Value | undefined;

  constructor(expression: CompiledExpression) {
    this.#expression = expression;
  }

  /** `ordinal` tells records apart. Throws ExpressionError. */
  of(record: StreamRecord, context: EvaluationContext, ordinal: number): Value | undefined {
    if (ordinal !== this.#ordinal) {
      this.#value = evaluateRecord(this.#expression, record, context);
      this.#ordinal = ordinal;
    }
    return this.#value;
  }
}

class Aggregate implements Operator<Out> {
  readonly #config: AggregateConfig;
  readonly #key: KeyReader;
  readonly #fields: readonly CompiledField[];
  readonly #set: Assignments;
  readonly #evaluation: EvaluationScope;
  readonly #windows: WindowStore<Group>;
  readonly #calendar: WindowCalendar;
  /** The accumulators that the record at hand is merged into. */
  readonly #prepared: Accumulator[] = [];
  #preparedCount = 0;
  /** Number of the record at hand, from 1. */
  #ordinal = 0;

  constructor(config: AggregateConfig, context: OperatorContext) {
    this.#config = config;
    this.#key = new KeyReader(config.key, context);
    const operands = new Map<string, Operand>();
    const operandOf = (source: ExpressionSource): Operand => {
      const operand = operands.get(source.expression) ?? new Operand(context.compile(source));
      operands.set(source.expression, operand);
      return operand;
    };
    this.#fields = config.aggregates.map((field) => ({
      field,
      operand: field.operand === null ? undefined : operandOf(field.operand),
      where: field.where === null ? undefined : context.compile(field.where),
      subject: `where of ${field.name}`,
    }));
    this.#set = new Assignments(config.set, context);
    this.#evaluation = context.evaluation;
    this.#windows = context.state.windowStore("windows", groupCodec(config.aggregates));
    this.#calendar = new WindowCalendar({
      sizeMs: config.window.sizeMs,
      offsetMs: config.window.offsetMs,
      latenessMs: config.allowedLatenessMs,
      announces: config.emit === "updates",
    });
    for (const startMs of this.#windows.starts()) this.#calendar.open(startMs);
  }

  onRecord(record: StreamRecord, out: Outputs<Out>, laneWatermarkMs: number): void {
    const calendar = this.#calendar;
    const startMs = calendar.startOf(record.eventTimeMs);
    const closingMs = calendar.closingOf(startMs);
    if (laneWatermarkMs >= closingMs) {
      const window = { startMs, endMs: calendar.endOf(startMs) };
      const lateness: Lateness = { latenessMs: laneWatermarkMs - closingMs, window };
      out.late.emit(record, lateFault(record, lateness), lateness);
      return;
    }
    const context = this.#evaluation.begin(record);
    const key = this.#key.read(record, context);
    if (typeof key !== "string") {
      out.failed.emit(record, key);
      return;
    }
    let group = this.#windows.get(startMs, key);
    const isNew = group === undefined;
    group ??= newGroup(this.#key.values, this.#config.aggregates);
    const fault = this.#prepare(group, record, context);
    if (fault !== undefined) {
      out.failed.emit(record, fault);
      return;
    }
    for (let index = 0; index < this.#preparedCount; index += 1) {
      (this.#prepared[index] as Accumulator).commit();
    }
    if (isNew) {
      this.#windows.put(startMs, key, group);
      calendar.open(startMs);
    }
    // The window has reported before, or would have if it had been there: a revision for each further record.
    if (this.#config.emit === "updates" && calendar.endOf(startMs) <= calendar.watermarkMs) {
      this.#report(startMs, group, false, out);
    }
  }

  onWatermark(watermarkMs: number, out: Outputs<Out>): void {
    const calendar = this.#calendar;
    if (!calendar.rise(watermarkMs)) return;
    for (const startMs of calendar.takeDue()) {
      const closes = calendar.closingOf(startMs) <= watermarkMs;
      for (const [, group] of this.#windows.entries(startMs)) {
        if (closes || group.revision === 0) this.#report(startMs, group, closes, out);
      }
      if (closes) this.#windows.remove(startMs);
    }
  }

  figures(): Readonly<Record<string, number>> {
    return { open_windows: this.#windows.size };
  }

  /** Works out what the record does to each aggregate; `#prepared` then only has to commit. */
  #prepare(
    group: Group,
    record: StreamRecord,
    context: EvaluationContext,
  ): RecordFault | undefined {
    this.#preparedCount = 0;
    this.#ordinal += 1;
    for (let index = 0; index < this.#fields.length; index += 1) {
      const { field, operand, where, subject } = this.#fields[index] as CompiledField;
      const accumulator = group.accumulators[index] as Accumulator;
      if (where !== undefined && field.where !== null) {
        const counts = judge(where, record.value, context, subject, field.where);
        if (counts === false) {
          if (accumulator.wantsKind) this.#showKind(accumulator, operand, record, context);
          continue;
        }
        if (counts !== true) return counts;
      }
      let found: Value | undefined;
      try {
        found = operand?.of(record, context, this.#ordinal);
      } catch (error) {
        return expressionFault(error, field.name, field.operand as ExpressionSource);
      }
      const fault = accumulator.prepare(found);
      if (fault !== undefined) return fault;
      this.#prepared[this.#preparedCount] = accumulator;
      this.#preparedCount += 1;
    }
    return undefined;
  }

  /**
   * An operand that does not count shows whether the sum of none would be a decimal. Its errors do not count either.
   */
  #showKind(
    accumulator: Accumulator,
    operand: Operand | undefined,
    record: StreamRecord,
    context: EvaluationContext,
  ): void {
    try {
      accumulator.showKind(operand?.of(record, context, this.#ordinal));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
    }
  }

  #report(startMs: number, group: Group, closes: boolean, out: Outputs<Out>): void {
    const window = { startMs, endMs: this.#calendar.endOf(startMs) };
    let facts: ResultFacts = { window };
    if (this.#config.emit === "updates") {
      group.revision += 1;
      facts = { window, revision: group.revision, isFinal: closes };
    }
    const eventTimeMs = window.endMs - 1;
    const result: Record<string, Value> = {};
    const failure = this.#fill(result, group);
    const fault =
      failure ?? this.#set.apply(result, true, this.#evaluation.beginResult(eventTimeMs, facts));
    if (fault === undefined) out.main.make(this.#set.value, eventTimeMs, facts);
    else out.failed.make(result, eventTimeMs, facts, fault);
  }

  /** Keys, then aggregates. An aggregate that cannot be formed is null, and the first such is the fault. */
  #fill(result: Record<string, Value>, group: Group): RecordFault | undefined {
    for (const [index, { name }] of this.#config.key.entries()) {
      result[name] = group.key[index] as Value;
    }
    let fault: RecordFault | undefined;
    for (const [index, { name }] of this.#config.aggregates.entries()) {
      try {
        result[name] = (group.accumulators[index] as Accumulator).result();
      } catch (error) {
        result[name] = null;
        fault ??= resultFault(name, error);
      }
    }
    return fault;
  }
}

function newGroup(key: readonly Value[], aggregates: readonly AggregateField[]): Group {
  return { key, accumulators: aggregates.map(createAccumulator), revision: 0 };
}

function resultFault(name: string, error: unknown): RecordFault {
  if (error instanceof DecimalLimitError) {
    return { code: "EXPRESSION_LIMIT", message: `${name}: ${error.message}` };
  }
  if (error instanceof OperandError) {
    return { code: "OPERAND_TYPE", message: `${name}: ${error.message}` };
  }
  throw error;
}

function lateFault(record: StreamRecord, { latenessMs, window }: Lateness): RecordFault {
  const by = Number.isFinite(latenessMs)
    ? `${formatDuration(latenessMs)} late`
    : "the input had ended";
  return {
    code: "LATE",
    message:
      `event time ${instantText(record.eventTimeMs)} belongs to the window ` +
      `[${instantText(window.startMs)}, ${instantText(window.endMs)}), which closed before: ${by}`,
  };
}

function groupCodec(aggregates: readonly AggregateField[]): Codec<Group> {
  return {
    version: 1,
    encode: ({ revision, key, accumulators }) => [
      revision,
      key.map(encodeValue),
      accumulators.map((accumulator) => accumulator.encode()),
    ],
    decode: (json) => {
      const [revision, key, states] = json as readonly [
        number,
        readonly JsonValue[],
        readonly JsonValue[],
      ];
      const group = newGroup(key.map(decodeValue), aggregates);
      group.revision = revision;
      for (const [index, accumulator] of group.accumulators.entries()) {
        accumulator.decode(states[index] ?? null);
      }
      return group;
    },
  };
}

/** Aggregates records per key in windows of event time. */
export const aggregate: StepDefinition = {
  type: "aggregate",
  summary: "Counts, sums and compares records per key in windows of event time.",
  configSchema: aggregateSchema,
  ports: { main: "main", late: "side", failed: "error" },
  stateful: true,
  absorbs: true,
  states: { windows: { version: 1 } },
  resolve: resolveAggregate,
  stateLayout: (config: JsonObject) => aggregateLayout(config as AggregateConfig),
  outputDelayMs: (config: JsonObject) => (config as AggregateConfig).allowedLatenessMs,
  create: (config, context) => new Aggregate(config as AggregateConfig, context),
};
