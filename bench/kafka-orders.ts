// The orders job from Kafka to Kafka beside the same job from file to files, and for how long its transactions hold up
// other readers of its outputs.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { resolveCluster } from "../engine/connectors/kafka/block.ts";
import { KafkaCluster } from "../engine/connectors/kafka/cluster.ts";
import { clusterSettings } from "../engine/connectors/kafka/settings.ts";
import { findTopics, listOffsets } from "../engine/connectors/kafka/topics.ts";
import { nodeClock } from "../engine/runtime/node-clock.ts";
import { count, measured, median, ordersJob, pipeline, spread } from "./measured.mjs";

interface OrdersSetup {
  readonly bootstrap: string;
  readonly input: string;
  readonly folder: string;
  readonly rounds: number;
  readonly orders: number;
}

interface Run {
  readonly seconds: number;
  readonly cpu: number;
}

const partitions = 4;
const inputTopic = "ecommerce.orders.raw";
const processedTopic = "ecommerce.orders.processed";
const outputs = [
  processedTopic,
  "ecommerce.orders.dlq",
  "ecommerce.orders.aggregations",
  "ecommerce.orders.late",
];
const interval = ["--checkpoint-interval", "1s"];

export async function benchOrders(setup: OrdersSetup): Promise<void> {
  const { bootstrap, folder, orders, rounds } = setup;
  const client = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const lines = readFileSync(setup.input, "utf8").split("\n").slice(0, orders);
  const input = join(folder, "job-input.jsonl");
  writeFileSync(input, `${lines.join("\n")}\n`);
  await makeTopics(client, [inputTopic]);
  execFileSync(
    process.execPath,
    [pipeline, "produce", inputTopic, "--file", input, "--key", "order_id"],
    { env: { ...process.env, KAFKA_BOOTSTRAP_SERVERS: bootstrap } },
  );
  const state = join(folder, "state");
  const run = [pipeline, "run", ordersJob, "--state-dir", state, ...interval];
  const out = join(folder, "out");
  const fromFile = ["--until-end", "--input", `orders=${input}`, "--output-dir", out];
  const fromKafka = ["--close", "--param", `bootstrap_servers=${bootstrap}`];
  const files: Run[] = [];
  const kafka: Run[] = [];
  const clear = (): void => {
    for (const made of [state, out]) rmSync(made, { recursive: true, force: true });
  };
  for (let round = 0; round < rounds; round += 1) {
    clear();
    files.push(await measured([...run, ...fromFile], folder));
    clear();
    await makeTopics(client, outputs);
    kafka.push(await measured([...run, ...fromKafka], folder));
  }
  for (const [name, runs] of [
    ["file to files", files],
    ["Kafka to Kafka", kafka],
  ] as const) {
    const seconds = runs.map((one) => one.seconds);
    const cpu = (median(runs.map((one) => one.cpu)) / orders) * 1e6;
    console.log(
      `orders, ${name.padEnd(15)} ${count(orders / median(seconds))} records/s (${median(seconds).toFixed(1)} s, ${spread(seconds)}), ${cpu.toFixed(1)} us CPU per record`,
    );
  }
  const secondsOf = (runs: readonly Run[]): number => median(runs.map(({ seconds }) => seconds));
  console.log(`orders: ${(secondsOf(files) / secondsOf(kafka)).toFixed(2)}x of the file run`);

  clear();
  await makeTopics(client, outputs);
  const watch = new StableOffsetWatch(bootstrap);
  await watch.open();
  const ended = measured([...run, ...fromKafka], folder).finally(() => watch.stop());
  const { looks, behindMs } = await watch.toEnd();
  await ended;
  console.log(
    `last stable offset: behind the high watermark for at most ${behindMs.toFixed(0)} ms (${count(looks)} looks at ${partitions} partitions)`,
  );
}

/** Anew, with nothing in them; what the job knows of its deliveries goes too. */
async function makeTopics(client: Kafka, topics: readonly string[]): Promise<void> {
  const admin = client.admin();
  await admin.connect();
  const there = await admin.listTopics();
  const old = there.filter((topic) => topics.includes(topic) || topic === "orders.commits");
  if (old.length > 0) await admin.deleteTopics({ topics: old });
  while ((await admin.listTopics()).some((topic) => old.includes(topic))) await nodeClock.sleep(50);
  await admin.createTopics({
    topics: topics.map((topic) => ({ topic, numPartitions: partitions })),
  });
  await admin.disconnect();
}

/** Looks at an output again and again: how long is a record there before readers of committed records may see it? */
class StableOffsetWatch {
  readonly #cluster: KafkaCluster;
  #parts: { topic: string; partition: number; leader: number }[] = [];
  #isOver = false;

  constructor(bootstrap: string) {
    const sources = { secrets: new Map<string, string>(), baseDirectory: "/" };
    const client = resolveCluster({}, () => {});
    const settings = clusterSettings("kafka", bootstrap, client, sources);
    const logger = { info: () => {}, warn: () => {}, error: () => {} };
    this.#cluster = new KafkaCluster(settings, { clock: nodeClock, logger });
  }

  async open(): Promise<void> {
    const [topic] = await findTopics(this.#cluster, [processedTopic]);
    this.#parts = (topic?.partitions ?? []).map(({ partition, leader }) => {
      return { topic: processedTopic, partition, leader };
    });
  }

  stop(): void {
    this.#isOver = true;
  }

  /** `behindMs`: the longest time that a record was there and not yet stable, by the looks. */
  async toEnd(): Promise<{ looks: number; behindMs: number }> {
    const waiting: { high: number; sinceMs: number }[][] = this.#parts.map(() => []);
    let looks = 0;
    let behindMs = 0;
    while (!this.#isOver) {
      const lookedMs = performance.now();
      const high = await this.#ends("read_uncommitted");
      const stable = await this.#ends("read_committed");
      const nowMs = performance.now();
      looks += 1;
      for (const [index, list] of waiting.entries()) {
        if ((high[index] ?? 0) > (list.at(-1)?.high ?? 0)) {
          list.push({ high: high[index] ?? 0, sinceMs: lookedMs });
        }
        for (; list[0] !== undefined; list.shift()) {
          behindMs = Math.max(behindMs, nowMs - list[0].sinceMs);
          if ((stable[index] ?? 0) < list[0].high) break;
        }
      }
      await nodeClock.sleep(5);
    }
    this.#cluster.close();
    return { looks, behindMs };
  }

  #ends(isolation: "read_committed" | "read_uncommitted"): Promise<number[]> {
    return listOffsets(this.#cluster, "latest", isolation, this.#parts);
  }
}
