import {
  decodeRows,
  isControl,
  isTransactional,
  readBatches,
} from "../../connectors/kafka/batch-decoder.ts";
import type { RecordBatch } from "../../connectors/kafka/batch-decoder.ts";
import { BatchEncoder, noProducer } from "../../connectors/kafka/batch-encoder.ts";
import type { BatchRecord } from "../../connectors/kafka/batch-encoder.ts";
import { attribute, headerField } from "../../connectors/kafka/batch-format.ts";
import type { Marker } from "../../connectors/kafka/batch-format.ts";
import type { Compression } from "../../connectors/kafka/compression.ts";
import { errorCode } from "../../connectors/kafka/kafka-errors.ts";
import type { Isolation } from "../../connectors/kafka/log-requests.ts";
import { crc32c } from "../../core/crc32c.ts";

interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Of its marker. */
  readonly lastOffset: number;
}

/** What a partition knows of one producer. */
interface ProducerState {
  epoch: number;
  nextSequence: number;
  /** Where its open transaction begins. */
  openFrom: number | undefined;
  /** Its last batches, by which a repeated one is known. */
  readonly recent: { readonly sequence: number; readonly count: number; readonly offset: number }[];
}

/** How many batches of a producer a broker remembers. */
const recentBatches = 5;

export interface LogAnswer {
  readonly error: number;
  readonly baseOffset: number;
}

/** One partition: what was appended, and which of it readers of committed records may see. */
export class PartitionLog {
  readonly #name: string;
  readonly #changed: () => void;
  #batches: RecordBatch[] = [];
  readonly #producers = new Map<number, ProducerState>();
  /** In the order in which they ended, as brokers list them. */
  readonly #aborted: AbortedTransaction[] = [];
  /** The broker that leads it. */
  leader: number;
  logStart = 0;
  highWatermark = 0;

  constructor(name: string, leader: number, changed: () => void) {
    this.#name = name;
    this.leader = leader;
    this.#changed = changed;
  }

  get lastStableOffset(): number {
    const open = [...this.#producers.values()].flatMap(({ openFrom }) => openFrom ?? []);
    return Math.min(this.highWatermark, ...open);
  }

  /** What a producer sent: one batch. The checks are those of a broker. */
  produce(bytes: Buffer): LogAnswer {
    const batch = this.#checked(bytes);
    if (batch === undefined) return refused(errorCode.corruptMessage);
    if (batch.producerId < 0) return this.#store(batch);
    const state = this.#producer(batch.producerId);
    const sequence = batch.buffer.readInt32BE(batch.start + headerField.baseSequence);
    if (batch.producerEpoch < state.epoch) return refused(errorCode.invalidProducerEpoch);
    if (batch.producerEpoch > state.epoch) begin(state, batch.producerEpoch);
    if (sequence < state.nextSequence) {
      const same = state.recent.find(
        (one) => one.sequence === sequence && one.count === batch.count,
      );
      if (same !== undefined) return { error: 0, baseOffset: same.offset };
      return refused(errorCode.duplicateSequence);
    }
    if (sequence > state.nextSequence) return refused(errorCode.outOfOrderSequence);
    if (isTransactional(batch)) state.openFrom ??= this.highWatermark;
    state.nextSequence += batch.count;
    state.recent.push({ sequence, count: batch.count, offset: this.highWatermark });
    if (state.recent.length > recentBatches) state.recent.shift();
    return this.#store(batch);
  }

  /** Writes records as one batch, outside of any transaction. */
  append(records: readonly BatchRecord[], compression: Compression = "none"): LogAnswer {
    const encoder = new BatchEncoder();
    for (const record of records) encoder.append(record);
    return this.produce(encoder.finish(noProducer, compression));
  }

  /** The marker that ends a transaction of this producer here. */
  mark(producerId: number, epoch: number, outcome: Marker): void {
    const encoder = new BatchEncoder();
    const key = Buffer.from([0, 0, 0, outcome === "commit" ? 1 : 0]);
    encoder.append({ key, value: Buffer.alloc(6), timestampMs: 0 });
    const producer = { producerId, producerEpoch: epoch, baseSequence: -1, transactional: true };
    const bytes = encoder.finish(producer);
    changeAttributes(bytes, (attributes) => attributes | attribute.control);
    const state = this.#producer(producerId);
    if (epoch > state.epoch) begin(state, epoch);
    const { openFrom } = state;
    if (outcome === "abort" && openFrom !== undefined) {
      const lastOffset = this.highWatermark;
      this.#aborted.push({ producerId, firstOffset: openFrom, lastOffset });
    }
    state.openFrom = undefined;
    const [batch] = readBatches(bytes, this.#name);
    if (batch !== undefined) this.#store(batch);
  }

  /** What a fetch gets: whole batches, of which the last may be cut off by `maxBytes`. */
  read(
    offset: number,
    isolation: Isolation,
    maxBytes: number,
  ): { readonly error: number; readonly records: Buffer; readonly aborted: AbortedTransaction[] } {
    if (offset < this.logStart || offset > this.highWatermark) {
      return { error: errorCode.offsetOutOfRange, records: Buffer.alloc(0), aborted: [] };
    }
    const end = isolation === "read_committed" ? this.lastStableOffset : this.highWatermark;
    const parts: Buffer[] = [];
    let bytes = 0;
    let last = offset;
    for (const batch of this.#batches) {
      if (batch.lastOffset < offset) continue;
      if (batch.baseOffset >= end || (bytes > 0 && bytes >= maxBytes)) break;
      parts.push(batch.buffer);
      bytes += batch.buffer.length;
      last = batch.lastOffset;
    }
    // The first batch comes whole whatever its size, or a reader would never get on.
    const whole = Math.max(maxBytes, parts[0]?.length ?? 0);
    return {
      error: 0,
      records: Buffer.concat(parts).subarray(0, whole),
      aborted: this.#aborted.filter((one) => one.lastOffset >= offset && one.firstOffset <= last),
    };
  }

  /** Retention: what lies before `offset` is gone. */
  deleteBefore(offset: number): void {
    this.logStart = offset;
    this.#batches = this.#batches.filter(({ lastOffset }) => lastOffset >= offset);
    this.#changed();
  }

  /** Cuts off what lies at and behind `offset`, as a broker does that was behind the leader that died. */
  truncate(offset: number): void {
    this.highWatermark = offset;
    this.#batches = this.#batches.filter(({ lastOffset }) => lastOffset < offset);
    for (const state of this.#producers.values()) {
      if ((state.openFrom ?? 0) >= offset) state.openFrom = undefined;
    }
    this.#changed();
  }

  /**
   * Drops batches whose keys all come again later, what was aborted, and the markers that then stand for nothing; the
   * newest batch stays, as in a segment that is still written.
   */
  compact(): void {
    const stable = this.lastStableOffset;
    const newest = new Map<string, number>();
    for (const batch of this.#batches) {
      if (batch.lastOffset >= stable || isControl(batch) || this.#isAborted(batch)) continue;
      for (const [key, offset] of this.#keys(batch)) newest.set(key ?? `at ${offset}`, offset);
    }
    const isNeeded = (batch: RecordBatch): boolean =>
      batch.lastOffset >= stable ||
      (!this.#isAborted(batch) &&
        this.#keys(batch).some(([key, at]) => newest.get(key ?? `at ${at}`) === at));
    const hasData = new Set<number>();
    this.#batches = this.#batches.filter((batch, index) => {
      const isKept = isControl(batch) ? hasData.delete(batch.producerId) : isNeeded(batch);
      if (isKept && !isControl(batch)) hasData.add(batch.producerId);
      return isKept || index === this.#batches.length - 1;
    });
    this.#changed();
  }

  /** Changes the stored bytes of the batch at `offset`; its checksum is made to fit again only if `sealed`. */
  tamper(offset: number, change: (batch: Buffer) => void, sealed: boolean): void {
    const batch = this.#batches.find((one) => one.baseOffset === offset);
    if (batch === undefined) throw new RangeError(`${this.#name} has no batch at ${offset}`);
    change(batch.buffer);
    if (sealed) changeAttributes(batch.buffer, (attributes) => attributes);
  }

  #checked(bytes: Buffer): RecordBatch | undefined {
    try {
      const [batch, ...more] = readBatches(Buffer.from(bytes), this.#name);
      return more.length === 0 ? batch : undefined;
    } catch {
      return undefined;
    }
  }

  #store(batch: RecordBatch): LogAnswer {
    const baseOffset = this.highWatermark;
    batch.buffer.writeBigInt64BE(BigInt(baseOffset), headerField.baseOffset);
    const lastOffset = baseOffset + batch.lastOffset - batch.baseOffset;
    this.#batches.push({ ...batch, baseOffset, lastOffset });
    this.highWatermark = lastOffset + 1;
    this.#changed();
    return { error: 0, baseOffset };
  }

  #producer(producerId: number): ProducerState {
    let state = this.#producers.get(producerId);
    if (state === undefined) {
      state = { epoch: -1, nextSequence: 0, openFrom: undefined, recent: [] };
      this.#producers.set(producerId, state);
    }
    return state;
  }

  #isAborted(batch: RecordBatch): boolean {
    return this.#aborted.some(
      ({ producerId, firstOffset, lastOffset }) =>
        isTransactional(batch) &&
        producerId === batch.producerId &&
        firstOffset <= batch.baseOffset &&
        batch.lastOffset <= lastOffset,
    );
  }

  #keys(batch: RecordBatch): [key: string | undefined, offset: number][] {
    const { bytes, offsets, keyStarts, keyEnds } = decodeRows(batch, this.#name);
    return offsets.map((offset, row) => {
      const start = keyStarts[row] ?? -1;
      return [start < 0 ? undefined : bytes.toString("hex", start, keyEnds[row]), offset];
    });
  }
}

function begin(state: ProducerState, epoch: number): void {
  state.epoch = epoch;
  state.nextSequence = 0;
  state.recent.length = 0;
}

function refused(error: number): LogAnswer {
  return { error, baseOffset: -1 };
}

function changeAttributes(batch: Buffer, change: (attributes: number) => number): void {
  batch.writeInt16BE(change(batch.readInt16BE(headerField.attributes)), headerField.attributes);
  batch.writeUInt32BE(crc32c(batch.subarray(headerField.attributes)), headerField.crc);
}
