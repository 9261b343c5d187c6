import type { ErrorEnvelope } from "../core/fault.ts";
import { serializeValue } from "../core/json-text.ts";
import { StreamRecord, TOMBSTONE, sequenceStep } from "../core/record.ts";
import type { UnreadRecords, Origin, RawBatch } from "../core/record.ts";
import type { Value, ValueObject } from "../core/value.ts";
import { writeRecord } from "../core/write-record.ts";
import type { Plan } from "../plan/plan.ts";
import type { BorderRows } from "./graph.ts";
import type { CounterValues } from "./node-counters.ts";
import { recordRow } from "./port-buffer.ts";
import type { Mark, PortRows, RowKind } from "./port-buffer.ts";
import { ArrayPacker, bufferOn, unpackText } from "./array-packer.ts";
import type { PackedText } from "./array-packer.ts";
import { TypeTable, cellOf, readCell, readTyped } from "./value-types.ts";
import type { Column, ValueTypes } from "./value-types.ts";

/*
 * What the state thread and the thread of the intake say to each other, all of it plain data in few large pieces. A
 * record crosses as the text that it would be written as, and is read again only where a step needs more of it than the
 * columns hold.
 */

/** What the intake's thread must know of a run to build the steps in front. */
export interface IntakeSetup {
  readonly plan: Plan;
  readonly sources: ReadonlyMap<string, { readonly name: string; readonly partitions: number }>;
}

export interface IntakeRequest {
  readonly sourceId: string;
  readonly batch: CrossingBatch;
  readonly processingTimeMs: number;
  /** The lane ends with this batch. */
  readonly closesLane: boolean;
}

/** A `RawBatch`, all its arrays in `buffer`. `bytes` are a copy, from the first to the last byte that a row has. */
interface CrossingBatch extends Pick<RawBatch, "partition" | "oversized"> {
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly offsets: Float64Array;
  readonly timestampsMs: Float64Array | undefined;
}

export interface IntakeReply {
  /** That of the request. Arrays of the reply lie in it: once they are done with, it can be filled again. */
  readonly buffer: ArrayBuffer;
  /** By what the batch has changed them. */
  readonly counters: readonly CounterValues[];
  /** Of each port at the border. */
  readonly ports: readonly CrossingRows[];
  readonly types: readonly ValueTypes[];
}

/** Rows of one port, all of one lane. */
interface CrossingRows {
  readonly kinds: Uint8Array;
  /** Of each row: its number in the batch. */
  readonly rows: Int32Array;
  readonly eventTimesMs: Float64Array;
  /** What each record in turn would be written as, one behind the other, and where it ends. */
  readonly text: PackedText;
  readonly ends: Int32Array;
  /** Of each record in turn: index in `types` of the reply. */
  readonly types: Int32Array;
  /** Fields that somebody behind the border asks for, each as the JSON text of a `Column`. */
  readonly columns: ReadonlyMap<string, PackedText>;
  /** Records with an envelope, by their index. */
  readonly errors: ReadonlyMap<number, CrossingError>;
}

/** Where the envelope is the record's value as well, nothing more needs to be said. */
type CrossingError = "value" | { readonly text: string; readonly type: number };

/** Takes one batch through the steps in front of the state, elsewhere. */
export interface IntakeWorker {
  /**
   * One after another, in the order of the calls. Undefined where the records are too large for the worker, which then
   * has done nothing. Rejects once the worker has failed.
   */
  intake(request: IntakeRequest): Promise<IntakeReply | undefined>;
  /** What is under way is answered with undefined. */
  close(): Promise<void>;
}

/** Resolves when the worker is ready. */
export type StartIntakeWorker = (setup: IntakeSetup) => Promise<IntakeWorker>;

/** A double of each row in four arrays. */
const placesBytes = 4 * Float64Array.BYTES_PER_ELEMENT;

/** What crosses of a polled batch: a copy in a buffer that `take` gives, of at least so many bytes. */
export function requestOf(
  sourceId: string,
  batch: RawBatch,
  processingTimeMs: number,
  closesLane: boolean,
  take: (bytes: number) => ArrayBuffer,
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
  const length = last - base;
  const buffer = take(length + placesBytes * ends.length);
  const packer = new ArrayPacker(buffer);
  const places = (values: readonly number[]): Float64Array<ArrayBuffer> => {
    const packed = packer.numbers(values.length);
    packed.set(values);
    return packed;
  };
  return {
    sourceId,
    processingTimeMs,
    closesLane,
    batch: {
      partition,
      buffer,
      starts: places(starts.map((start) => start - base)),
      ends: places(ends.map((end) => (end === TOMBSTONE ? end : end - base))),
      offsets: places(offsets),
      timestampsMs: timestampsMs && places(timestampsMs),
      bytes: bytesOf(packer, batch.bytes.subarray(base, last)),
      ...(oversized === undefined ? {} : { oversized }),
    },
  };
}

function bytesOf(packer: ArrayPacker, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = packer.bytes(content.length);
  bytes.set(content);
  return bytes;
}

/** The other side of `requestOf`. */
export function batchOf(crossing: CrossingBatch): RawBatch {
  const { partition, oversized, bytes, starts, ends, offsets, timestampsMs } = crossing;
  return {
    partition,
    bytes: bufferOn(bytes),
    starts: Array.from(starts),
    ends: Array.from(ends),
    offsets: Array.from(offsets),
    ...(timestampsMs === undefined ? {} : { timestampsMs: Array.from(timestampsMs) }),
    ...(oversized === undefined ? {} : { oversized }),
    resumeAt: null,
    ended: false,
  };
}

/**
 * Most of what crosses of a batch, in UTF-16 units and typed places. Within a thread records share what they have in
 * common, such as a row of a table; here each has a copy.
 */
const textMax = 16 * 1024 * 1024;
const placesMax = 16 * 1024;

/**
 * What crosses of the rows that came of a batch; undefined if that is too much. `buffer`: of the request. `fields`: of
 * whose values columns are made.
 */
export function replyOf(
  buffer: ArrayBuffer,
  { counters, ports }: BorderRows,
  fields: readonly string[],
): IntakeReply | undefined {
  const types = new TypeTable();
  const packer = new ArrayPacker(buffer);
  const crossing: CrossingRows[] = [];
  let room = textMax;
  for (const rows of ports) {
    const written = writeRows(rows, types, packer, fields, room);
    if (written === undefined) return undefined;
    room -= written.text.length;
    crossing.push(written);
  }
  return { buffer, counters, ports: crossing, types: types.list };
}

/** The other side of `replyOf`. */
export function rowsOf(
  { counters, ports, types }: IntakeReply,
  { origin, lane }: { readonly origin: Origin; readonly lane: number },
  processingTimeMs: number,
): BorderRows {
  const rows = ports.map((crossing) => readRows(crossing, types, origin, lane));
  return { counters, ports: rows, processingTimeMs };
}

function writeRows(
  { kinds, rows }: PortRows,
  types: TypeTable,
  packer: ArrayPacker,
  fields: readonly string[],
  room: number,
): CrossingRows | undefined {
  const eventTimesMs = packer.numbers(rows.length);
  const numbers = packer.integers(rows.length);
  const ends = packer.integers(rows.length);
  const typeNumbers = packer.integers(rows.length);
  const kindsCopy = packer.bytes(rows.length);
  kindsCopy.set(kinds);
  const values: ValueObject[] = [];
  const texts: string[] = [];
  const errors = new Map<number, CrossingError>();
  let end = 0;
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as StreamRecord | Mark;
    numbers[index] = row.sequence / sequenceStep;
    eventTimesMs[index] = row.eventTimeMs;
    if (kinds[index] !== recordRow) continue;
    const record = row as StreamRecord;
    const { value, error } = record;
    const count = texts.length;
    if (error === value) errors.set(count, "value");
    else if (error !== undefined) {
      errors.set(count, { text: serializeValue(error), type: types.numberOf(error) });
    }
    typeNumbers[count] = isPlain(record) ? types.plain() : types.numberOf(value);
    const text = writeRecord(record);
    end += text.length;
    if (end > room || types.places > placesMax) return undefined;
    ends[count] = end;
    values.push(value);
    texts.push(text);
  }
  const column = (name: string): PackedText =>
    packer.text(JSON.stringify(values.map((value) => cellOf(value, name))));
  return {
    kinds: kindsCopy,
    rows: numbers,
    eventTimesMs,
    columns: new Map(fields.map((name) => [name, column(name)])),
    text: packer.text(texts.join("")),
    ends,
    types: typeNumbers,
    errors,
  };
}

/** True if it surely is what JSON.parse gives for its text: it was parsed so, and nothing was added. */
function isPlain({ exact, added, text }: StreamRecord): boolean {
  return !exact && added === 0 && text !== undefined;
}

function readRows(
  crossing: CrossingRows,
  types: readonly ValueTypes[],
  origin: Origin,
  lane: number,
): PortRows {
  const { kinds, rows, eventTimesMs, errors } = crossing;
  const crossed = new Crossed(crossing, types);
  const read: (StreamRecord | Mark)[] = [];
  let count = 0;
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as number;
    const sequence = row * sequenceStep;
    const eventTimeMs = eventTimesMs[index] as number;
    if (kinds[index] !== recordRow) {
      read.push({ lane, sequence, eventTimeMs });
      continue;
    }
    const error = errors.get(count);
    if (error === "value") {
      const value = crossed.valueOf(count) as ErrorEnvelope;
      read.push(
        new StreamRecord(
          value,
          eventTimeMs,
          lane,
          sequence,
          origin,
          row,
          true,
          undefined,
          0,
          value,
        ),
      );
    } else {
      read.push(
        new StreamRecord(
          undefined,
          eventTimeMs,
          lane,
          sequence,
          origin,
          row,
          crossed.isTyped(count),
          crossed.textOf(count),
          0,
          crossed.envelopeOf(error),
          undefined,
          undefined,
          crossed,
          count,
        ),
      );
    }
    count += 1;
  }
  return { kinds: Array.from(kinds) as RowKind[], rows: read };
}

class Crossed implements UnreadRecords {
  readonly #text: string;
  readonly #ends: Int32Array;
  readonly #typeNumbers: Int32Array;
  readonly #types: readonly ValueTypes[];
  readonly #columns = new Map<string, Column>();

  constructor(rows: CrossingRows, types: readonly ValueTypes[]) {
    this.#text = unpackText(rows.text);
    this.#ends = rows.ends;
    this.#typeNumbers = rows.types;
    this.#types = types;
    for (const [name, text] of rows.columns) {
      this.#columns.set(name, JSON.parse(unpackText(text)) as Column);
    }
  }

  valueOf(index: number): ValueObject {
    return readTyped(this.textOf(index), this.#typesOf(index));
  }

  memberOf(index: number, name: string): Value | undefined {
    const text = this.#columns.get(name)?.[index];
    return typeof text === "string" ? readCell(text, name, this.#typesOf(index)) : undefined;
  }

  textOf(index: number): string {
    return this.#text.slice(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }

  isTyped(index: number): boolean {
    return this.#typesOf(index).length > 0;
  }

  envelopeOf(error: Exclude<CrossingError, "value"> | undefined): ErrorEnvelope | undefined {
    return error && (readTyped(error.text, this.#types[error.type] as ValueTypes) as ErrorEnvelope);
  }

  #typesOf(index: number): ValueTypes {
    return this.#types[this.#typeNumbers[index] as number] as ValueTypes;
  }
}
