import { after, before, describe } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import { KafkaTarget } from "../../engine/connectors/kafka/kafka-target.ts";
import { failpointNames } from "../../engine/core/failpoints.ts";
import { deliveryConformance } from "../connectors/delivery-conformance.ts";
import { epochPartitions } from "../connectors/embedded-fixtures.ts";
import { brokerMissing, TestBroker } from "./broker.ts";
import { sourceConformance } from "../connectors/source-conformance.ts";
import { sourceOnTopic, sourcePartitions, sourceRows } from "./kafka-source-rows.ts";
import type { SourceRow } from "./kafka-source-rows.ts";
import { makeTopics } from "./make-topics.ts";
import { clusterAt, quiet, readTopic, writeTopic } from "./test-cluster.ts";

const missing = brokerMissing();
if (missing !== undefined) console.error(`SKIPPED: ${missing}`);

const traits = {
  fenced: "KAFKA_INTERRUPTED",
  failpoints: failpointNames.filter((name) => name.startsWith("kafka.")),
} as const;

describe("on a real broker", { skip: missing ?? false }, () => {
  let broker: TestBroker;
  let jobs = 0;

  before(async () => {
    broker = await TestBroker.start();
  });
  after(async () => {
    await broker.dispose();
  });

  deliveryConformance("a real broker", traits, async () => {
    // The broker is shared: each test has a job and topics of its own.
    jobs += 1;
    const topics = [`left_${jobs}`, `right_${jobs}`];
    const block = { create_topics: true, topic_partitions: epochPartitions };
    const client = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
    const admin = client.admin();
    await admin.connect();
    return {
      job: `job_${jobs}`,
      topics,
      create: (failpoints) =>
        new KafkaTarget(clusterAt(broker.bootstrap, block), { failpoints, logger: quiet }),
      read: (topic) => readTopic(broker.bootstrap, topic),
      write: (topic, records) => writeTopic(broker.bootstrap, topic, records),
      removeTopics: () => admin.deleteTopics({ topics }),
      remakeTopics: async () => {
        await makeTopics(broker.bootstrap, topics, epochPartitions);
      },
      dispose: () => admin.disconnect(),
    };
  });

  sourceConformance("a source on a real broker", async () => {
    jobs += 1;
    const topic = `in_${jobs}`;
    const client = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
    await makeTopics(broker.bootstrap, [topic], sourcePartitions);
    const producer = client.producer({
      transactionalId: topic,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    const send = async (rows: readonly SourceRow[], isKept: boolean): Promise<void> => {
      const transaction = await producer.transaction();
      const messages = rows.map(({ partition, value, timestampMs }) => {
        return { partition, key: null, value, timestamp: String(timestampMs) };
      });
      await transaction.send({ topic, messages });
      await (isKept ? transaction.commit() : transaction.abort());
    };
    for (let from = 0; from < sourceRows.length; from += 100) {
      await send(sourceRows.slice(from, from + 100), true);
      await send(sourceRows.slice(from, from + 7), false);
    }
    await producer.disconnect();
    return sourceOnTopic(broker.bootstrap, topic);
  });
});
