import { EngineError } from "../../core/errors.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { TOMBSTONE } from "../../core/record.ts";
import type { RawBatch } from "../../core/record.ts";
import type { Source, SourceDefinition } from "../connector.ts";

/** One record: text, raw bytes, or null for a record without a value. */
export interface MemoryRow {
  readonly value: string | Buffer | null;
  /** The broker's time, ms since the epoch. All rows of a partition have one, or none has. */
  readonly timestampMs?: number;
}

interface Partition {
  readonly rows: MemoryRow[];
  closed: boolean;
}

/** What a test feeds a job with: partitions that it appends to and ends whenever it likes, also while the job runs. */
export class MemoryInput {
  readonly #partitions: readonly Partition[];

  constructor(partitions: number) {
    this.#partitions = Array.from({ length: partitions }, () => ({ rows: [], closed: false }));
  }

  /** An input that holds these values and nothing more, by partition. */
  static of(...partitions: readonly (readonly MemoryRow["value"][])[]): MemoryInput {
    const input = new MemoryInput(partitions.length);
    for (const [partition, values] of partitions.entries()) {
      input.append(partition, ...values.map((value) => ({ value })));
    }
    input.end();
    return input;
  }

  get partitions(): number {
    return this.#partitions.length;
  }

  append(partition: number, ...rows: readonly MemoryRow[]): void {
    this.#partition(partition).rows.push(...rows);
  }

  /** Nothing more comes in this partition; in all of them without a number. */
  end(partition?: number): void {
    const ending = partition === undefined ? this.#partitions : [this.#partition(partition)];
    for (const one of ending) one.closed = true;
  }

  rows(partition: number): readonly MemoryRow[] {
    return this.#partition(partition).rows;
  }

  /** Called at each poll, for tests that act between two batches. */
  onPoll: (() => void) | undefined;

  closed(partition: number): boolean {
    return this.#partition(partition).closed;
  }

  #partition(number: number): Partition {
    const partition = this.#partitions[number];
    if (partition === undefined) throw new RangeError(`there is no partition ${number}`);
    return partition;
  }
}

interface Cursor {
  readonly partition: number;
  next: number;
  /** Where it ends when run until the end as seen at open; undefined: when the partition is closed. */
  end: number | undefined;
  endReported: boolean;
}

class MemorySource implements Source {
  readonly name: string;
  readonly partitions: number;
  readonly #input: MemoryInput;
  #cursors: Cursor[] = [];
  #turn = 0;

  constructor(name: string, input: MemoryInput) {
    this.name = name;
    this.partitions = input.partitions;
    this.#input = input;
  }

  async resolveStart(): Promise<readonly JsonValue[]> {
    return Array.from({ length: this.partitions }, () => ({ offset: 0 }));
  }

  async open(positions: readonly JsonValue[], options: { untilEnd: boolean }): Promise<void> {
    this.#cursors = positions.map((position, partition) => {
      const next = Number((position as JsonObject)["offset"]);
      const { length } = this.#input.rows(partition);
      if (next > length) {
        throw new EngineError(
          "INPUT_CHANGED",
          `input ${this.name} lost rows of partition ${partition}`,
        );
      }
      return { partition, next, end: options.untilEnd ? length : undefined, endReported: false };
    });
    this.#turn = 0;
  }

  async poll(maxRecords: number): Promise<RawBatch | undefined> {
    this.#input.onPoll?.();
    // Partitions take turns, as a broker's answers would.
    for (let tried = 0; tried < this.#cursors.length; tried += 1) {
      const cursor = this.#cursors[this.#turn % this.#cursors.length]!;
      this.#turn += 1;
      const batch = this.#take(cursor, maxRecords);
      if (batch !== undefined) return batch;
    }
    // Whoever waits for rows must leave the event loop some room to bring them.
    await new Promise((resolve) => setImmediate(resolve));
    return undefined;
  }

  lag(): { readonly amount: number; readonly unit: "records" } {
    let amount = 0;
    for (const { partition, next } of this.#cursors)
      amount += this.#input.rows(partition).length - next;
    return { amount, unit: "records" };
  }

  async close(): Promise<void> {
    this.#cursors = [];
  }

  #take(cursor: Cursor, maxRecords: number): RawBatch | undefined {
    if (cursor.endReported) return undefined;
    const rows = this.#input.rows(cursor.partition);
    const end = cursor.end ?? rows.length;
    const from = cursor.next;
    const to = Math.min(end, from + maxRecords);
    const closed = cursor.end !== undefined || this.#input.closed(cursor.partition);
    const ended = closed && to === end;
    if (to === from && !ended) return undefined;
    cursor.next = to;
    cursor.endReported = ended;
    return { ...batchOf(cursor.partition, rows, from, to), resumeAt: { offset: to }, ended };
  }
}

function batchOf(
  partition: number,
  rows: readonly MemoryRow[],
  from: number,
  to: number,
): Omit<RawBatch, "resumeAt" | "ended"> {
  const buffers: Buffer[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const offsets: number[] = [];
  const timestampsMs: number[] = [];
  let length = 0;
  for (let offset = from; offset < to; offset += 1) {
    const { value, timestampMs } = rows[offset]!;
    offsets.push(offset);
    starts.push(length);
    if (value === null) {
      ends.push(TOMBSTONE);
    } else {
      const bytes = Buffer.from(value);
      buffers.push(bytes);
      length += bytes.length;
      ends.push(length);
    }
    if (timestampMs !== undefined) timestampsMs.push(timestampMs);
  }
  const bytes = Buffer.concat(buffers, length);
  const timed = timestampsMs.length === offsets.length && offsets.length > 0;
  return {
    partition,
    bytes,
    starts,
    ends,
    offsets,
    ...(timed ? { timestampsMs } : {}),
    // Nothing is used again here: whoever reads them later must fail.
    release: () => void bytes.fill("x"),
  };
}

/**
 * For tests: a source of type `memory` whose `name` picks one of `inputs`. Bounded unless told otherwise: a bounded
 * source must be ended by its test for the job to end.
 */
export function memorySource(
  inputs: ReadonlyMap<string, MemoryInput>,
  options: { readonly bounded: boolean } = { bounded: true },
): SourceDefinition {
  return {
    type: "memory",
    summary: "Reads rows that a test holds in memory.",
    configSchema: { required: ["name"], properties: { name: { type: "string" } } },
    bounded: options.bounded,
    resolve: ({ name }) => ({ name: name! }),
    create(config) {
      const name = config["name"] as string;
      const input = inputs.get(name);
      if (input === undefined) throw new EngineError("INPUT_MISSING", `no memory input ${name}`);
      return new MemorySource(name, input);
    },
  };
}
