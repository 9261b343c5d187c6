import { EngineError } from "../../core/errors.ts";
import { apis } from "./api.ts";
import { isPassing } from "./cluster.ts";
import type { KafkaCluster } from "./cluster.ts";
import { FetchBuffer } from "./fetch-buffer.ts";
import type { FetchedRows } from "./fetch-buffer.ts";
import { answerError, errorCode, isMoved, KafkaProtocolError } from "./kafka-errors.ts";
import { partitionName } from "./log-scan.ts";
import { decodeFetch, encodeFetch } from "./log-requests.ts";
import type { FetchedPart, Isolation } from "./log-requests.ts";
import type { TopicMetadata } from "./metadata.ts";
import { findTopics } from "./topics.ts";

interface FetchedPartition {
  readonly number: number;
  readonly buffer: FetchBuffer;
  leader: number;
  /** As of the last answer: one past the last record that may be read. */
  end: number;
}

export interface FetcherOptions {
  readonly isolation: Isolation;
  /** Offsets to read on from, by partition. */
  readonly offsets: readonly number[];
  readonly ends: readonly number[];
  /** An error for a topic that is not what it was. */
  changed(what: string): EngineError;
}

/** Waiting rows of a partition beyond which it is not fetched. */
const bufferBytesMax = 8 << 20;
/** Waiting rows of all partitions beyond which only those are fetched that have none. */
const waitingBytesMax = 64 << 20;
const partitionBytes = 2 << 20;
const answerBytes = 16 << 20;
const longPollMs = 400;
/** How often to look for new leaders and partitions, and whether the topic is still the same. */
const metadataMs = 5000;
/** The pause between two looks while brokers give leaders that are none, or not yet. */
const lookPauseMs = 100;

/** Reads the partitions of one topic ahead, one request under way for each of their leaders. */
export class TopicFetcher {
  readonly #cluster: KafkaCluster;
  readonly #options: FetcherOptions;
  readonly #partitions: readonly FetchedPartition[];
  readonly #underWay = new Map<number, Promise<void>>();
  #topic: TopicMetadata;
  #lookedAtMs: number;
  #looking: Promise<void> | undefined;
  #failure: Error | undefined;
  #turn = 0;
  #wake: (() => void) | undefined;

  constructor(cluster: KafkaCluster, topic: TopicMetadata, options: FetcherOptions) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#options = options;
    this.#lookedAtMs = cluster.clock.nowMs();
    this.#partitions = options.offsets.map((offset, number) => ({
      number,
      buffer: new FetchBuffer(partitionName({ topic: topic.name, partition: number }), offset),
      leader: topic.partitions[number]?.leader ?? -1,
      end: options.ends[number] ?? offset,
    }));
  }

  /** Records between what was taken and the end. */
  behind(partition: number): number {
    const found = this.#partitions[partition];
    return found === undefined ? 0 : Math.max(0, found.end - found.buffer.takenOffset);
  }

  takenOffset(partition: number): number {
    return this.#partitions[partition]?.buffer.takenOffset ?? 0;
  }

  /**
   * Rows that are here, of the partitions in turn, none at or beyond their limit. Keeps fetching under way. Throws what
   * made reading impossible.
   */
  take(
    maxRecords: number,
    limitOf: (partition: number) => number,
  ): { partition: number; rows: FetchedRows } | undefined {
    this.#keepFetching(limitOf);
    const count = this.#partitions.length;
    for (let step = 0; step < count; step += 1) {
      const number = (this.#turn + step) % count;
      const rows = this.#partitions[number]?.buffer.take(maxRecords, limitOf(number));
      if (rows === undefined) continue;
      this.#turn = (number + 1) % count;
      return { partition: number, rows };
    }
    // What was read before the failure is given first.
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }

  /** Resolves when an answer has come, or after `ms`. */
  async news(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) return;
    const arrived = new AbortController();
    const wake = (): void => arrived.abort();
    this.#wake = wake;
    signal.addEventListener("abort", wake, { once: true });
    try {
      if (!signal.aborted) await this.#cluster.clock.sleep(ms, arrived.signal);
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  #keepFetching(limitOf: (partition: number) => number): void {
    if (this.#failure !== undefined || this.#cluster.closed) return;
    if (this.#cluster.clock.nowMs() - this.#lookedAtMs >= metadataMs) this.#look();
    const waitingBytes = this.#partitions.reduce((sum, { buffer }) => sum + buffer.bytes, 0);
    const bytesMax = waitingBytes < waitingBytesMax ? bufferBytesMax : 1;
    const wanted = this.#partitions.filter(({ number, leader, buffer }) => {
      const isWanted = buffer.bytes < bytesMax && buffer.fetchOffset < limitOf(number);
      return isWanted && leader >= 0 && !this.#underWay.has(leader);
    });
    for (const leader of new Set(wanted.map((partition) => partition.leader))) {
      const led = wanted.filter((partition) => partition.leader === leader);
      const fetching = this.#fetch(leader, led).finally(() => {
        this.#underWay.delete(leader);
        this.#wake?.();
      });
      this.#underWay.set(leader, fetching);
    }
    if (this.#partitions.some(({ leader }) => leader < 0)) this.#look();
  }

  async #fetch(leader: number, partitions: readonly FetchedPartition[]): Promise<void> {
    // Another order each time, or the first would starve the others of a large answer.
    const first = this.#turn % partitions.length;
    const order = [...partitions.slice(first), ...partitions.slice(0, first)];
    const { isolation } = this.#options;
    const parts = order.map(({ number, buffer }) => ({
      topicId: this.#topic.id,
      partition: number,
      offset: buffer.fetchOffset,
      maxBytes: partitionBytes,
    }));
    try {
      const body = encodeFetch({ isolation, maxWaitMs: longPollMs, maxBytes: answerBytes }, parts);
      const answer = decodeFetch(await this.#cluster.onNode(leader, apis.fetch, body));
      if (answer.error !== 0) this.#throwAnswer(this.#topic.name, answer.error);
      for (const part of answer.parts) this.#takeIn(part);
    } catch (error) {
      if (this.#cluster.closed) return;
      if (!isPassing(error)) this.#fail(error);
      else for (const partition of partitions) partition.leader = -1;
    }
  }

  #takeIn(part: FetchedPart): void {
    const partition = this.#partitions[part.partition];
    if (partition === undefined) return;
    const name = partitionName({ topic: this.#topic.name, partition: part.partition });
    if (part.error === errorCode.offsetOutOfRange) {
      throw this.#outOfRange(partition, part);
    }
    if (isTopicGone(part.error) || isMoved(part.error)) {
      partition.leader = -1;
      return;
    }
    if (part.error !== 0) this.#throwAnswer(name, part.error);
    partition.end =
      this.#options.isolation === "read_committed" ? part.lastStableOffset : part.highWatermark;
    partition.buffer.add(part);
  }

  #throwAnswer(name: string, code: number): never {
    throw answerError(`reading ${name}`, code, `Read on topic ${this.#topic.name}`);
  }

  #outOfRange({ buffer, number }: FetchedPartition, part: FetchedPart): EngineError {
    const { logStartOffset, highWatermark } = part;
    return this.#options.changed(
      `partition ${number} was read to offset ${buffer.fetchOffset}, but the log is from ${logStartOffset} to ${highWatermark} now`,
    );
  }

  /** Asks for leaders, waiting out an outage; one at a time. */
  #look(): void {
    if (this.#looking !== undefined) return;
    const { name } = this.#topic;
    const restMs = this.#lookedAtMs + lookPauseMs - this.#cluster.clock.nowMs();
    const look = (): Promise<void> =>
      this.#cluster.repeated(`finding the leaders of ${name}`, async () => {
        const [topic] = await findTopics(this.#cluster, [name]);
        this.#check(topic);
        if (topic.partitions.some(({ leader }) => leader < 0)) {
          throw new KafkaProtocolError(`topic ${name}`, errorCode.leaderNotAvailable);
        }
        this.#topic = topic;
        for (const partition of this.#partitions) {
          partition.leader = topic.partitions[partition.number]?.leader ?? -1;
        }
      });
    this.#looking = this.#cluster
      .sleep(Math.min(Math.max(restMs, 0), lookPauseMs))
      .then(look)
      .catch((error: unknown) => {
        if (!this.#cluster.closed) this.#fail(error);
      })
      .finally(() => {
        this.#lookedAtMs = this.#cluster.clock.nowMs();
        this.#looking = undefined;
        this.#wake?.();
      });
  }

  #check(topic: TopicMetadata | undefined): asserts topic is TopicMetadata {
    if (topic === undefined) throw this.#options.changed("was deleted while it was read");
    if (topic.id !== this.#topic.id) {
      throw this.#options.changed("was deleted and made again while it was read");
    }
    if (topic.partitions.length <= this.#partitions.length) return;
    throw new EngineError(
      "KAFKA_INTERRUPTED",
      `topic ${topic.name} has ${topic.partitions.length} partitions now, it had ${this.#partitions.length}`,
      { hint: "Start the job again: it reads the new ones from their start." },
    );
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#wake?.();
  }
}

function isTopicGone(code: number): boolean {
  return (
    code === errorCode.unknownTopicOrPartition ||
    code === errorCode.unknownTopicId ||
    code === errorCode.inconsistentTopicId
  );
}
