import type { TopicPartition } from "../../connectors/kafka/log-requests.ts";
import type { Clock } from "../../core/clock.ts";
import { PartitionLog } from "./partition-log.ts";

export interface StoredTopic {
  readonly name: string;
  /** 32 hex digits, another one each time a topic is made. */
  readonly id: string;
  readonly partitions: PartitionLog[];
  readonly configs: Map<string, string>;
}

/** The topics of a fake cluster. */
export class TopicStore {
  readonly #clock: Clock;
  readonly #nodes: number;
  readonly #topics = new Map<string, StoredTopic>();
  #change = new AbortController();
  #made = 0;

  constructor(clock: Clock, nodes: number) {
    this.#clock = clock;
    this.#nodes = nodes;
  }

  create(name: string, partitions: number, configs: Readonly<Record<string, string>>): void {
    this.#made += 1;
    const id = this.#made.toString(16).padStart(32, "0");
    this.#topics.set(name, { name, id, partitions: [], configs: new Map(Object.entries(configs)) });
    this.addPartitions(name, partitions);
  }

  delete(name: string): void {
    this.#topics.delete(name);
    this.changed();
  }

  /** Up to `count` of them; their leaders take turns. */
  addPartitions(name: string, count: number): void {
    const { partitions } = this.named(name);
    while (partitions.length < count) {
      const number = partitions.length;
      const leader = 1 + (number % this.#nodes);
      partitions.push(new PartitionLog(`${name}/${number}`, leader, () => this.changed()));
    }
    this.changed();
  }

  has(name: string): boolean {
    return this.#topics.has(name);
  }

  find(name: string): StoredTopic | undefined {
    return this.#topics.get(name);
  }

  named(name: string): StoredTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new RangeError(`there is no topic ${name}`);
    return topic;
  }

  withId(id: string): StoredTopic | undefined {
    return [...this.#topics.values()].find((topic) => topic.id === id);
  }

  log({ topic, partition }: TopicPartition): PartitionLog | undefined {
    return this.#topics.get(topic)?.partitions[partition];
  }

  /** Those who wait for a change look again. */
  changed(): void {
    this.#change.abort();
    this.#change = new AbortController();
  }

  /** Resolves with the next change, or after `ms` of the clock. */
  change(ms: number): Promise<void> {
    return this.#clock.sleep(ms, this.#change.signal);
  }
}
