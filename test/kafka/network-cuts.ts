import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { KafkaSource } from "../../engine/connectors/kafka/kafka-source.ts";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import { never } from "../connectors/embedded-fixtures.ts";
import { TestBroker } from "./broker.ts";
import { clusterAt } from "./test-cluster.ts";
import { DeliveryBench } from "./delivery-bench.ts";
import { makeTopics } from "./make-topics.ts";
import { TcpProxy } from "./tcp-proxy.ts";

/** What can happen to the way between the job and the broker. */
export const cuts = ["down", "reset", "silent", "answers lost", "requests lost"] as const;
export type Cut = (typeof cuts)[number];

/** Where a delivery can be when it happens. */
export const cutPlaces = [
  "kafka.fence.before",
  "kafka.settle.before",
  "kafka.barrier.before",
  "kafka.barrier.after",
  "kafka.join.before",
  "kafka.produce.before",
  "kafka.mark.before",
  "kafka.end.before",
  "kafka.answer.before",
  "kafka.answer.after",
] as const satisfies readonly FailpointName[];

const requestTimeoutMs = 700;
const settings = {
  request_timeout: `${requestTimeoutMs}ms`,
  connect_timeout: `${requestTimeoutMs}ms`,
  outage_timeout: "60s",
};
const downMs = 300;
const partitions = 4;
const recordsPerTurn = 100;
const patienceMs = 60_000;

/** A broker that a job reaches through a network that can fail; readers reach it straight. */
export class BrokenNetwork {
  readonly #broker: TestBroker;
  readonly #proxy: TcpProxy;
  readonly #deliveries: DeliveryBench;
  #isOpen = false;
  #topics = 0;

  private constructor(broker: TestBroker, proxy: TcpProxy) {
    this.#broker = broker;
    this.#proxy = proxy;
    this.#deliveries = new DeliveryBench(proxy.address, broker.bootstrap, settings);
  }

  static async start(): Promise<BrokenNetwork> {
    const proxy = await TcpProxy.start();
    const broker = await TestBroker.start(
      {},
      { listeners: { FAR: "PLAINTEXT" }, advertised: { FAR: proxy.address } },
    );
    proxy.targetPort = Number(broker.addresses.get("FAR")?.split(":")[1]);
    return new BrokenNetwork(broker, proxy);
  }

  async dispose(): Promise<void> {
    await this.#deliveries.close();
    await this.#proxy.close();
    await this.#broker.dispose();
  }

  /** Delivers an epoch, cut at a place. Throws if readers do not see each record once. */
  async deliver(place: FailpointName, cut: Cut): Promise<void> {
    if (!this.#isOpen) await this.#deliveries.open();
    this.#isOpen = true;
    await this.#deliveries.deliver(place, () => this.#cut(cut));
  }

  /**
   * Follows a topic that others write to, the way cut at each turn while records are on it, and while the topic is
   * looked up. Throws if a record is missing, twice there or out of order.
   */
  async follow(cut: Cut, turns: number): Promise<void> {
    const topic = `in-${(this.#topics += 1)}`;
    const client = new Kafka({ brokers: [this.#broker.bootstrap], logLevel: logLevel.NOTHING });
    await makeTopics(this.#broker.bootstrap, [topic], partitions);
    const producer = client.producer();
    await producer.connect();
    const options = { topic, start: "earliest", maxRecordBytes: 1e6, group: "job" } as const;
    const source = new KafkaSource(clusterAt(this.#proxy.address, settings), options);
    let cutting = this.#cut(cut);
    await source.open(await source.resolveStart(), { untilEnd: false });
    await cutting;
    const found = Array.from({ length: partitions }, (): string[] => []);
    const wanted = Array.from({ length: partitions }, (): string[] => []);
    for (let turn = 0; turn < turns; turn += 1) {
      cutting = this.#cut(cut);
      for (const [partition, values] of wanted.entries()) {
        const fresh = Array.from({ length: recordsPerTurn }, (_, index) => `${turn}/${index}`);
        const messages = fresh.map((value) => ({ partition, value }));
        await producer.send({ topic, messages });
        values.push(...fresh);
      }
      await this.#readAll(source, found, wanted);
      await cutting;
    }
    await source.close();
    await producer.disconnect();
    assert.deepEqual(found, wanted, cut);
  }

  async #readAll(source: KafkaSource, found: string[][], wanted: string[][]): Promise<void> {
    const endMs = performance.now() + patienceMs;
    while (found.some((values, partition) => values.length < (wanted[partition]?.length ?? 0))) {
      assert.ok(performance.now() < endMs, "records do not come");
      const batch = await source.poll(recordsPerTurn, never);
      if (batch === undefined) continue;
      for (const [row, from] of batch.starts.entries()) {
        found[batch.partition]?.push(batch.bytes.toString("utf8", from, batch.ends[row]));
      }
    }
  }

  /** Resolves when all is well again. */
  async #cut(cut: Cut): Promise<void> {
    const proxy = this.#proxy;
    const silentMs = 2 * requestTimeoutMs;
    if (cut === "reset") return proxy.reset();
    if (cut === "down") proxy.cut();
    if (cut === "silent") proxy.blackhole();
    if (cut === "answers lost") proxy.blackhole("to-client");
    if (cut === "requests lost") proxy.blackhole("to-target");
    await sleep(cut === "down" ? downMs : silentMs);
    proxy.resume();
  }
}
