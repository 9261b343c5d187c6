import { EngineError } from "../../core/errors.ts";
import { partitionForKey } from "../../core/murmur2.ts";
import { partitionsDefault } from "./embedded-topics.ts";
import type { LogRecord } from "./log-format.ts";
import type { TopicRecord } from "./log-appender.ts";
import type { TopicsFolder } from "./topics-folder.ts";
import type { TopicFacts } from "./topics-state.ts";
import type { WriterOptions } from "./topics-writer.ts";
import { TopicsWriter, topicMissing } from "./topics-writer.ts";

/** The largest value a topic takes: a broker's default. */
export const maxValueBytes = 1_048_588;

/** Appends records to one topic, which is made if it does not exist. */
export class TopicWriter {
  readonly #topic: string;
  readonly #partitions: number;
  readonly #writer: TopicsWriter;
  #made = false;

  /** `partitions`: of a topic that is made. */
  constructor(
    folder: TopicsFolder,
    topic: string,
    options: WriterOptions & { readonly partitions?: number },
  ) {
    this.#topic = topic;
    this.#partitions = options.partitions ?? partitionsDefault;
    this.#writer = new TopicsWriter(folder, options);
  }

  /**
   * All or nothing, durable when it resolves. The key chooses the partition as Kafka's Java client does; records
   * without one take turns. Throws USAGE for an illegal topic name or a value that is too large.
   */
  async append(records: readonly LogRecord[]): Promise<void> {
    for (const { value } of records) {
      if (value !== null && value.length > maxValueBytes) {
        throw new EngineError(
          "USAGE",
          `a record of ${value.length} bytes is too large for topic ${this.#topic}: at most ${maxValueBytes}`,
        );
      }
    }
    if (!this.#made) {
      await this.#writer.ensureTopics([this.#topic], this.#partitions);
      this.#made = true;
    }
    if (records.length === 0) return;
    await this.#writer.append((state) => {
      const topic = state.topic(this.#topic);
      if (topic === undefined) throw topicMissing(this.#topic);
      return placed(topic, records);
    });
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}

async function* placed(
  topic: TopicFacts,
  records: readonly LogRecord[],
): AsyncGenerator<readonly TopicRecord[]> {
  const partitions = topic.ends.length;
  // Goes on where the last append stopped as long as no keys are used.
  let turn = topic.ends.reduce((sum, end) => sum + end.offset, 0);
  yield records.map((record) => {
    const { key, value, timestampMs } = record;
    const partition = key === null ? turn % partitions : partitionForKey(key, partitions);
    if (key === null) turn += 1;
    return { topic, partition, key, value, timestampMs };
  });
}
