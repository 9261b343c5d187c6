import type { Marker } from "../../connectors/kafka/batch-format.ts";
import { errorCode } from "../../connectors/kafka/kafka-errors.ts";
import { partitionName } from "../../connectors/kafka/log-scan.ts";
import type { TopicPartition } from "../../connectors/kafka/log-requests.ts";
import type { ProducerIdentity } from "../../connectors/kafka/transaction-requests.ts";
import type { PartitionLog } from "./partition-log.ts";

interface Transaction {
  producerId: number;
  epoch: number;
  timeoutMs: number;
  /** Undefined between two transactions. */
  startedMs: number | undefined;
  readonly partitions: Map<string, PartitionLog>;
  /** How it ends; its markers are not all written. */
  ending: Marker | undefined;
  /** How the last one ended; a repeated request is told so. */
  ended: Marker | undefined;
}

export interface CoordinatorPorts {
  nowMs(): number;
  log(part: TopicPartition): PartitionLog | undefined;
  readonly maxTimeoutMs: number;
}

/** The producers with a transactional id: their epochs, what they have open, and how it ends. */
export class TransactionCoordinator {
  readonly #ports: CoordinatorPorts;
  readonly #transactions = new Map<string, Transaction>();
  #nextProducerId = 1000;
  #holds: ((name: string) => boolean) | undefined;

  constructor(ports: CoordinatorPorts) {
    this.#ports = ports;
  }

  /**
   * From now on the markers of partitions that `holds` tells (as `topic/partition`) are written only by `writeMarkers`:
   * transactions are decided, and their ends answered, but not finished.
   */
  holdMarkers(holds: (name: string) => boolean = () => true): void {
    this.#holds = holds;
  }

  /** Writes all markers that were held, and holds no more. */
  writeMarkers(): void {
    this.#holds = undefined;
    for (const transaction of this.#transactions.values()) this.#writeMarkers(transaction);
  }

  /** Forgets the markers that were held: transactions count as finished, and their records stay open. */
  skipMarkers(): void {
    this.#holds = undefined;
    for (const transaction of this.#transactions.values()) {
      if (transaction.ending === undefined) continue;
      transaction.partitions.clear();
      this.#writeMarkers(transaction);
    }
  }

  /** Aborts transactions that have been open for longer than their producer allowed: it is fenced from then on. */
  expireTransactions(): void {
    for (const transaction of this.#transactions.values()) {
      const { startedMs, timeoutMs } = transaction;
      if (startedMs === undefined || this.#ports.nowMs() - startedMs <= timeoutMs) continue;
      transaction.epoch += 1;
      this.#end(transaction, "abort");
    }
  }

  /** A transactional id that was idle for too long is forgotten; its next session is another producer. */
  forget(transactionalId: string): void {
    this.#transactions.delete(transactionalId);
  }

  initProducerId(
    transactionalId: string,
    timeoutMs: number,
  ): ProducerIdentity & { readonly error: number } {
    if (timeoutMs > this.#ports.maxTimeoutMs) {
      return { error: errorCode.invalidTransactionTimeout, producerId: -1, producerEpoch: -1 };
    }
    let transaction = this.#transactions.get(transactionalId);
    if (transaction === undefined) {
      transaction = {
        producerId: this.#nextProducerId++,
        epoch: -1,
        timeoutMs,
        startedMs: undefined,
        partitions: new Map(),
        ending: undefined,
        ended: undefined,
      };
      this.#transactions.set(transactionalId, transaction);
    }
    const isOpen = transaction.startedMs !== undefined;
    if (isOpen) {
      transaction.epoch += 1;
      this.#end(transaction, "abort");
    }
    // Also when the abort is done at once: brokers tell the caller to come again.
    if (isOpen || transaction.ending !== undefined) {
      return { error: errorCode.concurrentTransactions, producerId: -1, producerEpoch: -1 };
    }
    transaction.epoch += 1;
    transaction.timeoutMs = timeoutMs;
    transaction.ended = undefined;
    return { error: 0, producerId: transaction.producerId, producerEpoch: transaction.epoch };
  }

  addPartitions(
    transactionalId: string,
    identity: ProducerIdentity,
    parts: readonly TopicPartition[],
  ): readonly (TopicPartition & { readonly error: number })[] {
    const all = (error: number) => parts.map((part) => ({ ...part, error }));
    const transaction = this.#transactions.get(transactionalId);
    const error = identityError(transaction, identity);
    if (transaction === undefined || error !== 0) return all(error);
    if (transaction.ending !== undefined) return all(errorCode.concurrentTransactions);
    const logs = parts.map((part) => this.#ports.log(part));
    if (logs.includes(undefined)) {
      return parts.map((part, index) => ({
        ...part,
        error:
          logs[index] === undefined ? errorCode.unknownTopicOrPartition : operationNotAttempted,
      }));
    }
    transaction.startedMs ??= this.#ports.nowMs();
    transaction.ended = undefined;
    for (const [index, part] of parts.entries()) {
      const log = logs[index];
      if (log !== undefined) transaction.partitions.set(partitionName(part), log);
    }
    return all(0);
  }

  /** Whether a producer may write to a partition in its transaction: an error code. */
  verify(transactionalId: string | null, identity: ProducerIdentity, part: TopicPartition): number {
    const transaction = this.#transactions.get(transactionalId ?? "");
    const error = identityError(transaction, identity);
    if (error !== 0) return error;
    const isJoined = transaction?.partitions.has(partitionName(part)) === true;
    return isJoined && transaction.ending === undefined ? 0 : errorCode.invalidTxnState;
  }

  /** An error code. */
  end(transactionalId: string, identity: ProducerIdentity, outcome: Marker): number {
    const transaction = this.#transactions.get(transactionalId);
    const error = identityError(transaction, identity);
    if (transaction === undefined || error !== 0) return error;
    if (transaction.ending !== undefined) {
      return transaction.ending === outcome
        ? errorCode.concurrentTransactions
        : errorCode.invalidTxnState;
    }
    if (transaction.startedMs !== undefined) {
      this.#end(transaction, outcome);
      return 0;
    }
    return transaction.ended === outcome ? 0 : errorCode.invalidTxnState;
  }

  #end(transaction: Transaction, outcome: Marker): void {
    transaction.startedMs = undefined;
    transaction.ending = outcome;
    this.#writeMarkers(transaction);
  }

  #writeMarkers(transaction: Transaction): void {
    const { ending, partitions, producerId, epoch } = transaction;
    if (ending === undefined) return;
    for (const [name, log] of partitions) {
      if (this.#holds?.(name) === true) continue;
      log.mark(producerId, epoch, ending);
      partitions.delete(name);
    }
    if (partitions.size > 0) return;
    transaction.ending = undefined;
    transaction.ended = ending;
  }
}

const operationNotAttempted = 55;

function identityError(
  transaction: Transaction | undefined,
  { producerId, producerEpoch }: ProducerIdentity,
): number {
  if (transaction?.producerId !== producerId) return errorCode.invalidProducerIdMapping;
  // The same for a twin that took over and for a transaction that took too long.
  return transaction.epoch === producerEpoch ? 0 : errorCode.invalidProducerEpoch;
}
