import { EngineError } from "../../core/errors.ts";
import { partitionForKey } from "../../core/murmur2.ts";
import { apis } from "./api.ts";
import { BatchEncoder, noProducer } from "./batch-encoder.ts";
import type { BatchRecord } from "./batch-encoder.ts";
import { isPassing } from "./cluster.ts";
import type { KafkaCluster } from "./cluster.ts";
import { answerError, checkAnswer, errorCode } from "./kafka-errors.ts";
import { partitionName } from "./log-scan.ts";
import { decodeProduce, encodeProduce } from "./log-requests.ts";
import { OutputTopics } from "./output-topics.ts";
import { ConnectionLost } from "./transport.ts";

/** Answers after which a batch is surely not written: the broker was not, or not yet, the partition's leader. */
const notWrittenCodes: readonly number[] = [
  errorCode.unknownTopicOrPartition,
  errorCode.leaderNotAvailable,
  errorCode.notLeader,
  errorCode.notEnoughReplicas,
];

const mayBeWrittenCodes: readonly number[] = [
  errorCode.requestTimedOut,
  errorCode.notEnoughReplicasAfterAppend,
  errorCode.kafkaStorageError,
];

/** Appends records to one topic outside of any job. What may have been written is not repeated: nothing is doubled. */
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
   * take turns. Throws TOPIC_MISSING; USAGE for a record that is too large; KAFKA_UNREACHABLE if nobody can tell
   * whether they were written.
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
    const batch = encoder.finish(noProducer, this.#cluster.settings.compression);
    const what = `writing to ${partitionName({ topic: this.#name, partition })}`;
    await this.#cluster.repeated(what, async () => {
      const error = await this.#sendOnce(partition, batch, what);
      if (!notWrittenCodes.includes(error)) {
        if (mayBeWrittenCodes.includes(error)) throw outcomeUnknown(answerError(what, error, ""));
        checkAnswer(what, error, `Write on topic ${this.#name}`);
        return;
      }
      await this.#topics.refresh();
      throw new ConnectionLost(answerError(what, error, "").message);
    });
  }

  /** The answer's error code. */
  async #sendOnce(partition: number, batch: Buffer, what: string): Promise<number> {
    const { requestTimeoutMs } = this.#cluster.settings.transport;
    const { topic, leader } = this.#topics.partition(0, partition);
    const body = encodeProduce(null, requestTimeoutMs, [{ topic, partition, batch }]);
    try {
      const [answer] = decodeProduce(await this.#cluster.onNode(leader, apis.produce, body));
      return answer?.error ?? -1;
    } catch (error) {
      if (!isPassing(error)) throw error;
      throw outcomeUnknown(new Error(`${what}: ${error.message}`, { cause: error }));
    }
  }
}

function outcomeUnknown(cause: Error): EngineError {
  return new EngineError("KAFKA_UNREACHABLE", cause.message, {
    hint: "Some of the records may be in the topic: look before you send them again.",
    cause,
  });
}
