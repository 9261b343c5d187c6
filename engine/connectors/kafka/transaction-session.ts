import { EngineError } from "../../core/errors.ts";
import { apis } from "./api.ts";
import type { KafkaCluster } from "./cluster.ts";
import { checkAnswer, errorCode, KafkaProtocolError } from "./kafka-errors.ts";
import { partitionName } from "./log-scan.ts";
import type { LedPartition } from "./log-scan.ts";
import { decodeProduce, encodeProduce } from "./log-requests.ts";
import type { ProducedPart, TopicPartition } from "./log-requests.ts";
import { describeConfigs } from "./topics.ts";
import type { ProducerIdentity } from "./transaction-requests.ts";
import {
  decodeAddPartitions,
  decodeEndTxn,
  decodeInitProducerId,
  encodeAddPartitions,
  encodeEndTxn,
  encodeInitProducerId,
} from "./transaction-requests.ts";

/** Answers that only say "not yet" and change nothing: the transaction before this one is still being finished. */
const notYetCodes: readonly number[] = [errorCode.concurrentTransactions, errorCode.coordinatorLoading];
const notYetPauseMs = 10;
/** Well before sequence numbers end, the next transaction begins with a new session. */
const sequenceMax = 2 ** 30;

/** A batch on its way, and the partition's leader. */
export interface LedBatch extends LedPartition {
  readonly batch: Buffer;
}

/**
 * The producer of a job on one cluster between two fencings. Nothing but "not yet" is repeated: after any other
 * failure the session is given up, and a new one finds out what became of its transaction.
 */
export class TransactionSession {
  readonly identity: ProducerIdentity;
  readonly #cluster: KafkaCluster;
  readonly #transactionalId: string;
  readonly #coordinator: number;
  readonly #sequences = new Map<string, number>();
  readonly #lostLinks: number;
  #sequenceHighest = 0;

  private constructor(
    cluster: KafkaCluster,
    transactionalId: string,
    coordinator: number,
    identity: ProducerIdentity,
    lostLinks: number,
  ) {
    this.#cluster = cluster;
    this.#transactionalId = transactionalId;
    this.#coordinator = coordinator;
    this.identity = identity;
    this.#lostLinks = lostLinks;
  }

  /** Fences every older session of the id and ends its transaction. */
  static async begin(cluster: KafkaCluster, transactionalId: string): Promise<TransactionSession> {
    const { transactionTimeoutMs } = cluster.settings;
    const body = encodeInitProducerId(transactionalId, transactionTimeoutMs);
    const right = `Write on transactional id ${transactionalId}`;
    return cluster.repeated("taking over the transactions", async () => {
      const coordinator = await cluster.coordinator(transactionalId, "transaction");
      const answer = await withinOutage(cluster, async () =>
        decodeInitProducerId(await cluster.onNode(coordinator, apis.initProducerId, body)),
      );
      if (answer.error === errorCode.invalidTransactionTimeout) {
        throw await timeoutTooLong(cluster, coordinator);
      }
      checkAnswer(`taking over the transactions of ${transactionalId}`, answer.error, right);
      const lost = await cluster.lostLinks();
      return new TransactionSession(cluster, transactionalId, coordinator, answer, lost);
    });
  }

  /**
   * False once a connection was lost: a broker that died may have forgotten to finish what it had accepted, and the
   * next transaction must not begin on top of that.
   */
  async isWhole(): Promise<boolean> {
    if (this.#sequenceHighest > sequenceMax) return false;
    return (await this.#cluster.lostLinks()) === this.#lostLinks;
  }

  /** The number of the first of `count` records that go to a partition next. */
  takeSequence(part: TopicPartition, count: number): number {
    const name = partitionName(part);
    const sequence = this.#sequences.get(name) ?? 0;
    this.#sequences.set(name, sequence + count);
    this.#sequenceHighest = Math.max(this.#sequenceHighest, sequence + count);
    return sequence;
  }

  /** Partitions that the open transaction, or with this a new one, writes to. */
  async addPartitions(parts: readonly TopicPartition[]): Promise<void> {
    const body = encodeAddPartitions(this.#transactionalId, this.identity, parts);
    await withinOutage(this.#cluster, async () => {
      const answer = await this.#cluster.onNode(this.#coordinator, apis.addPartitionsToTxn, body);
      const results = decodeAddPartitions(answer);
      // The first that tells why; the others then say only that they were not tried.
      const failed =
        results.find(({ error }) => error !== 0 && error !== operationNotAttempted) ??
        results.find(({ error }) => error !== 0);
      const error = failed?.error ?? 0;
      if (failed !== undefined && !notYetCodes.includes(error)) {
        const { topic } = failed;
        checkAnswer(`adding ${partitionName(failed)} to a transaction`, error, `Write on topic ${topic}`);
      }
      return { error };
    });
  }

  /** Sends batches to their leaders, at most one for each partition; all are written when it resolves. */
  async produce(batches: readonly LedBatch[]): Promise<readonly ProducedPart[]> {
    const { requestTimeoutMs } = this.#cluster.settings.transport;
    const leaders = [...new Set(batches.map(({ leader }) => leader))];
    const answers = await Promise.all(
      leaders.map(async (leader) => {
        const led = batches.filter((one) => one.leader === leader);
        const body = encodeProduce(this.#transactionalId, requestTimeoutMs, led);
        return decodeProduce(await this.#cluster.onNode(leader, apis.produce, body));
      }),
    );
    const parts = answers.flat();
    for (const part of parts) {
      checkAnswer(`writing to ${partitionName(part)}`, part.error, `Write on topic ${part.topic}`);
    }
    return parts;
  }

  /** `sent` runs when the request is on its way. */
  async end(outcome: "commit" | "abort", sent?: () => Promise<void>): Promise<void> {
    const body = encodeEndTxn(this.#transactionalId, this.identity, outcome);
    const answer = this.#cluster.onNode(this.#coordinator, apis.endTxn, body);
    answer.catch(() => undefined);
    await sent?.();
    checkAnswer("ending a transaction", decodeEndTxn(await answer), "");
  }
}

const operationNotAttempted = 55;

/** Repeats a request whose answer says "not yet". Throws KafkaProtocolError if that does not end. */
async function withinOutage<T extends { readonly error: number }>(
  cluster: KafkaCluster,
  ask: () => Promise<T>,
): Promise<T> {
  const startMs = cluster.clock.nowMs();
  for (;;) {
    const answer = await ask();
    if (!notYetCodes.includes(answer.error)) return answer;
    if (cluster.closed || cluster.clock.nowMs() - startMs >= cluster.settings.outageTimeoutMs) {
      throw new KafkaProtocolError("waiting for the transaction before", answer.error);
    }
    await cluster.sleep(notYetPauseMs);
  }
}

async function timeoutTooLong(cluster: KafkaCluster, coordinator: number): Promise<EngineError> {
  const name = "transaction.max.timeout.ms";
  const configs = await describeConfigs(
    cluster,
    { type: "broker", name: String(coordinator) },
    [name],
  ).catch(() => undefined);
  const most = configs?.get(name) ?? "its default 900000";
  return new EngineError(
    "KAFKA_REFUSED",
    `transaction_timeout is ${cluster.settings.transactionTimeoutMs} ms, the broker takes at most ${most} ms`,
    { hint: `Lower kafka.transaction_timeout, or raise ${name} of the brokers.` },
  );
}
