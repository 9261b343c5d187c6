import type { ErrorEnvelope } from "../core/fault.ts";
import { serializeValue } from "../core/json-text.ts";
import { StreamRecord, TOMBSTONE, sequenceStep } from "../core/record.ts";
import type { Origin, OversizedRecord, RawBatch } from "../core/record.ts";
import { writeRecord } from "../core/write-record.ts";
import type { Plan } from "../plan/plan.ts";
import type { CounterValues } from "./node-counters.ts";
import { recordRow } from "./port-buffer.ts";
import type { Mark, PortRows, RowKind } from "./port-buffer.ts";
import type { TypeTable, TypedReader, ValueTypes } from "./value-types.ts";

/*
 * What the state thread and the thread of the intake say to each other. All of it is plain data. A record crosses as
 * the text that it would be written as: it is read again only if a step behind needs its value.
 */

/** What the intake's thread must know of a run to build the steps in front. */
export interface IntakeSetup {
  readonly plan: Plan;
  readonly sources: ReadonlyMap<string, { readonly name: string; readonly partitions: number }>;
}

export interface IntakeRequest {
  readonly sourceId: string;
  readonly batch: Omit<RawBatch, "bytes" | "resumeAt" | "ended"> & { readonly bytes: Uint8Array };
  readonly processingTimeMs: number;
}

export interface IntakeReply {
  /** By what the batch has changed them. */
  readonly counters: readonly CounterValues[];
  /** Rows of each port at the border, in the order of `Graph.border`. */
  readonly ports: readonly CrossingRows[];
  readonly types: readonly ValueTypes[];
}

/** Rows of one port, all of one lane; none is a mark. */
interface CrossingRows {
  readonly kinds: Uint8Array;
  /** Of each row: its number in the batch. */
  readonly rows: Int32Array;
  readonly eventTimesMs: Float64Array;
  /** Of the value of each record in turn. */
  readonly texts: readonly string[];
  /** Of each record in turn: index in `types` of the reply. */
  readonly types: Int32Array;
  /** Records with an envelope, by their index in `texts`. */
  readonly errors: ReadonlyMap<number, CrossingError>;
}

/** Where the envelope is the record's value as well, nothing more needs to be said. */
type CrossingError = "value" | { readonly text: string; readonly type: number };

/** Takes one batch through the steps in front of the state, elsewhere. */
export interface IntakeWorker {
  /** One after another, in the order of the calls. Rejects once the worker has failed. */
  intake(request: IntakeRequest): Promise<IntakeReply>;
  /** Lets replies in that have arrived: a thread that never waits would not see them. */
  arrivals(): Promise<void>;
  close(): Promise<void>;
}

/** Resolves when the worker is ready. */
export type StartIntakeWorker = (setup: IntakeSetup) => Promise<IntakeWorker>;

/** `bytes` are a copy of their own, from the first to the last byte that a row has. */
export function requestOf(
  sourceId: string,
  batch: RawBatch,
  processingTimeMs: number,
): IntakeRequest {
  const { partition, starts, ends, offsets, timestampsMs, oversized } = batch;
  let first = Infinity;
  let last = 0;
  for (let row = 0; row < ends.length; row += 1) {
    if (ends[row] === TOMBSTONE) continue;
    first = Math.min(first, starts[row] as number);
    last = Math.max(last, ends[row] as number);
  }
  const base = Math.min(first, last);
  return {
    sourceId,
    processingTimeMs,
    batch: {
      partition,
      bytes: new Uint8Array(batch.bytes.subarray(base, last)),
      starts: starts.map((start) => start - base),
      ends: ends.map((end) => (end === TOMBSTONE ? end : end - base)),
      offsets,
      ...(timestampsMs === undefined ? {} : { timestampsMs }),
      ...(oversized === undefined ? {} : { oversized: oversized as Map<number, OversizedRecord> }),
    },
  };
}

/** The other side of `requestOf`. */
export function batchOf(batch: IntakeRequest["batch"]): RawBatch {
  const { buffer, byteOffset, byteLength } = batch.bytes;
  return {
    ...batch,
    bytes: Buffer.from(buffer, byteOffset, byteLength),
    resumeAt: null,
    ended: false,
  };
}

export function writeRows({ kinds, rows }: PortRows, types: TypeTable): CrossingRows {
  const numbers = new Int32Array(rows.length);
  const eventTimesMs = new Float64Array(rows.length);
  const texts: string[] = [];
  const typeNumbers = new Int32Array(rows.length);
  const errors = new Map<number, CrossingError>();
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as StreamRecord | Mark;
    numbers[index] = row.sequence / sequenceStep;
    eventTimesMs[index] = row.eventTimeMs;
    if (kinds[index] !== recordRow) continue;
    const record = row as StreamRecord;
    const { value, error } = record;
    if (error !== undefined) {
      const text = serializeValue(error);
      errors.set(
        texts.length,
        error === value ? "value" : { text, type: types.numberOf(error) },
      );
    }
    typeNumbers[texts.length] = isPlain(record) ? types.plain() : types.numberOf(value);
    texts.push(writeRecord(record));
  }
  return {
    kinds: Uint8Array.from(kinds),
    rows: numbers,
    eventTimesMs,
    texts,
    types: typeNumbers,
    errors,
  };
}

/** True if it surely is what JSON.parse gives for its text: it was parsed so, and nothing was added. */
function isPlain({ exact, added, text }: StreamRecord): boolean {
  return !exact && added === 0 && text !== undefined;
}

/** The other side of `writeRows`. `origin` and `lane`: of the batch. */
export function readRows(
  { kinds, rows, eventTimesMs, texts, types, errors }: CrossingRows,
  origin: Origin,
  lane: number,
  readers: readonly TypedReader[],
): PortRows {
  const read: (StreamRecord | Mark)[] = [];
  let records = 0;
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as number;
    const sequence = row * sequenceStep;
    const eventTimeMs = eventTimesMs[index] as number;
    if (kinds[index] !== recordRow) {
      read.push({ lane, sequence, eventTimeMs });
      continue;
    }
    const text = texts[records] as string;
    const reader = readers[types[records] as number] as TypedReader;
    const error = errors.size === 0 ? undefined : errors.get(records);
    records += 1;
    if (error === "value") {
      const envelope = reader.read(text) as ErrorEnvelope;
      read.push(
        new StreamRecord(
          envelope,
          eventTimeMs,
          lane,
          sequence,
          origin,
          row,
          true,
          undefined,
          0,
          envelope,
        ),
      );
      continue;
    }
    const envelope = error && (readers[error.type] as TypedReader).read(error.text);
    read.push(
      new StreamRecord(
        undefined,
        eventTimeMs,
        lane,
        sequence,
        origin,
        row,
        reader.typed,
        text,
        0,
        envelope as ErrorEnvelope | undefined,
        undefined,
        undefined,
        reader,
      ),
    );
  }
  return { kinds: Array.from(kinds) as RowKind[], rows: read };
}
