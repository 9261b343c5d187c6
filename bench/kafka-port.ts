// CPU per record of our own producing and consuming beside the client library's, in one process, in alternation.
import { readFileSync } from "node:fs";
import { Kafka, logLevel } from "kafkajs";
import { CommitPermit } from "../engine/checkpoint/delivery.ts";
import type { OutboxReader, OutboxRecord } from "../engine/checkpoint/delivery.ts";
import { resolveCluster } from "../engine/connectors/kafka/block.ts";
import { KafkaCluster } from "../engine/connectors/kafka/cluster.ts";
import { KafkaSource } from "../engine/connectors/kafka/kafka-source.ts";
import { KafkaTarget } from "../engine/connectors/kafka/kafka-target.ts";
import { clusterSettings } from "../engine/connectors/kafka/settings.ts";
import { noFailpoints } from "../engine/core/failpoints.ts";
import { nodeClock } from "../engine/runtime/node-clock.ts";
import { count, median, spread } from "./measured.mjs";

interface PortSetup {
  readonly bootstrap: string;
  readonly input: string;
  readonly rounds: number;
  readonly records: number;
}

const partitions = 4;
const transactionRecords = 100_000;
/** Of one partition in one request, by both. */
const batchRecords = 500;
const ourTopic = "bench.ours";
const libraryTopic = "bench.library";
const logger = { info: () => {}, warn: () => {}, error: () => {} };

export async function benchPort(setup: PortSetup): Promise<void> {
  const client = new Kafka({ brokers: [setup.bootstrap], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({
    topics: [ourTopic, libraryTopic].map((topic) => ({ topic, numPartitions: partitions })),
  });
  await admin.disconnect();

  const text = readFileSync(setup.input, "utf8");
  const values = text.split("\n").slice(0, setup.records);
  const records = values.map((value, index) => ({
    topic: 0,
    partition: index % partitions,
    key: Buffer.from(`ORD-20250113-${String(index).padStart(9, "0")}`),
    value: Buffer.from(value),
    // Retention goes by it: old ones would be deleted under the readers.
    timestampMs: nodeClock.nowMs(),
  }));
  const ours = await ourProducer(setup.bootstrap);
  const library = await libraryProducer(client);
  await compare("produce", setup, [
    { name: "our port", run: () => ours.send(records) },
    { name: "kafkajs", run: () => library.send(records) },
  ]);
  await ours.close();
  await library.close();
  // Round by round both have written the same number of records.
  const written = setup.records * (setup.rounds + 1);
  await compare("consume", { ...setup, records: written }, [
    { name: "our port", run: () => ourRead(setup.bootstrap, written) },
    { name: "kafkajs", run: () => libraryRead(client, written) },
  ]);
}

interface Contestant {
  readonly name: string;
  run(): Promise<void>;
}

/** The first round of each is not counted: what is compiled then is no cost of a record. */
async function compare(
  what: string,
  { rounds, records }: Pick<PortSetup, "rounds" | "records">,
  contestants: readonly Contestant[],
): Promise<void> {
  const figures = new Map(
    contestants.map(({ name }): [string, Figures] => [name, { cpu: [], seconds: [] }]),
  );
  for (let round = 0; round <= rounds; round += 1) {
    for (const contestant of contestants) {
      const startMs = performance.now();
      const before = process.cpuUsage();
      await contestant.run();
      const { user, system } = process.cpuUsage(before);
      if (round === 0) continue;
      figures.get(contestant.name)?.cpu.push((user + system) / records);
      figures.get(contestant.name)?.seconds.push((performance.now() - startMs) / 1000);
    }
  }
  const cpuOf = (name: string): number => median(figures.get(name)?.cpu ?? []);
  const [ours, library] = contestants;
  for (const [name, { cpu, seconds }] of figures) {
    console.log(
      `${what}, ${name.padEnd(10)} ${median(cpu).toFixed(2)} us CPU per record (${cpu
        .map((one) => one.toFixed(2))
        .toSorted()
        .join(" ")}), ${count(records / median(seconds))} records/s (${spread(seconds)} s)`,
    );
  }
  console.log(
    `${what}: ${(cpuOf(ours?.name ?? "") / cpuOf(library?.name ?? "")).toFixed(2)} of kafkajs's CPU`,
  );
}

interface Figures {
  readonly cpu: number[];
  readonly seconds: number[];
}

interface Producer {
  send(records: readonly OutboxRecord[]): Promise<void>;
  close(): Promise<void>;
}

function clusterOf(bootstrap: string): KafkaCluster {
  const sources = { secrets: new Map<string, string>(), baseDirectory: "/" };
  const settings = clusterSettings(
    "kafka",
    bootstrap,
    resolveCluster({ create_topics: true }, () => {}),
    sources,
  );
  return new KafkaCluster(settings, { clock: nodeClock, logger });
}

function* slices<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

/** As a job delivers its epochs, except that they come from memory. */
async function ourProducer(bootstrap: string): Promise<Producer> {
  const target = new KafkaTarget(clusterOf(bootstrap), { failpoints: noFailpoints, logger });
  const job = "bench";
  await target.inspect(job);
  await target.prepare([ourTopic]);
  await target.begin(job, "only");
  let epoch = 0;
  return {
    async send(records) {
      for (const one of slices(records, transactionRecords)) {
        epoch += 1;
        const outputs: OutboxReader = {
          async *batches() {
            yield* slices(one, batchRecords * partitions);
          },
        };
        const mark = { job, incarnation: "only", epoch, hash: String(epoch) };
        await target.deliver(outputs, CommitPermit.afterCommit(mark));
      }
    },
    close: () => target.close(),
  };
}

async function libraryProducer(client: Kafka): Promise<Producer> {
  const producer = client.producer({
    transactionalId: "bench.library",
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  return {
    async send(records) {
      for (const one of slices(records, transactionRecords)) {
        const transaction = await producer.transaction();
        for (const some of slices(one, batchRecords * partitions)) {
          const messages = some.map(({ partition, key, value, timestampMs }) => {
            return { partition, key, value, timestamp: String(timestampMs) };
          });
          await transaction.send({ topic: libraryTopic, messages });
        }
        await transaction.commit();
      }
    },
    close: () => producer.disconnect(),
  };
}

async function ourRead(bootstrap: string, wanted: number): Promise<void> {
  const source = new KafkaSource(clusterOf(bootstrap), {
    topic: ourTopic,
    start: "earliest",
    maxRecordBytes: 1 << 20,
    group: "bench",
  });
  await source.open(await source.resolveStart(), { untilEnd: true });
  const signal = new AbortController().signal;
  let records = 0;
  let ended = 0;
  while (ended < partitions) {
    const batch = await source.poll(1000, signal);
    records += batch?.starts.length ?? 0;
    if (batch?.ended === true) ended += 1;
  }
  await source.close();
  if (records !== wanted) throw new Error(`${records} of ${wanted} records were read`);
}

async function libraryRead(client: Kafka, wanted: number): Promise<void> {
  const consumer = client.consumer({ groupId: `bench-${performance.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topic: libraryTopic, fromBeginning: true });
  let records = 0;
  let done: () => void;
  const all = new Promise<void>((resolve) => (done = resolve));
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      records += batch.messages.length;
      if (records >= wanted) done();
    },
  });
  await all;
  await consumer.disconnect();
}
