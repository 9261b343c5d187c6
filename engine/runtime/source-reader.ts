import type { Source } from "../connectors/connector.ts";
import type { JsonValue } from "../core/json.ts";
import type { RawBatch } from "../core/record.ts";

export interface PolledBatch {
  readonly reader: SourceReader;
  readonly batch: RawBatch;
}

/** Polls one source a batch ahead of the state thread and knows how far its records were taken in. */
export class SourceReader {
  readonly id: string;
  readonly source: Source;
  readonly bounded: boolean;
  /** Where to resume each partition after what was processed so far. */
  readonly positions: JsonValue[];
  /** When each partition last gave a record, processing time in ms; NaN while it rests. */
  readonly activeAtMs: number[];
  #open: number;

  constructor(options: {
    id: string;
    source: Source;
    bounded: boolean;
    positions: readonly JsonValue[];
    nowMs: number;
  }) {
    this.id = options.id;
    this.source = options.source;
    this.bounded = options.bounded;
    this.positions = [...options.positions];
    this.activeAtMs = this.positions.map(() => options.nowMs);
    this.#open = this.positions.length;
  }

  /** True once every partition has ended and its end was processed. */
  get ended(): boolean {
    return this.#open === 0;
  }

  processed(batch: RawBatch, nowMs: number): void {
    this.positions[batch.partition] = batch.resumeAt;
    if (batch.starts.length > 0) this.activeAtMs[batch.partition] = nowMs;
    if (batch.ended) this.#open -= 1;
  }
}

/** Keeps one poll of each source under way and gives the batches as they come. */
export class Poller {
  readonly #readers: readonly SourceReader[];
  readonly #batchSize: number;
  readonly #signal: AbortSignal;
  readonly #underWay = new Map<SourceReader, Promise<PolledBatch | undefined>>();

  constructor(readers: readonly SourceReader[], batchSize: number, signal: AbortSignal) {
    this.#readers = readers;
    this.#batchSize = batchSize;
    this.#signal = signal;
  }

  /** The next batch of any source; undefined if nothing came within the sources' short wait. */
  async next(): Promise<PolledBatch | undefined> {
    for (const reader of this.#readers) {
      if (reader.ended || this.#underWay.has(reader)) continue;
      this.#underWay.set(reader, this.#poll(reader));
    }
    return Promise.race(this.#underWay.values());
  }

  /** Waits for the polls under way and forgets what they gave: it was not processed. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
    this.#underWay.clear();
  }

  async #poll(reader: SourceReader): Promise<PolledBatch | undefined> {
    try {
      const batch = await reader.source.poll(this.#batchSize, this.#signal);
      return batch === undefined ? undefined : { reader, batch };
    } finally {
      this.#underWay.delete(reader);
    }
  }
}
