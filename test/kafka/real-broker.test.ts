import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import type { KafkaCluster } from "../../engine/connectors/kafka/cluster.ts";
import { KafkaSource } from "../../engine/connectors/kafka/kafka-source.ts";
import { KafkaTarget } from "../../engine/connectors/kafka/kafka-target.ts";
import { KafkaTopicWriter } from "../../engine/connectors/kafka/kafka-topic-writer.ts";
import { WireWriter } from "../../engine/connectors/kafka/wire-writer.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import type { JsonObject, JsonValue } from "../../engine/core/json.ts";
import { epochRecords, epochTopics, outbox, permitFor } from "../connectors/embedded-fixtures.ts";
import { brokerMissing, TestBroker } from "./broker.ts";
import { heldUpPartitions } from "./stable-ends.ts";
import { clusterAt, readTopic } from "./test-cluster.ts";
import { makeTopics } from "./make-topics.ts";

const missing = brokerMissing();
if (missing !== undefined) console.error(`SKIPPED: ${missing}`);
const logger = { info: () => {}, warn: () => {}, error: () => {} };

/** That one partition's batch was not written. */
function produceAnswer(topic: string, error: number): Buffer {
  const writer = new WireWriter();
  writer.array([topic], (name) => {
    writer.string(name).array([0], (partition) => {
      writer.int32(partition).int16(error).int64(-1).int64(-1).int64(-1);
    });
  });
  return writer.int32(0).finish();
}

describe("on a real broker", { skip: missing ?? false }, () => {
  let broker: TestBroker;
  let client: Kafka;
  let jobs = 0;

  before(async () => {
    broker = await TestBroker.start();
    client = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
  });
  after(async () => {
    await broker.dispose();
  });

  function cluster(block: JsonObject = { create_topics: true, topic_partitions: 3 }): KafkaCluster {
    return clusterAt(broker.bootstrap, block, { logger });
  }

  const target = (): KafkaTarget =>
    new KafkaTarget(cluster(), { failpoints: noFailpoints, logger });

  /** A job and topics of its own for each test: the broker is shared. */
  function names(): { job: string; topics: string[] } {
    jobs += 1;
    return { job: `job_${jobs}`, topics: epochTopics.map((topic) => `${topic}_${jobs}`) };
  }

  async function values(topic: string): Promise<string[]> {
    const records = await readTopic(broker.bootstrap, topic);
    return records.map(({ value }) => value?.toString() ?? "(no value)").toSorted();
  }

  function expected(topic: number, ...epochs: readonly number[]): string[] {
    const all = epochs.flatMap((epoch) => [...epochRecords(epoch)]);
    return all
      .filter((one) => one.topic === topic)
      .map(({ value }) => value.toString())
      .toSorted();
  }

  const permit = (job: string, epoch: number, incarnation: string) => {
    const made = permitFor(epoch, incarnation);
    return Object.assign(Object.create(made) as typeof made, { mark: { ...made.mark, job } });
  };

  it("K9: a restart after a crash in a transaction frees those who wait behind it, long before its timeout", async () => {
    const { job, topics } = names();
    const block = { create_topics: true, topic_partitions: 3, transaction_timeout: "15m" };
    const dying = new KafkaTarget(cluster(block), {
      logger,
      failpoints: {
        async hit(name) {
          if (name === "kafka.end.before") throw new Error("it dies here");
        },
      },
    });
    await dying.prepare(topics);
    await dying.begin(job, "dying");
    await assert.rejects(
      dying.deliver(outbox(epochRecords(1)), permit(job, 1, "dying")),
      /dies here/,
    );
    await dying.close();
    const waiting = await heldUpPartitions(broker.bootstrap, topics, 1);
    assert.ok(waiting.length > 0, "nobody waits for the transaction that is open");
    const restarted = target();
    await restarted.inspect(job);
    await restarted.prepare(topics);
    await restarted.begin(job, "restarted");
    assert.deepEqual(await heldUpPartitions(broker.bootstrap, topics), []);
    await restarted.deliver(outbox(epochRecords(1)), permit(job, 1, "restarted"));
    assert.deepEqual(await values(topics[0]!), expected(0, 1));
    await restarted.close();
  });

  it("K7: a session that was overtaken between its look and its fence stops, and a restart of the other one goes on", async () => {
    const { job, topics } = names();
    const twin = target();
    const late = new KafkaTarget(cluster(), {
      logger,
      failpoints: {
        async hit(name) {
          if (name !== "kafka.fence.before") return;
          await twin.begin(job, "twin");
          await twin.deliver(outbox(epochRecords(1)), permit(job, 1, "twin"));
        },
      },
    });
    for (const one of [twin, late]) {
      await one.prepare(topics);
      await one.inspect(job);
    }
    await assert.rejects(late.begin(job, "late"), { code: "SINK_FENCED", exit: 6 });
    await late.close();
    await assert.rejects(twin.deliver(outbox(epochRecords(2)), permit(job, 2, "twin")), {
      code: "KAFKA_INTERRUPTED",
      exit: 5,
    });
    await twin.close();
    const restarted = target();
    assert.equal((await restarted.inspect(job))?.incarnation, "twin");
    await restarted.prepare(topics);
    await restarted.begin(job, "restarted");
    await restarted.deliver(outbox(epochRecords(2)), permit(job, 2, "restarted"));
    assert.deepEqual(await values(topics[0]!), expected(0, 1, 2));
    await restarted.close();
  });

  it("K2: a broker that is killed between two epochs and comes back does not stop the job", async () => {
    const { job, topics } = names();
    const one = target();
    await one.prepare(topics);
    await one.begin(job, "first");
    await one.deliver(outbox(epochRecords(1)), permit(job, 1, "first"));
    await broker.kill();
    const delivered = one.deliver(outbox(epochRecords(2)), permit(job, 2, "first"));
    await broker.restart();
    await delivered;
    assert.deepEqual(await values(topics[0]!), expected(0, 1, 2));
    await one.close();
  });

  it("K8: a transaction timeout over the broker's maximum is refused with both numbers", async () => {
    const { job } = names();
    const one = new KafkaTarget(cluster({ transaction_timeout: "20m" }), {
      failpoints: noFailpoints,
      logger,
    });
    await assert.rejects(one.begin(job, "first"), {
      code: "KAFKA_REFUSED",
      exit: 6,
      message: /1200000 ms.*900000 ms/,
    });
    await one.close();
  });

  it("K10 K11 K12: a start finds offsets outside the log, a recreated topic, and new partitions", async () => {
    const { topics } = names();
    const [topic = ""] = topics;
    const source = (): KafkaSource =>
      new KafkaSource(cluster({}), { topic, start: "earliest", maxRecordBytes: 1e6, group: "job" });
    await assert.rejects(source().resolveStart(), { code: "TOPIC_MISSING", exit: 5 });
    await makeTopics(broker.bootstrap, [topic], 2);
    const admin = client.admin();
    await admin.connect();
    const start = (await source().resolveStart()) as JsonObject[];
    assert.equal(start.length, 2);
    await assert.rejects(
      source().open([{ ...start[0], offset: 5 }, start[1] as JsonValue], { untilEnd: true }),
      {
        code: "INPUT_CHANGED",
        exit: 6,
        message: /read to offset 5, but the log is from 0 to 0/,
      },
    );
    await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
    const grown = source();
    assert.equal((await grown.open(start, { untilEnd: true }))?.length, 4);
    await grown.close();
    await admin.deleteTopics({ topics: [topic] });
    await makeTopics(broker.bootstrap, [topic], 2);
    await assert.rejects(source().open(start, { untilEnd: true }), {
      code: "INPUT_CHANGED",
      message: /made again/,
    });
    await admin.disconnect();
  });

  it("K1: a start waits for brokers that are not let into their cluster yet", async () => {
    const { job, topics } = names();
    const starting = cluster();
    const metadata = starting.metadata.bind(starting);
    let withoutNodes = 2;
    starting.metadata = async (names) => {
      const found = await metadata(names);
      if (names.length > 0 || withoutNodes === 0) return found;
      withoutNodes -= 1;
      return { ...found, nodes: [] };
    };
    const one = new KafkaTarget(starting, { failpoints: noFailpoints, logger });
    await one.begin(job, "first");
    await one.prepare(topics);
    await one.deliver(outbox(epochRecords(1)), permit(job, 1, "first"));
    assert.deepEqual(await values(topics[0]!), expected(0, 1));
    await one.close();
  });

  it("a producer waits for a partition that has no leader yet, and does not repeat what may be written", async () => {
    const [topic = ""] = names().topics;
    await makeTopics(broker.bootstrap, [topic], 1);
    const answers = { notLeader: 6, requestTimedOut: 7 };
    const writerWith = (error: number): KafkaTopicWriter => {
      const flawed = cluster({});
      const onNode = flawed.onNode.bind(flawed);
      let isFirst = true;
      flawed.onNode = (node, api, body) => {
        if (api.name !== "Produce" || !isFirst) return onNode(node, api, body);
        isFirst = false;
        return Promise.resolve(produceAnswer(topic, error));
      };
      return new KafkaTopicWriter(flawed, topic);
    };
    const write = async (value: string, error: number): Promise<void> => {
      const writer = writerWith(error);
      try {
        await writer.append([{ key: null, value: Buffer.from(value), timestampMs: 1 }]);
      } finally {
        writer.close();
      }
    };
    await write("late", answers.notLeader);
    await assert.rejects(write("unknown", answers.requestTimedOut), {
      code: "KAFKA_UNREACHABLE",
      exit: 5,
    });
    assert.deepEqual(await values(topic), ["late"]);
  });

  it("never gives records of aborted transactions of others, also where they overlap", async () => {
    const [topic = ""] = names().topics;
    await makeTopics(broker.bootstrap, [topic], 1);
    const producers = await Promise.all(
      ["a", "b"].map(async (name) => {
        const producer = client.producer({
          transactionalId: `${topic}.${name}`,
          maxInFlightRequests: 1,
          idempotent: true,
        });
        await producer.connect();
        return producer;
      }),
    );
    const [a, b] = await Promise.all(producers.map((producer) => producer.transaction()));
    const send = (transaction: typeof a, value: string) =>
      transaction!.send({ topic, messages: [{ key: Buffer.alloc(4), value }] });
    await send(a, "A1");
    await send(b, "B1");
    await b!.abort();
    await send(a, "A2");
    await a!.abort();
    const writer = new KafkaTopicWriter(cluster({}), topic);
    await writer.append([{ key: null, value: Buffer.from("plain"), timestampMs: 1 }]);
    writer.close();
    assert.deepEqual(await values(topic), ["plain"]);
    await Promise.all(producers.map((producer) => producer.disconnect()));
  });
});
