import { headerField } from "../../connectors/kafka/batch-format.ts";
import { errorCode } from "../../connectors/kafka/kafka-errors.ts";
import type { ProducerIdentity } from "../../connectors/kafka/transaction-requests.ts";
import { partitionName } from "../../connectors/kafka/log-scan.ts";
import type { BrokerRequest } from "./broker-server.ts";
import type { PartitionLog } from "./partition-log.ts";
import type { TopicStore } from "./topic-store.ts";
import type { TransactionCoordinator } from "./transaction-coordinator.ts";
import {
  readAddPartitions,
  readCreateTopics,
  readDescribeConfigs,
  readEndTxn,
  readFetch,
  readInitProducerId,
  readListOffsets,
  readMetadata,
  readOffsetCommit,
  readProduce,
  writePartErrors,
  writeConfigs,
  writeCoordinator,
  writeCreated,
  writeEnded,
  writeFetched,
  writeMetadata,
  writeOffsets,
  writeProduced,
  writeProducerId,
} from "./wire-answers.ts";
import type { CreateTopicRequest, FetchAnswer, FetchRequest, NodeAnswer } from "./wire-answers.ts";

/** Who is in the cluster, and what for. */
export interface ClusterFacts {
  /** Every node, as clients are told to find it. */
  readonly nodes: readonly (NodeAnswer & { readonly isUp: boolean })[];
  /** The node that coordinates transactions. */
  readonly coordinator: number;
  readonly maxTransactionTimeoutMs: number;
}

/** The error code for what a request wants of a topic; 0 if nothing speaks against it. */
type Refusal = (topic?: string) => number;

const maxMessageBytes = "max.message.bytes";
const maxTransactionTimeout = "transaction.max.timeout.ms";
const configDefaults: ReadonlyMap<string, string> = new Map([[maxMessageBytes, "1048588"]]);

/** Acts upon requests as a broker does, and gives the bodies of its answers. */
export class BrokerAnswers {
  readonly #topics: TopicStore;
  readonly #transactions: TransactionCoordinator;
  readonly #facts: () => ClusterFacts;

  constructor(topics: TopicStore, transactions: TransactionCoordinator, facts: () => ClusterFacts) {
    this.#topics = topics;
    this.#transactions = transactions;
    this.#facts = facts;
  }

  /** Offsets that consumer groups have told, by group and then by `topic/partition`. */
  readonly groups = new Map<string, Map<string, number>>();

  /** What node number `node` does with a request. */
  act(node: number, { api, body }: BrokerRequest, refusal: Refusal): Buffer | Promise<Buffer> {
    switch (api) {
      case "produce":
        return this.#produce(node, body, refusal);
      case "fetch":
        return this.#fetch(node, readFetch(body), refusal);
      case "listOffsets":
        return this.#listOffsets(node, body, refusal);
      case "metadata":
        return this.#metadata(body, refusal);
      case "findCoordinator":
        return this.#findCoordinator(refusal());
      case "createTopics":
        return this.#createTopics(body, refusal);
      case "describeConfigs":
        return this.#describeConfigs(body, refusal);
      case "offsetCommit":
        return this.#offsetCommit(body, refusal);
      default: {
        const isHere = node === this.#facts().coordinator;
        return this.#transaction(api, body, refusal() || (isHere ? 0 : errorCode.notCoordinator));
      }
    }
  }

  #produce(node: number, body: Buffer, refusal: Refusal): Buffer {
    const { transactionalId, parts } = readProduce(body);
    return writeProduced(
      parts.map(({ batch, ...part }) => {
        const log = this.#topics.log(part);
        const verify = (): number =>
          transactionalId === null
            ? 0
            : this.#transactions.verify(transactionalId, producerOf(batch), part);
        const error =
          refusal(part.topic) ||
          placeError(log, node) ||
          this.#sizeError(part.topic, batch) ||
          verify();
        if (error !== 0 || log === undefined) return { ...part, error, baseOffset: -1 };
        return { ...part, ...log.produce(batch) };
      }),
    );
  }

  async #fetch(node: number, request: FetchRequest, refusal: Refusal): Promise<Buffer> {
    const read = (): readonly FetchAnswer[] => {
      let left = request.maxBytes;
      return request.parts.map((part) => {
        const answer = this.#read(node, request, part, left, refusal);
        left -= answer.records.length;
        return answer;
      });
    };
    const answers = read();
    if (answers.some(({ error, records }) => error !== 0 || records.length > 0)) {
      return writeFetched(answers);
    }
    await this.#topics.change(request.maxWaitMs);
    return writeFetched(read());
  }

  #read(
    node: number,
    { isolation }: FetchRequest,
    { topicId, partition, offset, maxBytes }: FetchRequest["parts"][number],
    left: number,
    refusal: Refusal,
  ): FetchAnswer {
    const topic = this.#topics.withId(topicId);
    const log = topic?.partitions[partition];
    const error =
      topic === undefined ? errorCode.unknownTopicId : refusal(topic.name) || placeError(log, node);
    if (error !== 0 || log === undefined) return { ...nothingRead, topicId, partition, error };
    const { highWatermark, lastStableOffset, logStart } = log;
    const known = { topicId, partition, highWatermark, lastStableOffset, logStart };
    if (left <= 0) return { ...nothingRead, ...known };
    return { ...known, ...log.read(offset, isolation, Math.min(maxBytes, left)) };
  }

  #listOffsets(node: number, body: Buffer, refusal: Refusal): Buffer {
    const { isolation, parts } = readListOffsets(body);
    return writeOffsets(
      parts.map(({ query, ...part }) => {
        const log = this.#topics.log(part);
        const error = refusal(part.topic) || placeError(log, node);
        if (error !== 0 || log === undefined) return { ...part, error, offset: -1 };
        const end = isolation === "read_committed" ? log.lastStableOffset : log.highWatermark;
        return { ...part, error, offset: query === "earliest" ? log.logStart : end };
      }),
    );
  }

  #metadata(body: Buffer, refusal: Refusal): Buffer {
    const alive = this.#facts().nodes.filter(({ isUp }) => isUp);
    const topics = readMetadata(body).map((name) => {
      const topic = this.#topics.find(name);
      const error = refusal(name) || (topic === undefined ? errorCode.unknownTopicOrPartition : 0);
      if (error !== 0 || topic === undefined) return { name, id: noId, error, partitions: [] };
      const partitions = topic.partitions.map(({ leader }) =>
        alive.some(({ id }) => id === leader)
          ? { error: 0, leader }
          : { error: errorCode.leaderNotAvailable, leader: -1 },
      );
      return { name, id: topic.id, error, partitions };
    });
    return writeMetadata(alive, alive[0]?.id ?? -1, topics);
  }

  #findCoordinator(error: number): Buffer {
    const { nodes, coordinator } = this.#facts();
    const node = nodes.find(({ id, isUp }) => id === coordinator && isUp);
    if (node !== undefined) return writeCoordinator(error, node);
    return writeCoordinator(errorCode.coordinatorNotAvailable, { id: -1, host: "", port: -1 });
  }

  #createTopics(body: Buffer, refusal: Refusal): Buffer {
    const create = ({ name, partitions, replication, configs }: CreateTopicRequest): number => {
      if (this.#topics.has(name)) return errorCode.topicAlreadyExists;
      if (replication > this.#facts().nodes.length) return errorCode.invalidReplicationFactor;
      this.#topics.create(name, partitions, Object.fromEntries(configs));
      return 0;
    };
    return writeCreated(
      readCreateTopics(body).map((topic) => {
        return { name: topic.name, error: refusal(topic.name) || create(topic) };
      }),
    );
  }

  #describeConfigs(body: Buffer, refusal: Refusal): Buffer {
    const { maxTransactionTimeoutMs } = this.#facts();
    const answers = readDescribeConfigs(body).map((request) => {
      const configs = request.isTopic
        ? this.#topics.find(request.name)?.configs
        : new Map([[maxTransactionTimeout, String(maxTransactionTimeoutMs)]]);
      const error =
        refusal(request.name) || (configs === undefined ? errorCode.unknownTopicOrPartition : 0);
      const values = request.configs.flatMap((name) => {
        const value = configs?.get(name) ?? configDefaults.get(name);
        return error === 0 && value !== undefined ? [[name, value] as const] : [];
      });
      return { error, request, values };
    });
    return writeConfigs(answers);
  }

  #offsetCommit(body: Buffer, refusal: Refusal): Buffer {
    const { group, parts } = readOffsetCommit(body);
    const told = this.groups.get(group) ?? new Map<string, number>();
    this.groups.set(group, told);
    return writePartErrors(
      parts.map(({ offset, ...part }) => {
        const error = refusal(part.topic);
        if (error === 0) told.set(partitionName(part), offset);
        return { ...part, error };
      }),
    );
  }

  #transaction(
    api: "initProducerId" | "addPartitionsToTxn" | "endTxn",
    body: Buffer,
    error: number,
  ): Buffer {
    if (api === "initProducerId") {
      const { transactionalId, timeoutMs } = readInitProducerId(body);
      if (error !== 0) return writeProducerId(error, { producerId: -1, producerEpoch: -1 });
      const answer = this.#transactions.initProducerId(transactionalId, timeoutMs);
      return writeProducerId(answer.error, answer);
    }
    if (api === "endTxn") {
      const { transactionalId, identity, outcome } = readEndTxn(body);
      return writeEnded(error || this.#transactions.end(transactionalId, identity, outcome));
    }
    const { transactionalId, identity, parts } = readAddPartitions(body);
    if (error !== 0) return writePartErrors(parts.map((part) => ({ ...part, error })));
    return writePartErrors(this.#transactions.addPartitions(transactionalId, identity, parts));
  }

  #sizeError(topic: string, batch: Buffer): number {
    const most = this.#topics.find(topic)?.configs.get(maxMessageBytes);
    const isTooLarge = batch.length > Number(most ?? configDefaults.get(maxMessageBytes));
    return isTooLarge ? errorCode.messageTooLarge : 0;
  }
}

const noId = "0".repeat(32);
const nothingRead = {
  error: 0,
  highWatermark: -1,
  lastStableOffset: -1,
  logStart: -1,
  aborted: [],
  records: Buffer.alloc(0),
};

function producerOf(batch: Buffer): ProducerIdentity {
  return {
    producerId: Number(batch.readBigInt64BE(headerField.producerId)),
    producerEpoch: batch.readInt16BE(headerField.producerEpoch),
  };
}

function placeError(log: PartitionLog | undefined, node: number): number {
  if (log === undefined) return errorCode.unknownTopicOrPartition;
  return log.leader === node ? 0 : errorCode.notLeader;
}
