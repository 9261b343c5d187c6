import type {
  CommitPermit,
  DeliveryMark,
  DeliveryTarget,
  OutboxReader,
  OutboxRecord,
} from "../../checkpoint/delivery.ts";
import { EngineError } from "../../core/errors.ts";
import type { SinkDefinition } from "../connector.ts";

export interface MemoryTopicRecord {
  readonly partition: number;
  readonly key: string | null;
  readonly value: string;
  readonly timestampMs: number;
}

/** A broker in a test's memory: topics, and per job the newest delivered epoch. Lives on when its target dies. */
export class MemoryTopics {
  readonly #partitions: number;
  readonly #topics = new Map<string, MemoryTopicRecord[]>();
  readonly #marks = new Map<string, DeliveryMark>();
  /** The session that may deliver: the last one begun. */
  readonly #sessions = new Map<string, string>();

  constructor(partitions = 4) {
    this.#partitions = partitions;
  }

  records(topic: string): readonly MemoryTopicRecord[] {
    return this.#topics.get(topic) ?? [];
  }

  prepare(topic: string): number {
    if (!this.#topics.has(topic)) this.#topics.set(topic, []);
    return this.#partitions;
  }

  mark(job: string): DeliveryMark | undefined {
    return this.#marks.get(job);
  }

  begin(job: string, incarnation: string): void {
    this.#sessions.set(job, incarnation);
  }

  append(
    mark: DeliveryMark,
    incarnation: string,
    records: readonly (readonly [string, MemoryTopicRecord])[],
  ): void {
    if (this.#sessions.get(mark.job) !== incarnation) {
      throw new EngineError("SINK_FENCED", `job ${mark.job} delivers from another process`);
    }
    const last = this.#marks.get(mark.job)?.epoch;
    if (last !== undefined && mark.epoch <= last) {
      throw new EngineError("SINK_DIVERGED", `epoch ${mark.epoch} comes after epoch ${last}`);
    }
    for (const [topic, record] of records) this.#topics.get(topic)!.push(record);
    this.#marks.set(mark.job, mark);
  }
}

class MemoryTarget implements DeliveryTarget {
  readonly id = "memory";
  readonly #broker: MemoryTopics;
  #topics: readonly string[] = [];
  #incarnation = "";

  constructor(broker: MemoryTopics) {
    this.#broker = broker;
  }

  async prepare(topics: readonly string[]): Promise<readonly number[]> {
    this.#topics = topics;
    return topics.map((topic) => this.#broker.prepare(topic));
  }

  async inspect(job: string): Promise<DeliveryMark | undefined> {
    return this.#broker.mark(job);
  }

  async begin(job: string, incarnation: string): Promise<void> {
    this.#incarnation = incarnation;
    this.#broker.begin(job, incarnation);
  }

  async deliver(outputs: OutboxReader, permit: CommitPermit): Promise<void> {
    const taken: (readonly [string, MemoryTopicRecord])[] = [];
    for await (const batch of outputs.batches()) {
      for (const record of batch) taken.push([this.#topics[record.topic]!, asText(record)]);
    }
    // All at once, after everything was read: a failure above leaves nothing half delivered.
    this.#broker.append(permit.mark, this.#incarnation, taken);
  }

  async close(): Promise<void> {}
}

function asText(record: OutboxRecord): MemoryTopicRecord {
  return {
    partition: record.partition,
    key: record.key?.toString("utf8") ?? null,
    value: record.value.toString("utf8"),
    timestampMs: record.timestampMs,
  };
}

/** For tests: a delivered sink of type `memory_topic`, fed from the outbox like Kafka. */
export function memoryTopicSink(
  broker: MemoryTopics,
  options: { readonly maxValueBytes?: number } = {},
): SinkDefinition {
  return {
    type: "memory_topic",
    summary: "Delivers records to topics that a test reads from memory.",
    configSchema: { required: ["topic"], properties: { topic: { type: "string" } } },
    resolve: ({ topic }) => ({ topic: topic! }),
    maxValueBytes: () => options.maxValueBytes,
    delivered: {
      targetId: () => "memory",
      topic: (config) => config["topic"] as string,
      create: () => new MemoryTarget(broker),
    },
  };
}
