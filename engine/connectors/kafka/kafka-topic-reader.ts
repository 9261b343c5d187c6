import { EngineError } from "../../core/errors.ts";
import type { ConsumedRecord } from "../embedded/topic-reader.ts";
import { headersOf } from "./batch-decoder.ts";
import type { KafkaCluster } from "./cluster.ts";
import { keyOf, valueOf } from "./fetch-buffer.ts";
import { TopicFetcher } from "./topic-fetcher.ts";
import type { Isolation } from "./log-requests.ts";
import { findTopics, listOffsets, topicMissing } from "./topics.ts";

const batchRecords = 1000;
const waitMs = 100;

/** Reads a topic without keeping a position. */
export class KafkaTopicReader {
  readonly #cluster: KafkaCluster;
  readonly #name: string;
  readonly #isolation: Isolation;
  #fetcher: TopicFetcher | undefined;
  #ends: readonly number[] = [];

  constructor(cluster: KafkaCluster, topic: string, isolation: Isolation = "read_committed") {
    this.#cluster = cluster;
    this.#isolation = isolation;
    this.#name = topic;
  }

  /** Throws TOPIC_MISSING. */
  async open(start: "beginning" | "end"): Promise<void> {
    await this.#cluster.repeated("looking at the topic", async () => {
      const [topic] = await findTopics(this.#cluster, [this.#name]);
      if (topic === undefined) throw topicMissing(this.#cluster, this.#name);
      const partitions = topic.partitions.map(({ partition, leader }) => {
        return { topic: topic.name, partition, leader };
      });
      const isolation = this.#isolation;
      const ends = await listOffsets(this.#cluster, "latest", isolation, partitions);
      const query = start === "end" ? "latest" : "earliest";
      const offsets = await listOffsets(this.#cluster, query, isolation, partitions);
      this.#ends = ends;
      this.#fetcher = new TopicFetcher(this.#cluster, topic, {
        isolation,
        offsets,
        ends,
        changed: (what) => new EngineError("INPUT_CHANGED", `topic ${this.#name}: ${what}`),
      });
    });
  }

  /** All records up to the end as of `open`; with `follow` then what is appended, until `signal` aborts. */
  async *records(
    options: { readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<readonly ConsumedRecord[]> {
    const fetcher = this.#fetcher;
    if (fetcher === undefined) throw new EngineError("INTERNAL", `${this.#name} is not open`);
    const limitOf = (partition: number): number =>
      options.follow ? Infinity : (this.#ends[partition] ?? 0);
    while (!signal.aborted) {
      const taken = fetcher.take(batchRecords, limitOf);
      if (taken === undefined) {
        const isAtEnd = this.#ends.every((end, number) => fetcher.takenOffset(number) >= end);
        if (isAtEnd && !options.follow) return;
        await fetcher.news(waitMs, signal);
        continue;
      }
      const { partition, rows } = taken;
      yield rows.offsets.map((offset, row) => ({
        partition,
        offset,
        timestampMs: rows.timestampsMs[row] ?? 0,
        key: keyOf(rows, row),
        value: valueOf(rows, row),
        headers: headersOf(rows, row),
      }));
    }
  }

  async close(): Promise<void> {
    this.#cluster.close();
  }
}
