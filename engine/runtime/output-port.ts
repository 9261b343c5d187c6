import { errorEnvelope } from "../core/envelope.ts";
import type { RecordFault } from "../core/fault.ts";
import type { Lateness, ResultFacts } from "../core/record.ts";
import { StreamRecord } from "../core/record.ts";
import type { ValueObject } from "../core/value.ts";
import type { Port, PortKind } from "../operators/operator.ts";
import type { Lanes } from "./lanes.ts";
import type { NodeCounters } from "./node-counters.ts";
import { recordRow } from "./port-buffer.ts";
import type { PortBuffer } from "./port-buffer.ts";
import type { RunEvaluation } from "./evaluation-scope.ts";

/** Where a node stands while it treats one row: what `make` and ghosts take their place in the stream from. */
export class Cursor {
  sequence = 0;
  /** How often the row at hand was emitted: the runtime checks that it is settled once. */
  emitted = 0;
  /** The port that took the row at hand; undefined while it is unsettled or when it was absorbed. */
  port: OutputPort | undefined;

  /** Read through a call, since an operator changes `port` behind the compiler's back. */
  taker(): OutputPort | undefined {
    return this.port;
  }
}

export interface OutputPortOptions {
  readonly name: string;
  readonly kind: PortKind;
  readonly nodeId: string;
  readonly buffer: PortBuffer;
  readonly counters: NodeCounters;
  readonly cursor: Cursor;
  readonly evaluation: RunEvaluation;
  readonly lanes: Lanes;
  /** The lane of records made here; undefined for ports that make none. */
  readonly outputLane: number | undefined;
}

/** A port at work: counts, builds envelopes, and hands rows to its buffer. */
export class OutputPort implements Port {
  readonly name: string;
  readonly kind: PortKind;
  readonly buffer: PortBuffer;
  readonly #options: OutputPortOptions;

  constructor(options: OutputPortOptions) {
    this.name = options.name;
    this.kind = options.kind;
    this.buffer = options.buffer;
    this.#options = options;
  }

  emit(record: StreamRecord, fault?: RecordFault, late?: Lateness): void {
    const { counters, cursor } = this.#options;
    cursor.emitted += 1;
    cursor.port = this;
    counters.countPort(this.name);
    if (fault === undefined) {
      if (this.buffer.read) this.buffer.push(recordRow, record);
      return;
    }
    counters.countFault(fault.code);
    if (this.buffer.read) this.buffer.push(recordRow, this.#withEnvelope(record, fault, late));
  }

  make(value: ValueObject, eventTimeMs: number, facts: ResultFacts, fault?: RecordFault): void {
    const { counters, cursor, outputLane } = this.#options;
    if (outputLane === undefined) {
      throw new Error(`${this.#options.nodeId} makes records but has no output lane`);
    }
    counters.made += 1;
    counters.countPort(this.name);
    if (fault !== undefined) counters.countFault(fault.code);
    if (!this.buffer.read) return;
    const record = new StreamRecord(
      value,
      eventTimeMs,
      outputLane,
      cursor.sequence + 1,
      undefined,
      -1,
      true,
      undefined,
      0,
      undefined,
      undefined,
      facts,
    );
    this.buffer.push(
      recordRow,
      fault === undefined ? record : this.#withEnvelope(record, fault, undefined),
    );
  }

  #withEnvelope(
    record: StreamRecord,
    fault: RecordFault,
    late: Lateness | undefined,
  ): StreamRecord {
    const { nodeId, evaluation, lanes } = this.#options;
    const envelope = errorEnvelope({
      fault,
      step: nodeId,
      record,
      origin: record.origin,
      row: record.row,
      lane: lanes.at(record.lane).name,
      timeMs: evaluation.context.processingTimeMs,
    });
    return record.withError(this.kind === "error" ? envelope : record.value, envelope, late);
  }
}
