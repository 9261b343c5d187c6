import { EngineError } from "../../core/errors.ts";
import { partitionForKey } from "../../core/murmur2.ts";
import { apis } from "./api.ts";
import { BatchEncoder, noProducer } from "./batch-encoder.ts";
import type { BatchRecord } from "./batch-encoder.ts";
import type { KafkaCluster } from "./cluster.ts";
import { checkAnswer } from "./kafka-errors.ts";
import { partitionName } from "./log-scan.ts";
import { decodeProduce, encodeProduce } from "./log-requests.ts";
import { OutputTopics } from "./output-topics.ts";

/** Appends records to one topic outside of any job. Nothing is repeated, so nothing is written twice. */
export class KafkaTopicWriter {
  readonly #cluster: KafkaCluster;
  readonly #topics: OutputTopics;
  readonly #name: string;
  #turn = 0;
  #isOpen = false;

  constructor(cluster: KafkaCluster, topic: string) {
    this.#cluster = cluster;
    this.#topics = new OutputTopics(cluster);
    this.#name = topic;
  }

  /**
   * On all replicas when it resolves. The key chooses the partition as Kafka's Java client does; records without one
   * take turns. Throws TOPIC_MISSING; USAGE for a record that is too large.
   */
  async append(records: readonly BatchRecord[]): Promise<void> {
    if (!this.#isOpen) {
      await this.#cluster.repeated("looking at the topic", () =>
        this.#topics.prepare([this.#name]),
      );
      this.#isOpen = true;
    }
    const count = this.#topics.counts[0] ?? 1;
    const encoders = new Map<number, BatchEncoder>();
    for (const record of records) {
      const bytes = (record.value?.length ?? 0) + (record.key?.length ?? 0);
      if (bytes > this.#topics.maxRecordBytes(0)) {
        const most = this.#topics.maxRecordBytes(0);
        throw new EngineError("USAGE", `a record has ${bytes} bytes, ${this.#name} takes ${most}`);
      }
      const { key } = record;
      const partition = key === null ? this.#turn++ % count : partitionForKey(key, count);
      let encoder = encoders.get(partition) ?? new BatchEncoder();
      if (encoder.count > 0 && encoder.bytes + bytes > this.#topics.batchBytes(0)) {
        await this.#send(partition, encoder);
        encoder = new BatchEncoder();
      }
      encoder.append(record);
      encoders.set(partition, encoder);
    }
    await Promise.all([...encoders].map(([partition, encoder]) => this.#send(partition, encoder)));
  }

  close(): void {
    this.#cluster.close();
  }

  async #send(partition: number, encoder: BatchEncoder): Promise<void> {
    const { transport, compression } = this.#cluster.settings;
    const { topic, leader } = this.#topics.partition(0, partition);
    const batch = encoder.finish(noProducer, compression);
    const body = encodeProduce(null, transport.requestTimeoutMs, [{ topic, partition, batch }]);
    const [answer] = decodeProduce(await this.#cluster.onNode(leader, apis.produce, body));
    const what = `writing to ${partitionName({ topic, partition })}`;
    checkAnswer(what, answer?.error ?? -1, `Write on topic ${topic}`);
  }
}
