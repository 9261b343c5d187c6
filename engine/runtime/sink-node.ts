import { originalOf } from "../core/envelope.ts";
import type { ErrorEnvelope, FaultCode, RecordFault } from "../core/fault.ts";
import { serializeValue } from "../core/json-text.ts";
import type { StreamRecord } from "../core/record.ts";
import type { Value } from "../core/value.ts";
import { writeRecord } from "../core/write-record.ts";
import { evaluateRecord } from "../expression/evaluate-record.ts";
import { ExpressionError } from "../expression/expression.ts";
import type { CompiledExpression } from "../expression/expression.ts";
import { fieldWriter } from "../expression/field-writer.ts";
import type { FieldWriter } from "../expression/field-writer.ts";
import type { ExpressionSource } from "../operators/operator.ts";
import { expressionFault } from "../operators/record-faults.ts";
import type { PlanSink } from "../plan/plan.ts";
import type { RunEvaluation } from "./evaluation-scope.ts";
import type { NodeCounters } from "./node-counters.ts";
import type { Cursor, OutputPort } from "./output-port.ts";
import { mergeInOrder, recordRow } from "./port-buffer.ts";
import type { PortBuffer } from "./port-buffer.ts";
import { shortenEnvelope } from "./shorten-envelope.ts";

/** Takes a sink's finished outputs, in order. */
export interface OutputWriter {
  /** `sourcePartition` chooses the partition of outputs without a key, the same at every redelivery. */
  append(key: string | null, value: string, timestampMs: number, sourcePartition: number): void;
}

export interface SinkNodeOptions {
  readonly sink: PlanSink;
  readonly inputs: readonly PortBuffer[];
  /** Undefined for a sink that consumes error ports: it cannot reject. */
  readonly rejected: OutputPort | undefined;
  readonly counters: NodeCounters;
  readonly cursor: Cursor;
  readonly evaluation: RunEvaluation;
  readonly compile: (source: ExpressionSource) => CompiledExpression;
  readonly maxValueBytes: number | undefined;
  readonly writer: OutputWriter;
}

interface SinkExpression {
  readonly source: ExpressionSource;
  readonly value: CompiledExpression;
}

/** Evaluates a sink's `key` and `set`, serializes, and hands the outputs over. */
export class SinkNode {
  readonly id: string;
  readonly counters: NodeCounters;
  readonly #inputs: readonly PortBuffer[];
  readonly #rejected: OutputPort | undefined;
  readonly #cursor: Cursor;
  readonly #evaluation: RunEvaluation;
  readonly #raw: boolean;
  readonly #key: SinkExpression | undefined;
  readonly #set: readonly (SinkExpression & { readonly write: FieldWriter })[] | undefined;
  /** The expression evaluated last, for faults. */
  #evaluated: ExpressionSource | undefined;
  readonly #maxValueBytes: number | undefined;
  readonly #writer: OutputWriter;

  constructor(options: SinkNodeOptions) {
    const { sink, compile } = options;
    this.id = sink.id;
    this.counters = options.counters;
    this.#inputs = options.inputs;
    this.#rejected = options.rejected;
    this.#cursor = options.cursor;
    this.#evaluation = options.evaluation;
    this.#raw = sink.format === "raw";
    this.#key = sink.key === null ? undefined : { source: sink.key, value: compile(sink.key) };
    this.#set = sink.set?.map(({ field, value }) => ({
      write: fieldWriter(field),
      source: value,
      value: compile(value),
    }));
    this.#maxValueBytes = options.maxValueBytes;
    this.#writer = options.writer;
  }

  run(): void {
    mergeInOrder(this.#inputs, (_input, kind, row) => {
      if (kind === recordRow) this.#take(row as StreamRecord);
    });
  }

  #take(record: StreamRecord): void {
    this.counters.in += 1;
    this.#cursor.sequence = record.sequence;
    let key: string | null;
    let text: string;
    try {
      key = this.#keyOf(record);
      text = this.#textOf(record);
    } catch (error) {
      const source = this.#evaluated;
      if (source === undefined) throw error;
      const fault = expressionFault(error, `sink ${this.id}`, source);
      if (this.#rejected !== undefined) return this.#rejected.emit(record, fault);
      this.counters.countFault(fault.code);
      key = null;
      text = serializeValue(record.error ?? record.value);
    }
    const limit = this.#maxValueBytes;
    // A UTF-16 unit is at most three bytes: short texts need no count.
    if (limit !== undefined && (text.length + (key?.length ?? 0)) * 3 > limit) {
      const bytes = Buffer.byteLength(text) + Buffer.byteLength(key ?? "");
      if (bytes > limit) {
        const fault = this.#tooLarge(bytes, limit);
        if (this.#rejected !== undefined) return this.#rejected.emit(record, fault);
        this.counters.countFault(fault.code);
        text = this.#shortened(record, limit);
      }
    }
    this.counters.countPort("written");
    this.#writer.append(key, text, this.#timestampOf(record), record.origin?.batch.partition ?? 0);
  }

  #keyOf(record: StreamRecord): string | null {
    if (this.#key === undefined) return null;
    this.#evaluated = this.#key.source;
    const key = evaluateRecord(this.#key.value, record, this.#evaluation.begin(record));
    if (key === undefined || key === null) return null;
    return typeof key === "string" ? key : serializeValue(key);
  }

  #textOf(record: StreamRecord): string {
    if (this.#raw) return originalOf(record).original;
    if (this.#set === undefined) return writeRecord(record);
    const context = this.#evaluation.begin(record);
    const made: Record<string, Value> = {};
    for (const { write, source, value } of this.#set) {
      this.#evaluated = source;
      const result = value.evaluate(record.value, context);
      if (result !== undefined) write(made, result);
    }
    return serializeValue(made);
  }

  /** Half of the limit leaves room for what `set` adds; where that is not enough, the bare envelope goes out. */
  #shortened(record: StreamRecord, limitBytes: number): string {
    const envelope = shortenEnvelope(record.error ?? record.value, limitBytes / 2);
    const bare = serializeValue(envelope);
    try {
      const text = this.#textOf(record.withError(envelope, envelope as ErrorEnvelope, record.late));
      return Buffer.byteLength(text) <= limitBytes ? text : bare;
    } catch (error) {
      // `set` may have failed before, or fail only now that the envelope has no `record`.
      if (error instanceof ExpressionError) return bare;
      throw error;
    }
  }

  #timestampOf(record: StreamRecord): number {
    if (!Number.isNaN(record.eventTimeMs)) return record.eventTimeMs;
    return (
      record.origin?.batch.timestampsMs?.[record.row] ?? this.#evaluation.context.processingTimeMs
    );
  }

  #tooLarge(bytes: number, limit: number): RecordFault & { code: FaultCode } {
    return {
      code: "OUTPUT_TOO_LARGE",
      message: `the output of sink ${this.id} has ${bytes} bytes, the target takes at most ${limit}`,
    };
  }
}
