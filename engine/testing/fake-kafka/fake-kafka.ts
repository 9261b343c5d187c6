import { apis } from "../../connectors/kafka/api.ts";
import type { Clock } from "../../core/clock.ts";
import { BrokerAnswers } from "./broker-answers.ts";
import { BrokerServer } from "./broker-server.ts";
import type { ApiName, BrokerRequest } from "./broker-server.ts";
import type { PartitionLog } from "./partition-log.ts";
import { Script } from "./script.ts";
import { TopicStore } from "./topic-store.ts";
import { TransactionCoordinator } from "./transaction-coordinator.ts";

export interface FakeKafkaOptions {
  /** For how long a fetch may wait; a broker's own time is moved by `advance` alone. */
  readonly clock: Clock;
  readonly nodes?: number;
  /** Highest versions where they are not the newest: an old broker. */
  readonly versions?: Partial<Record<ApiName, number>>;
  /** Ports that clients are told to come to, by node: of something that stands in between. */
  readonly advertisedPorts?: readonly number[];
  /** `transaction.max.timeout.ms`. */
  readonly maxTransactionTimeoutMs?: number;
}

const host = "127.0.0.1";

/**
 * A Kafka cluster in this process for deterministic tests: real connections on loopback, logs in memory, no time but
 * what the test passes. It does what the requests in connectors/kafka ask as real brokers were seen to do it.
 */
export class FakeKafka {
  readonly script = new Script();
  readonly topics: TopicStore;
  readonly transactions: TransactionCoordinator;
  /** The node that coordinates transactions. */
  coordinator = 1;
  readonly #advertisedPorts: readonly number[];
  readonly #nodes: readonly BrokerServer[];
  readonly #answers: BrokerAnswers;
  readonly #counts = new Map<ApiName, number>();
  #nowMs = 0;

  private constructor(options: FakeKafkaOptions) {
    const { nodes = 1, maxTransactionTimeoutMs = 900_000 } = options;
    this.#advertisedPorts = options.advertisedPorts ?? [];
    this.topics = new TopicStore(options.clock, nodes);
    this.transactions = new TransactionCoordinator({
      nowMs: () => this.#nowMs,
      log: (part) => this.topics.log(part),
      maxTimeoutMs: maxTransactionTimeoutMs,
    });
    this.#nodes = Array.from({ length: nodes }, (_, index) => {
      return new BrokerServer({
        answer: (request) => this.#answer(index + 1, request),
        highestVersion: (api) => options.versions?.[api] ?? apis[api].version,
      });
    });
    this.#answers = new BrokerAnswers(this.topics, this.transactions, () => ({
      nodes: this.#nodes.map(({ isUp }, index) => {
        return { id: index + 1, host, port: this.#advertised(index), isUp };
      }),
      coordinator: this.coordinator,
      maxTransactionTimeoutMs,
    }));
  }

  static async start(options: FakeKafkaOptions): Promise<FakeKafka> {
    const kafka = new FakeKafka(options);
    await kafka.restart();
    return kafka;
  }

  close(): Promise<void> {
    return this.crash();
  }

  /** `bootstrap_servers`: every node, as clients are told to find it. */
  get bootstrap(): string {
    return this.#nodes.map((_, index) => `${host}:${this.#advertised(index)}`).join(",");
  }

  /** Where the nodes really listen. */
  get ports(): readonly number[] {
    return this.#nodes.map(({ port }) => port);
  }

  /** How often a request has come. */
  requests(api: ApiName): number {
    return this.#counts.get(api) ?? 0;
  }

  /** What a consumer group has told, by `topic/partition`. */
  groupOffsets(group: string): ReadonlyMap<string, number> {
    return this.#answers.groups.get(group) ?? new Map();
  }

  log(topic: string, partition = 0): PartitionLog {
    const log = this.topics.log({ topic, partition });
    if (log === undefined) throw new RangeError(`there is no partition ${topic}/${partition}`);
    return log;
  }

  /** A node dies, or all do: connections are reset, the logs stay as they are. */
  async crash(node?: number): Promise<void> {
    await Promise.all(this.#chosen(node).map((one) => one.stop()));
    this.topics.changed();
  }

  /** On the same port. */
  async restart(node?: number): Promise<void> {
    await Promise.all(this.#chosen(node).map((one) => one.start()));
  }

  /** All connections are reset; new ones come at once. */
  cutConnections(): void {
    for (const node of this.#nodes) node.cut();
  }

  /** The brokers' time goes on: transactions that are older than they may be are aborted. */
  advance(ms: number): void {
    this.#nowMs += ms;
    this.transactions.expireTransactions();
  }

  #chosen(node: number | undefined): readonly BrokerServer[] {
    return this.#nodes.filter((_, index) => node === undefined || index + 1 === node);
  }

  #advertised(index: number): number {
    return this.#advertisedPorts[index] ?? this.#nodes[index]?.port ?? 0;
  }

  async #answer(node: number, request: BrokerRequest): Promise<Buffer | undefined> {
    const { api } = request;
    this.#counts.set(api, this.requests(api) + 1);
    const step = this.script.stepFor(request);
    if (step?.at === "request") {
      if (step.held === undefined) return undefined;
      await step.held.wait();
    }
    const answer = await this.#answers.act(node, request, this.script.refusalFor(api));
    if (step?.at === "answer") {
      if (step.held === undefined) return undefined;
      await step.held.wait();
    }
    return answer;
  }
}
