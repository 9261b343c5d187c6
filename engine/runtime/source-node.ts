import { errorEnvelope } from "../core/envelope.ts";
import type { RecordFault } from "../core/fault.ts";
import type { Origin, RawBatch } from "../core/record.ts";
import { sequenceStep, StreamRecord } from "../core/record.ts";
import type { ValueObject } from "../core/value.ts";
import type { PlanSource } from "../plan/plan.ts";
import type { RunEvaluation } from "./evaluation-scope.ts";
import { Intake } from "./intake.ts";
import { partitionLaneName } from "./lanes.ts";
import { NodeCounters } from "./node-counters.ts";
import { idleRow, recordRow, watermarkRow } from "./port-buffer.ts";
import type { PortBuffer, RowKind } from "./port-buffer.ts";

/** Turns one source's polled batches into records on `main` and envelopes on `rejected`. */
export class SourceNode {
  readonly id: string;
  readonly counters: NodeCounters;
  readonly main: PortBuffer;
  readonly rejected: PortBuffer;
  readonly #name: string;
  readonly #intake: Intake;
  readonly #evaluation: RunEvaluation;

  constructor(
    source: PlanSource,
    name: string,
    buffers: { main: PortBuffer; rejected: PortBuffer },
    evaluation: RunEvaluation,
  ) {
    this.id = source.id;
    this.counters = new NodeCounters(source.id, "source");
    this.main = buffers.main;
    this.rejected = buffers.rejected;
    this.#name = name;
    this.#evaluation = evaluation;
    this.#intake = new Intake({
      eventTime: source.eventTime,
      maxFutureSkewMs: source.watermark.maxFutureSkewMs,
    });
  }

  originOf(batch: RawBatch): Origin {
    return { sourceId: this.id, sourceName: this.#name, batch };
  }

  decode(batch: RawBatch, lane: number): void {
    const { counters, main } = this;
    const origin = this.originOf(batch);
    counters.in += batch.starts.length;
    let passed = 0;
    this.#intake.decode(
      origin,
      lane,
      (record) => {
        passed += 1;
        if (main.read) main.push(recordRow, record);
      },
      (row, fault, value) => this.#reject(origin, lane, row, fault, value),
    );
    counters.countPort("main", passed);
  }

  /** The lane has ended (`Infinity`) or rests: stands behind all rows of the batch at hand. */
  mark(kind: RowKind, lane: number, rows: number): void {
    if (!this.main.carriesTime) return;
    if (kind !== watermarkRow && kind !== idleRow) throw new RangeError("not a mark");
    this.main.push(kind, { lane, sequence: rows * sequenceStep, eventTimeMs: Infinity });
  }

  #reject(
    origin: Origin,
    lane: number,
    row: number,
    fault: RecordFault,
    value: ValueObject | undefined,
  ): void {
    this.counters.countPort("rejected");
    this.counters.countFault(fault.code);
    if (!this.rejected.read) return;
    const record =
      value === undefined
        ? undefined
        : new StreamRecord(value, NaN, lane, row * sequenceStep, origin, row, true);
    const envelope = errorEnvelope({
      fault,
      step: this.id,
      record,
      origin,
      row,
      lane: partitionLaneName(this.id, origin.batch.partition),
      timeMs: this.#evaluation.context.processingTimeMs,
    });
    this.rejected.push(
      recordRow,
      new StreamRecord(
        envelope,
        NaN,
        lane,
        row * sequenceStep,
        origin,
        row,
        true,
        undefined,
        0,
        envelope,
      ),
    );
  }
}
