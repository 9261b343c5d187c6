import { createHash } from "node:crypto";
import { EngineError } from "../../core/errors.ts";
import type { Failpoints } from "../../core/failpoints.ts";
import type { JsonValue } from "../../core/json.ts";
import type { OversizedRecord, RawBatch } from "../../core/record.ts";
import type { PartitionLag, Source } from "../connector.ts";
import { headOf } from "../oversized-record.ts";
import { EmbeddedTopics } from "./embedded-topics.ts";
import { PartitionCursor } from "./partition-cursor.ts";
import type { BlockRows } from "./partition-cursor.ts";
import { ReadBlocks } from "./read-blocks.ts";
import { inputChanged, withFileErrors } from "./topics-error.ts";
import type { TopicsFolder } from "./topics-folder.ts";
import { partitionPath } from "./topics-folder.ts";
import type { PartitionEnd, TopicFacts } from "./topics-state.ts";
import { TopicsWriter } from "./topics-writer.ts";

export interface EmbeddedSourceOptions {
  readonly topic: string;
  /** Where a first run starts. */
  readonly start: "earliest" | "latest";
  /** Of a topic that is made. */
  readonly partitions: number;
  readonly maxRecordBytes: number;
  readonly failpoints: Failpoints;
}

/** Where reading of a partition goes on. */
interface TopicPosition {
  /** Id of the topic; null if it did not exist yet: then `offset` is 0. */
  readonly topic: string | null;
  readonly offset: number;
  /** Place in the log of the chunk that holds, or will hold, `offset`. */
  readonly byte: number;
}

interface SourcePartition {
  readonly cursor: PartitionCursor;
  /** `--until-end`: where it ends. */
  readonly limit: PartitionEnd | undefined;
  ended: boolean;
}

/** How long a poll without new records waits before it looks a second time. */
const idleMs = 50;

/** Reads one embedded topic and follows what is appended. */
export class EmbeddedSource implements Source {
  readonly name: string;
  readonly #topics: EmbeddedTopics;
  readonly #options: EmbeddedSourceOptions;
  readonly #blocks = new ReadBlocks();
  #topic: TopicFacts | undefined;
  #partitions: SourcePartition[] = [];
  #partitionCount = 0;
  /** The partition to look at first: they take turns. */
  #turn = 0;

  constructor(folder: TopicsFolder, options: EmbeddedSourceOptions) {
    this.name = options.topic;
    this.#topics = new EmbeddedTopics(folder);
    this.#options = options;
  }

  get partitions(): number {
    return this.#partitionCount;
  }

  async resolveStart(): Promise<readonly JsonValue[]> {
    await this.#topics.refresh();
    const topic = this.#topics.state.topic(this.name);
    const ends = topic?.ends ?? Array.from({ length: this.#options.partitions }, () => nowhere);
    this.#partitionCount = ends.length;
    return ends.map(({ offset, bytes }) => {
      const latest = this.#options.start === "latest";
      const position = latest ? { offset, byte: bytes } : { offset: 0, byte: 0 };
      return { topic: topic?.id ?? null, ...position };
    });
  }

  async open(positions: readonly JsonValue[], options: { untilEnd: boolean }): Promise<void> {
    const wanted = positions.map((position) => this.#position(position));
    const topic = await this.#existingTopic(wanted);
    if (topic.ends.length !== wanted.length) {
      throw this.#changed(`has ${topic.ends.length} partitions, was read with ${wanted.length}`);
    }
    this.#topic = topic;
    this.#partitionCount = wanted.length;
    this.#partitions = topic.ends.map((end, partition) => {
      const position = wanted[partition] ?? { topic: null, offset: 0, byte: 0 };
      this.#check(position, partition, topic.id, end);
      return {
        cursor: new PartitionCursor(
          this.#topics.folder.files,
          partitionPath(this.#topics.folder, topic, partition),
          position,
          this.#blocks,
        ),
        limit: options.untilEnd ? end : undefined,
        ended: false,
      };
    });
  }

  async poll(maxRecords: number, signal: AbortSignal): Promise<RawBatch | undefined> {
    return withFileErrors("read", this.#topics.folder.directory, async () => {
      const batch = await this.#next(maxRecords);
      if (batch !== undefined || this.#partitions.every(({ ended }) => ended)) return batch;
      for (let looks = 0; looks < 2; looks += 1) {
        if (looks > 0) await this.#topics.folder.clock.sleep(idleMs, signal);
        if (await this.#look()) {
          const found = await this.#next(maxRecords);
          if (found !== undefined) return found;
        }
        if (signal.aborted) break;
      }
      return undefined;
    });
  }

  async lags(positions: readonly JsonValue[]): Promise<readonly PartitionLag[]> {
    const wanted = positions.map((position) => this.#position(position));
    await this.#topics.refresh();
    const topic = this.#topics.state.topic(this.name);
    return wanted.map(({ offset }, partition) => ({
      readTo: offset,
      end: topic?.ends[partition]?.offset ?? 0,
      unit: "offsets",
    }));
  }

  lag(): { readonly amount: number; readonly unit: "records" } | undefined {
    const topic = this.#topic;
    if (topic === undefined) return undefined;
    let amount = 0;
    for (const [partition, { cursor, limit }] of this.#partitions.entries()) {
      amount += Math.max(0, (limit ?? topic.ends[partition] ?? nowhere).offset - cursor.offset);
    }
    return { amount, unit: "records" };
  }

  async close(): Promise<void> {
    for (const { cursor } of this.#partitions) await cursor.close();
    await this.#topics.close();
  }

  /** Rows that are known to be there, of the first partition in turn that has some. */
  async #next(maxRecords: number): Promise<RawBatch | undefined> {
    const topic = this.#topic;
    if (topic === undefined) throw new EngineError("INTERNAL", `topic ${this.name} is not open`);
    const count = this.#partitions.length;
    for (let step = 0; step < count; step += 1) {
      const number = (this.#turn + step) % count;
      const partition = this.#partitions[number];
      if (partition === undefined || partition.ended) continue;
      const { cursor, limit } = partition;
      const rows = await cursor.read(limit ?? topic.ends[number] ?? nowhere, maxRecords);
      partition.ended = limit !== undefined && cursor.offset >= limit.offset;
      if (rows === undefined && !partition.ended) continue;
      this.#turn = (number + 1) % count;
      return this.#batch(number, partition, rows, topic.id);
    }
    return undefined;
  }

  #batch(
    partition: number,
    { cursor, ended }: SourcePartition,
    rows: BlockRows | undefined,
    topic: string,
  ): RawBatch {
    const { bytes, starts, ends, offsets, timestampsMs } = rows ?? noRows;
    const oversized = this.#cutOversized(bytes, starts, ends);
    return {
      partition,
      bytes,
      starts,
      ends,
      offsets,
      timestampsMs,
      ...(oversized === undefined ? {} : { oversized }),
      resumeAt: { topic, offset: cursor.offset, byte: cursor.byte },
      ended,
      ...(rows === undefined ? {} : { release: rows.block.release }),
    };
  }

  #cutOversized(
    bytes: Buffer,
    starts: readonly number[],
    ends: number[],
  ): ReadonlyMap<number, OversizedRecord> | undefined {
    let oversized: Map<number, OversizedRecord> | undefined;
    for (let row = 0; row < ends.length; row += 1) {
      const start = starts[row] ?? 0;
      const end = ends[row] ?? 0;
      if (end - start <= this.#options.maxRecordBytes) continue;
      const record = bytes.subarray(start, end);
      const sha256 = createHash("sha256").update(record).digest("hex");
      oversized ??= new Map();
      oversized.set(row, { length: record.length, sha256 });
      ends[row] = start + headOf(record).length;
    }
    return oversized;
  }

  /** Takes in new ends; true if there may be new records. */
  async #look(): Promise<boolean> {
    if (!(await this.#topics.refresh())) return false;
    const before = this.#topic;
    const topic = this.#topics.state.topic(this.name);
    if (topic === undefined) throw this.#changed("was deleted while it was read");
    if (topic.id !== before?.id)
      throw this.#changed("was deleted and made again while it was read");
    for (const [partition, { cursor }] of this.#partitions.entries()) {
      const position = { topic: topic.id, offset: cursor.offset, byte: cursor.byte };
      this.#check(position, partition, topic.id, topic.ends[partition] ?? nowhere);
    }
    this.#topic = topic;
    return true;
  }

  async #existingTopic(wanted: readonly TopicPosition[]): Promise<TopicFacts> {
    await this.#topics.refresh();
    const known = this.#topics.state.topic(this.name);
    if (known !== undefined) return known;
    if (wanted.some(({ topic }) => topic !== null)) throw this.#changed("no longer exists");
    const { failpoints } = this.#options;
    const writer = new TopicsWriter(this.#topics.folder, { failpoints });
    try {
      await writer.ensureTopics([this.name], wanted.length);
    } finally {
      await writer.close();
    }
    return this.#topics.topic(this.name);
  }

  #check(position: TopicPosition, partition: number, id: string, end: PartitionEnd): void {
    if (position.topic !== null && position.topic !== id) {
      throw this.#changed("was deleted and made again since it was read");
    }
    const { offset, byte } = position;
    // The place of the next record is the end exactly when the next offset is.
    if (
      offset > end.offset ||
      byte > end.bytes ||
      (offset === end.offset) !== (byte === end.bytes)
    ) {
      throw this.#changed(
        `partition ${partition} was read to offset ${offset} (byte ${byte}) and ends at ${end.offset} (byte ${end.bytes}) now`,
      );
    }
  }

  #position(value: JsonValue): TopicPosition {
    if (isTopicPosition(value)) return value;
    throw new EngineError(
      "STATE_FOREIGN",
      `the saved position of topic ${this.name} is not one of an embedded topic`,
      {
        hint: "The job read this source from another system before; use its own state directory.",
      },
    );
  }

  #changed(what: string): EngineError {
    return inputChanged(this.name, what);
  }
}

const nowhere: PartitionEnd = { bytes: 0, offset: 0 };
const noRows = { bytes: Buffer.alloc(0), starts: [], ends: [], offsets: [], timestampsMs: [] };

function isTopicPosition(value: unknown): value is TopicPosition {
  if (typeof value !== "object" || value === null) return false;
  const { topic, offset, byte } = value as Partial<Record<keyof TopicPosition, unknown>>;
  return (topic === null || typeof topic === "string") && isPlace(offset) && isPlace(byte);
}

function isPlace(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
