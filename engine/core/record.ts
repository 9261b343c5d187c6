import type { JsonValue } from "./json.ts";
import type { Value, ValueObject } from "./value.ts";
import type { ErrorEnvelope } from "./fault.ts";

/**
 * Raw records of one partition as a source polled them, in log order: bytes and positions, nothing decoded.
 * Row `i` is `bytes[starts[i] .. ends[i])`; `ends[i] === TOMBSTONE` says that the record has no value (Kafka null).
 */
export interface RawBatch {
  /** The partition's number within its source, from 0. */
  readonly partition: number;
  readonly bytes: Buffer;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Place of each row in its partition, strictly increasing: a Kafka offset, a file's byte offset. */
  readonly offsets: readonly number[];
  /** The broker's time of each row, ms since the epoch; absent for sources without one. */
  readonly timestampsMs?: readonly number[];
  /** Rows longer than `max_record_bytes`: their bytes hold only the head; length and digest tell of the whole. */
  readonly oversized?: ReadonlyMap<number, OversizedRecord>;
  /** Where to resume this partition so that nothing of this batch is read again and nothing is skipped. */
  readonly resumeAt: JsonValue;
  /** True if the partition has ended with this batch (bounded input, or `--until-end` reached). */
  readonly ended: boolean;
  /**
   * The runtime calls it once when nobody will read `bytes` again: they may be filled anew. A batch that is dropped
   * unprocessed need not be released.
   */
  readonly release?: () => void;
}

export const TOMBSTONE = -1;

/** Room between two rows for the results of stacked windows. */
export const sequenceStep = 16;

export interface OversizedRecord {
  readonly length: number;
  readonly sha256: string;
}

/** Where a record came from: shared by all rows of one polled batch. */
export interface Origin {
  readonly sourceId: string;
  /** Topic or file path, as an operator would name it. */
  readonly sourceName: string;
  readonly batch: RawBatch;
}

/** Bounds of the window that a result belongs to, `[startMs, endMs)`. */
interface WindowBounds {
  readonly startMs: number;
  readonly endMs: number;
}

/** Why a record is late (semantics.md section 3): `latenessMs` = W_l - (end + A). */
export interface Lateness {
  readonly latenessMs: number;
  readonly window: WindowBounds;
}

/** Facts a result carries for the expressions behind it. */
export interface ResultFacts {
  readonly window: WindowBounds;
  readonly revision?: number;
  readonly isFinal?: boolean;
}

/** Records of one batch whose values are read from text when somebody asks for them, each by its index. */
export interface UnreadRecords {
  valueOf(index: number): ValueObject;
  /** A top-level member that is at hand without reading the whole value; undefined tells nothing. */
  memberOf(index: number, name: string): Value | undefined;
}

/**
 * One record on its way through the graph. Immutable: steps derive new ones with `withValue` and friends.
 * One class with one shape keeps every property read on the hot path monomorphic.
 */
export class StreamRecord {
  /** Of an unread record: undefined until somebody asks. */
  #value: ValueObject | undefined;
  readonly #unread: UnreadRecords | undefined;
  readonly #index: number;
  /** ms since the epoch; NaN if the source declares no event time. */
  readonly eventTimeMs: number;
  /** Index of the lane in the run's lane list (semantics.md section 2). */
  readonly lane: number;
  /**
   * The merge order of unions within a polled batch: row number times `sequenceStep` of the source record that
   * caused this one, plus one for each window firing in between, so that results come after their cause.
   */
  readonly sequence: number;
  readonly origin: Origin | undefined;
  /** Row in `origin.batch`; -1 without origin. */
  readonly row: number;
  /** True if `value` may hold a Decimal or NumberToken anywhere. */
  readonly exact: boolean;
  /**
   * The text that `value`'s first members were parsed from and still say; `added` members follow. Undefined once one was
   * changed or removed. Of an unread record: exactly what is to be written of it.
   */
  readonly text: string | undefined;
  readonly added: number;
  readonly error: ErrorEnvelope | undefined;
  readonly late: Lateness | undefined;
  readonly result: ResultFacts | undefined;

  /** Without `value` it is the record `index` of `unread`. */
  constructor(
    value: ValueObject | undefined,
    eventTimeMs: number,
    lane: number,
    sequence: number,
    origin: Origin | undefined,
    row: number,
    exact: boolean,
    text?: string,
    added = 0,
    error?: ErrorEnvelope,
    late?: Lateness,
    result?: ResultFacts,
    unread?: UnreadRecords,
    index = -1,
  ) {
    this.#value = value;
    this.#unread = unread;
    this.#index = index;
    this.eventTimeMs = eventTimeMs;
    this.lane = lane;
    this.sequence = sequence;
    this.origin = origin;
    this.row = row;
    this.exact = exact;
    this.text = text;
    this.added = added;
    this.error = error;
    this.late = late;
    this.result = result;
  }

  get value(): ValueObject {
    return (this.#value ??= (this.#unread as UnreadRecords).valueOf(this.#index));
  }

  /** A top-level member, where it is at hand without the whole value; undefined tells nothing. */
  memberAtHand(name: string): Value | undefined {
    return this.#unread?.memberOf(this.#index, name);
  }

  /** The whole text of a record that came unread and was not changed since; undefined for others. */
  get writtenText(): string | undefined {
    return this.#unread === undefined ? undefined : this.text;
  }

  /** `added`: how many members `value` has behind those of this record's value; undefined if it lacks or changes some. */
  withValue(value: ValueObject, exact: boolean, added: number | undefined): StreamRecord {
    return new StreamRecord(
      value,
      this.eventTimeMs,
      this.lane,
      this.sequence,
      this.origin,
      this.row,
      exact,
      added === undefined ? undefined : this.text,
      added === undefined ? 0 : this.added + added,
      this.error,
      this.late,
      this.result,
    );
  }

  withError(value: ValueObject, error: ErrorEnvelope, late: Lateness | undefined): StreamRecord {
    return new StreamRecord(
      value,
      this.eventTimeMs,
      this.lane,
      this.sequence,
      this.origin,
      this.row,
      true,
      value === this.value ? this.text : undefined,
      value === this.value ? this.added : 0,
      error,
      late,
      this.result,
    );
  }
}
