import { EngineError } from "../../core/errors.ts";
import { batchHeaderBytes } from "./batch-format.ts";
import { recordOverheadBytes } from "./batch-encoder.ts";
import type { KafkaCluster } from "./cluster.ts";
import type { LedPartition } from "./log-scan.ts";
import type { TopicMetadata } from "./metadata.ts";
import { createTopic, describeConfigs, findTopics, topicMissing } from "./topics.ts";

/** A broker's default for `max.message.bytes`: the largest batch a topic takes. */
const maxMessageBytesDefault = 1_048_588;
/** Larger batches gain nothing and hold up the ones behind them. */
const batchBytesMax = 512 * 1024;

/** The topics that a job writes on one cluster: where their partitions are, and what they take. */
export class OutputTopics {
  readonly #cluster: KafkaCluster;
  #names: readonly string[] = [];
  #topics: readonly TopicMetadata[] = [];
  #maxBytes: readonly number[] = [];

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster;
  }

  /** By number, in the order of `prepare`. */
  get counts(): readonly number[] {
    return this.#topics.map(({ partitions }) => partitions.length);
  }

  get partitions(): readonly LedPartition[] {
    return this.#topics.flatMap((topic) => topic.partitions.map((_, index) => led(topic, index)));
  }

  partition(topic: number, partition: number): LedPartition {
    const found = this.#topics[topic];
    if (found === undefined) throw new RangeError(`there is no topic number ${topic}`);
    return led(found, partition);
  }

  /** The largest batch to make of several records. */
  batchBytes(topic: number): number {
    return Math.min(batchBytesMax, this.#maxBytes[topic] ?? maxMessageBytesDefault);
  }

  /** Key and value of one record together. */
  maxRecordBytes(topic: number): number {
    const most = this.#maxBytes[topic] ?? maxMessageBytesDefault;
    return most - batchHeaderBytes - recordOverheadBytes;
  }

  /** Throws TOPIC_MISSING, unless the job's cluster settings say to make topics. */
  async prepare(names: readonly string[]): Promise<void> {
    const topics = await this.#foundOrMade(names);
    this.#maxBytes = await Promise.all(names.map((name) => this.#maxMessageBytes(name)));
    this.#names = names;
    this.#topics = topics;
  }

  /** Takes in new leaders. Throws TOPIC_MISSING; SINK_DIVERGED if a topic was made anew since `prepare`. */
  async refresh(): Promise<void> {
    if (this.#names.length === 0) return;
    const found = await findTopics(this.#cluster, this.#names);
    this.#topics = this.#topics.map((before, index) => {
      const now = found[index];
      if (now === undefined) throw topicMissing(this.#cluster, before.name);
      if (now.id === before.id) {
        return { ...now, partitions: now.partitions.slice(0, before.partitions.length) };
      }
      throw new EngineError(
        "SINK_DIVERGED",
        `topic ${before.name} at ${this.#cluster.address} was deleted and made again`,
        {
          hint: "What was delivered before is gone. Restore it, or start over with a fresh state directory.",
        },
      );
    });
  }

  async #foundOrMade(names: readonly string[]): Promise<readonly TopicMetadata[]> {
    const { createTopics } = this.#cluster.settings;
    let found = await findTopics(this.#cluster, names);
    const missing = [...new Set(names.filter((_, index) => found[index] === undefined))];
    if (missing.length > 0 && createTopics !== undefined) {
      for (const name of missing)
        await createTopic(this.#cluster, { name, ...createTopics, configs: {} });
      found = await findTopics(this.#cluster, names);
    }
    return names.map((name, index) => {
      const topic = found[index];
      if (topic !== undefined) return topic;
      throw topicMissing(this.#cluster, name);
    });
  }

  async #maxMessageBytes(name: string): Promise<number> {
    const setting = "max.message.bytes";
    const configs = await describeConfigs(this.#cluster, { type: "topic", name }, [setting]);
    return Number(configs?.get(setting) ?? maxMessageBytesDefault);
  }
}

function led(topic: TopicMetadata, partition: number): LedPartition {
  const leader = topic.partitions[partition]?.leader ?? -1;
  return { topic: topic.name, topicId: topic.id, partition, leader };
}
