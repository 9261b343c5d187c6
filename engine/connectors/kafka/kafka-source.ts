import { createHash } from "node:crypto";
import { EngineError } from "../../core/errors.ts";
import type { JsonValue } from "../../core/json.ts";
import type { OversizedRecord, RawBatch } from "../../core/record.ts";
import type { PartitionLag, Source } from "../connector.ts";
import { headOf } from "../oversized-record.ts";
import type { KafkaCluster } from "./cluster.ts";
import type { FetchedRows } from "./fetch-buffer.ts";
import { GroupOffsets } from "./group-offsets.ts";
import { createTopic, findTopics, listOffsets, topicMissing } from "./topics.ts";
import type { TopicMetadata } from "./metadata.ts";
import { TopicFetcher } from "./topic-fetcher.ts";

export interface KafkaSourceOptions {
  readonly topic: string;
  /** Where a first run starts. */
  readonly start: "earliest" | "latest";
  readonly maxRecordBytes: number;
  /** The consumer group as which lag dashboards see the job; no group decides where it reads. */
  readonly group: string;
}

/** Where reading of a partition goes on. */
interface KafkaPosition {
  /** Id of the topic, 32 hex digits. */
  readonly topic: string;
  readonly offset: number;
}

/** How long a poll waits for records. */
const pollMs = 100;
/** How long a close waits for offsets that are being told. */
const lastWordMs = 500;

/** Reads the committed records of one topic from explicit offsets, and follows it. */
export class KafkaSource implements Source {
  readonly name: string;
  readonly #cluster: KafkaCluster;
  readonly #options: KafkaSourceOptions;
  readonly #group: GroupOffsets;
  #topic: TopicMetadata | undefined;
  #fetcher: TopicFetcher | undefined;
  #partitionCount = 0;
  /** `--until-end`: where each partition ends; Infinity otherwise. */
  #limits: number[] = [];
  #ended: boolean[] = [];

  constructor(cluster: KafkaCluster, options: KafkaSourceOptions) {
    this.name = options.topic;
    this.#cluster = cluster;
    this.#options = options;
    this.#group = new GroupOffsets(cluster, options.group);
  }

  get partitions(): number {
    return this.#partitionCount;
  }

  async resolveStart(): Promise<readonly JsonValue[]> {
    const { topic, offsets } = await this.#repeated(async () => {
      const found = await this.#find(true);
      return { topic: found, offsets: await this.#offsets(found, this.#options.start) };
    });
    this.#partitionCount = offsets.length;
    return offsets.map((offset) => ({ topic: topic.id, offset }));
  }

  async open(
    positions: readonly JsonValue[],
    options: { untilEnd: boolean },
  ): Promise<JsonValue[]> {
    const wanted = positions.map((position) => this.#position(position));
    const { topic, starts, ends } = await this.#repeated(async () => {
      const found = await this.#find(false);
      return {
        topic: found,
        starts: await this.#offsets(found, "earliest"),
        ends: await this.#offsets(found, "latest"),
      };
    });
    if (topic.partitions.length < wanted.length) {
      throw this.#changed(
        `has ${topic.partitions.length} partitions, was read with ${wanted.length}`,
      );
    }
    // Partitions that were added since are read from their start.
    const offsets = ends.map((end, partition) => {
      const position = wanted[partition];
      if (position === undefined) return starts[partition] ?? 0;
      if (position.topic !== topic.id) {
        throw this.#changed("was deleted and made again since it was read");
      }
      const start = starts[partition] ?? 0;
      if (position.offset >= start && position.offset <= end) return position.offset;
      const lost =
        position.offset < start ? `, ${start - position.offset} offsets are missing` : "";
      throw this.#changed(
        `partition ${partition} was read to offset ${position.offset}, but the log is from ${start} to ${end} now${lost}`,
      );
    });
    this.#topic = topic;
    this.#partitionCount = offsets.length;
    this.#limits = ends.map((end) => (options.untilEnd ? end : Infinity));
    this.#ended = ends.map(() => false);
    this.#fetcher = new TopicFetcher(this.#cluster, topic, {
      isolation: "read_committed",
      offsets,
      ends,
      changed: (what) => this.#changed(what),
    });
    return offsets.map((offset) => ({ topic: topic.id, offset }));
  }

  async poll(maxRecords: number, signal: AbortSignal): Promise<RawBatch | undefined> {
    const fetcher = this.#fetcher;
    if (fetcher === undefined) throw new EngineError("INTERNAL", `topic ${this.name} is not open`);
    if (this.#ended.every(Boolean)) return undefined;
    return this.#next(fetcher, maxRecords) ?? (await this.#waited(fetcher, maxRecords, signal));
  }

  committed(positions: readonly JsonValue[]): void {
    this.#group.tell(
      this.name,
      positions.map((position) => this.#position(position).offset),
    );
  }

  /** Resolves when nothing that was committed is still being told. */
  told(): Promise<void> {
    return this.#group.told();
  }

  async lags(positions: readonly JsonValue[]): Promise<readonly PartitionLag[]> {
    const wanted = positions.map((position) => this.#position(position));
    const topic = await this.#find(false);
    const ends = await this.#offsets(topic, "latest");
    return ends.map((end, partition) => ({
      readTo: wanted[partition]?.offset ?? 0,
      end,
      unit: "offsets",
    }));
  }

  lag(): { readonly amount: number; readonly unit: "records" } | undefined {
    const fetcher = this.#fetcher;
    if (fetcher === undefined) return undefined;
    let amount = 0;
    for (const [partition, limit] of this.#limits.entries()) {
      const toLimit = limit - fetcher.takenOffset(partition);
      amount += Math.max(0, Math.min(toLimit, fetcher.behind(partition)));
    }
    return { amount, unit: "records" };
  }

  async close(): Promise<void> {
    await Promise.race([this.#group.told(), this.#cluster.sleep(lastWordMs)]);
    this.#cluster.close();
  }

  async #waited(
    fetcher: TopicFetcher,
    maxRecords: number,
    signal: AbortSignal,
  ): Promise<RawBatch | undefined> {
    await fetcher.news(pollMs, signal);
    return this.#next(fetcher, maxRecords);
  }

  #next(fetcher: TopicFetcher, maxRecords: number): RawBatch | undefined {
    const limitOf = (partition: number): number =>
      this.#ended[partition] === true ? -1 : (this.#limits[partition] ?? 0);
    const taken = fetcher.take(maxRecords, limitOf);
    if (taken !== undefined) return this.#batch(taken.partition, taken.rows);
    // The end may lie behind control records that are never given.
    const atEnd = this.#limits.findIndex(
      (limit, partition) =>
        this.#ended[partition] !== true && fetcher.takenOffset(partition) >= limit,
    );
    return atEnd < 0 ? undefined : this.#batch(atEnd, undefined);
  }

  #batch(partition: number, rows: FetchedRows | undefined): RawBatch {
    const limit = this.#limits[partition] ?? Infinity;
    const { bytes, offsets, starts, ends, timestampsMs } = rows ?? noRows;
    const oversized = this.#cutOversized(bytes, starts, ends);
    const offset = rows?.nextOffset ?? limit;
    const ended = offset >= limit;
    if (ended) this.#ended[partition] = true;
    return {
      partition,
      bytes,
      starts,
      ends,
      offsets,
      timestampsMs,
      ...(oversized === undefined ? {} : { oversized }),
      resumeAt: { topic: this.#topic?.id ?? "", offset: Math.min(offset, limit) },
      ended,
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

  async #find(isFirst: boolean): Promise<TopicMetadata> {
    const { createTopics } = this.#cluster.settings;
    let [topic] = await findTopics(this.#cluster, [this.name]);
    if (topic === undefined && isFirst && createTopics !== undefined) {
      await createTopic(this.#cluster, { name: this.name, ...createTopics, configs: {} });
      [topic] = await findTopics(this.#cluster, [this.name]);
    }
    if (topic === undefined) {
      throw isFirst ? topicMissing(this.#cluster, this.name) : this.#changed("no longer exists");
    }
    return topic;
  }

  #offsets(topic: TopicMetadata, query: "earliest" | "latest"): Promise<number[]> {
    const partitions = topic.partitions.map(({ partition, leader }) => {
      return { topic: topic.name, partition, leader };
    });
    return listOffsets(this.#cluster, query, "read_committed", partitions);
  }

  #repeated<T>(work: () => Promise<T>): Promise<T> {
    return this.#cluster.repeated(`looking at topic ${this.name}`, work);
  }

  #position(value: JsonValue): KafkaPosition {
    if (isKafkaPosition(value)) return value;
    throw new EngineError(
      "STATE_FOREIGN",
      `the saved position of topic ${this.name} is not one of a Kafka topic`,
      {
        hint: "The job read this source from another system before; use its own state directory.",
      },
    );
  }

  #changed(what: string): EngineError {
    return new EngineError(
      "INPUT_CHANGED",
      `topic ${this.name} at ${this.#cluster.address}: ${what}`,
      {
        hint: "What was not read yet may be lost for good. Restore it, or start over with a fresh state directory.",
      },
    );
  }
}

const noRows = { bytes: Buffer.alloc(0), starts: [], ends: [], offsets: [], timestampsMs: [] };

function isKafkaPosition(value: unknown): value is KafkaPosition {
  if (typeof value !== "object" || value === null) return false;
  const { topic, offset, byte } = value as Partial<Record<string, unknown>>;
  return (
    typeof topic === "string" &&
    typeof offset === "number" &&
    Number.isSafeInteger(offset) &&
    byte === undefined
  );
}
