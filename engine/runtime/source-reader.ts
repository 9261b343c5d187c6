import type { Source } from "../connectors/connector.ts";
import type { JsonValue } from "../core/json.ts";
import type { RawBatch } from "../core/record.ts";

export interface PolledBatch {
  readonly reader: SourceReader;
  readonly batch: RawBatch;
}

/** Knows how far a source was polled, and how far its records were taken in. */
export class SourceReader {
  readonly id: string;
  readonly source: Source;
  /** The end of a partition is the end of its lane. */
  readonly closesLanes: boolean;
  /** Where to resume each partition after what was processed so far. */
  readonly positions: JsonValue[];
  /** When each partition last gave a record, processing time in ms; NaN while it rests. */
  readonly activeAtMs: number[];
  /** Partitions whose end was not processed, or not polled, yet. */
  #open: number;
  #unpolled: number;
  /** Of each partition: batches that were polled and wait to be processed. */
  readonly #waiting: number[];

  constructor(options: {
    id: string;
    source: Source;
    closesLanes: boolean;
    positions: readonly JsonValue[];
    nowMs: number;
  }) {
    this.id = options.id;
    this.source = options.source;
    this.closesLanes = options.closesLanes;
    this.positions = [...options.positions];
    this.activeAtMs = this.positions.map(() => options.nowMs);
    this.#open = this.positions.length;
    this.#unpolled = this.#open;
    this.#waiting = this.positions.map(() => 0);
  }

  /** True once every partition has ended and its end was processed. */
  get ended(): boolean {
    return this.#open === 0;
  }

  /** True once every partition has ended: there is nothing more to poll. */
  get polledToEnd(): boolean {
    return this.#unpolled === 0;
  }

  /** False while records of the partition wait: it must not be taken for idle. */
  isProcessed(partition: number): boolean {
    return this.#waiting[partition] === 0;
  }

  polled(batch: RawBatch): void {
    this.#count(batch, 1);
    if (batch.ended) this.#unpolled -= 1;
  }

  processed(batch: RawBatch, nowMs: number): void {
    this.#count(batch, -1);
    this.positions[batch.partition] = batch.resumeAt;
    if (batch.starts.length > 0) this.activeAtMs[batch.partition] = nowMs;
    if (batch.ended) this.#open -= 1;
  }

  #count({ partition }: RawBatch, more: number): void {
    this.#waiting[partition] = (this.#waiting[partition] ?? 0) + more;
  }
}

interface Polled {
  readonly reader: SourceReader;
  readonly batch: RawBatch | undefined;
}

/** Keeps one poll of each source under way and gives the batches as they come. */
export class Poller {
  readonly #readers: readonly SourceReader[];
  readonly #batchSize: number;
  readonly #signal: AbortSignal;
  /** A poll stays here until what it gave is handed on: another source may win the race while it waits. */
  readonly #underWay = new Map<SourceReader, Promise<Polled>>();

  constructor(readers: readonly SourceReader[], batchSize: number, signal: AbortSignal) {
    this.#readers = readers;
    this.#batchSize = batchSize;
    this.#signal = signal;
  }

  /** True once there is nothing more to poll, and `next` must not be called. */
  get ended(): boolean {
    return this.#readers.every((reader) => reader.polledToEnd);
  }

  /** True once polling was stopped, whatever there is to poll. */
  get stopped(): boolean {
    return this.#signal.aborted;
  }

  /** The next batch of any source, in turn where several are ready; undefined if nothing came in a short wait. */
  async next(): Promise<PolledBatch | undefined> {
    for (const reader of this.#readers) {
      if (reader.polledToEnd || this.#underWay.has(reader)) continue;
      const poll = this.#poll(reader);
      // Its failure is met when it is its turn, or never if the run stops before.
      poll.catch(() => {});
      this.#underWay.set(reader, poll);
    }
    const { reader, batch } = await Promise.race(this.#underWay.values());
    this.#underWay.delete(reader);
    if (batch === undefined) return undefined;
    reader.polled(batch);
    return { reader, batch };
  }

  /** Waits for the polls under way and forgets what they gave: it was not processed. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
    this.#underWay.clear();
  }

  async #poll(reader: SourceReader): Promise<Polled> {
    return { reader, batch: await reader.source.poll(this.#batchSize, this.#signal) };
  }
}
