// The orders job from Kafka to Kafka, judged by a recomputation from its rules.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { Kafka, logLevel, Partitioners } from "kafkajs";
import { pipeline, projectRoot } from "../crash/pipeline-process.ts";
import { comparable, OrdersRules } from "../oracle/orders-rules.mjs";
import type { OrdersOutput } from "../oracle/orders-rules.mjs";
import { readCommittedTopics } from "./committed-reader.ts";
import type { ReadRecord } from "./committed-reader.ts";
import { runKafkaTool } from "./kafka-jars.ts";
import { makeTopics } from "./make-topics.ts";

const ordersInput = "ecommerce.orders.raw";
const outputTopics = {
  processed: "ecommerce.orders.processed",
  late: "ecommerce.orders.late",
  aggregations: "ecommerce.orders.aggregations",
  dlq: "ecommerce.orders.dlq",
} as const satisfies Record<OrdersOutput, string>;
const partitions = 4;
const sendRecords = 5000;

/** How many lines each output has, and what was wrong: nothing if the run was right. */
export interface OrdersVerdict {
  readonly seconds: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

export async function ordersOnKafka(
  bootstrap: string,
  count: number,
  seed: number,
): Promise<OrdersVerdict> {
  const client = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
  await makeTopics(bootstrap, [ordersInput, ...Object.values(outputTopics)], partitions);
  const sent = await sendOrders(client, count, seed);
  const startMs = performance.now();
  await runOrdersJob(bootstrap);
  const seconds = (performance.now() - startMs) / 1000;

  const input = (await readCommittedTopics(client, [ordersInput], sent)).get(ordersInput) ?? [];
  const { expected, counts } = recompute(input);
  const least = [...expected.values()].reduce((sum, lines) => sum + lines.length, 0);
  const found = await readCommittedTopics(client, Object.values(outputTopics), least);
  const faults: string[] = [];
  const all: string[] = [];
  if (input.length !== sent) faults.push(`${sent} orders were sent, ${input.length} are there`);
  for (const [output, lines] of expected) {
    const topic = outputTopics[output];
    const records = found.get(topic) ?? [];
    const values = records.map(({ value }) => value.toString("utf8"));
    const compared = values.map((line) => comparable(output, line));
    faults.push(...differences(`${topic}, read by the client library`, lines, compared));
    faults.push(...misplaced(topic, records));
    for (const value of values) all.push(value);
  }
  const printed = await consoleConsumer(bootstrap, all.length);
  faults.push(...differences("the outputs, read by Kafka's console consumer", all, printed));
  return { seconds, counts, faults };
}

/** Sends generated orders through the client library, by their ids; gives how many. */
async function sendOrders(client: Kafka, count: number, seed: number): Promise<number> {
  const generator = join(projectRoot, "test/oracle/generate-orders.mjs");
  const { stdout } = spawnSync(execPath, [generator, String(count), String(seed)], {
    maxBuffer: 1 << 30,
  });
  const messages = [...linesOf(stdout)]
    .filter((line) => line.toString("latin1").trim() !== "")
    .map((value) => ({ key: orderIdOf(value), value }));
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let at = 0; at < messages.length; at += sendRecords) {
    await producer.send({ topic: ordersInput, messages: messages.slice(at, at + sendRecords) });
  }
  await producer.disconnect();
  return messages.length;
}

function* linesOf(bytes: Buffer): Generator<Buffer> {
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    yield bytes.subarray(start, end);
    start = end + 1;
  }
  if (start < bytes.length) yield bytes.subarray(start);
}

/** All records of an order must be in one lane; the others may be anywhere. */
function orderIdOf(line: Buffer): Buffer | null {
  try {
    const id: unknown = JSON.parse(line.toString("utf8").replace("\uFEFF", ""))?.order_id;
    return typeof id === "string" ? Buffer.from(id) : null;
  } catch {
    return null;
  }
}

async function runOrdersJob(bootstrap: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "orders-on-kafka-"));
  try {
    const job = join(projectRoot, "jobs/orders.yaml");
    const cluster = ["--param", `bootstrap_servers=${bootstrap}`];
    const how = ["--state-dir", "state", "--close", "--checkpoint-interval", "1s"];
    const end = await pipeline(["run", job, ...cluster, ...how], { cwd: folder });
    if (end.exit !== 0) throw new Error(`the job ended with ${end.exit}: ${end.stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function recompute(input: readonly ReadRecord[]): {
  expected: ReadonlyMap<OrdersOutput, readonly string[]>;
  counts: Readonly<Record<string, number>>;
} {
  const expected = new Map<OrdersOutput, string[]>();
  for (const output of ["processed", "late", "aggregations", "dlq"] as const) {
    expected.set(output, []);
  }
  const rules = new OrdersRules((output, line) => expected.get(output)?.push(line), partitions);
  for (let lane = 0; lane < partitions; lane += 1) {
    for (const { partition, value } of input) if (partition === lane) rules.line(value, lane);
  }
  rules.end();
  return { expected, counts: Object.fromEntries(rules.counts) };
}

const shownMax = 3;
const shownLength = 300;

/** Lines that are there more or less often than wanted. */
function differences(
  where: string,
  wanted: readonly string[],
  found: readonly string[],
): readonly string[] {
  const surplus = new Map<string, number>();
  for (const line of wanted) surplus.set(line, (surplus.get(line) ?? 0) - 1);
  for (const line of found) surplus.set(line, (surplus.get(line) ?? 0) + 1);
  const wrong = [...surplus].filter(([, count]) => count !== 0);
  if (wrong.length === 0) return [];
  const shown = wrong
    .slice(0, shownMax)
    .map(([line, count]) => `${count > 0 ? "surplus" : "missing"}: ${line.slice(0, shownLength)}`);
  return [`${where}: ${wrong.length} lines differ`, ...shown];
}

/** Records that the library's partitioner, which is that of Kafka's Java client, would have put elsewhere. */
function misplaced(topic: string, records: readonly ReadRecord[]): readonly string[] {
  const choose = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 1,
    replicas: [1],
    isr: [1],
  }));
  const wrong = records.filter(({ key, value, partition }) => {
    if (key === null) return false;
    return choose({ topic, partitionMetadata, message: { key, value } }) !== partition;
  });
  return wrong.length === 0 ? [] : [`${topic}: ${wrong.length} records are in another partition`];
}

/** All outputs by the program that comes with Kafka. */
async function consoleConsumer(bootstrap: string, count: number): Promise<readonly string[]> {
  const printed = await runKafkaTool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
    ...["--bootstrap-server", bootstrap, "--include", Object.values(outputTopics).join("|")],
    ...["--from-beginning", "--isolation-level", "read_committed"],
    ...["--max-messages", String(count), "--timeout-ms", "20000"],
  ]);
  return printed.split("\n").slice(0, -1);
}
