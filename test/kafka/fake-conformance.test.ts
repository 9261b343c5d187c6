import { KafkaTarget } from "../../engine/connectors/kafka/kafka-target.ts";
import { failpointNames } from "../../engine/core/failpoints.ts";
import { FakeKafka } from "../../engine/testing/fake-kafka/fake-kafka.ts";
import { deliveryConformance } from "../connectors/delivery-conformance.ts";
import { epochPartitions, machineClock } from "../connectors/embedded-fixtures.ts";
import { sourceConformance } from "../connectors/source-conformance.ts";
import { transactionalProducer } from "./fake-producer.ts";
import { sourceOnTopic, sourcePartitions, sourceRows } from "./kafka-source-rows.ts";
import { clusterAt, quiet, readTopic, writeTopic } from "./test-cluster.ts";

const traits = {
  fenced: "KAFKA_INTERRUPTED",
  failpoints: failpointNames.filter((name) => name.startsWith("kafka.")),
} as const;

for (const nodes of [1, 3]) {
  deliveryConformance(`a fake Kafka of ${nodes} nodes`, traits, async () => {
    const kafka = await FakeKafka.start({ clock: machineClock, nodes });
    const topics = ["left", "right"];
    const block = { create_topics: true, topic_partitions: epochPartitions };
    return {
      job: "job",
      topics,
      create: (failpoints) =>
        new KafkaTarget(clusterAt(kafka.bootstrap, block), { failpoints, logger: quiet }),
      read: (topic) => readTopic(kafka.bootstrap, topic),
      write: (topic, records) => writeTopic(kafka.bootstrap, topic, records),
      removeTopics: async () => topics.forEach((topic) => kafka.topics.delete(topic)),
      remakeTopics: async () => {
        for (const topic of topics) kafka.topics.create(topic, epochPartitions, {});
      },
      dispose: () => kafka.close(),
    };
  });
}

sourceConformance("a source on a fake Kafka", async () => {
  const kafka = await FakeKafka.start({ clock: machineClock, nodes: 2 });
  kafka.topics.create("in", sourcePartitions, {});
  for (let partition = 0; partition < sourcePartitions; partition += 1) {
    writeRows(kafka, partition);
  }
  return { ...sourceOnTopic(kafka.bootstrap, "in"), dispose: () => kafka.close() };
});

/** In batches of all sizes, plain ones and in transactions, with aborted and open ones of others between them. */
function writeRows(kafka: FakeKafka, partition: number): void {
  const log = kafka.log("in", partition);
  const rows = sourceRows.filter((row) => row.partition === partition);
  const ours = transactionalProducer({ producerId: 1, producerEpoch: 0 });
  const other = transactionalProducer({ producerId: 2, producerEpoch: 0 });
  for (let from = 0, size = 1; from < rows.length; from += size, size = ((size * 3) % 31) + 1) {
    const records = rows.slice(from, from + size).map(({ value, timestampMs }) => ({
      key: null,
      value: value === null ? null : Buffer.from(value),
      timestampMs,
    }));
    const lost = [{ key: Buffer.alloc(4), value: Buffer.from("lost"), timestampMs: 1 }];
    log.produce(other(lost));
    if (size % 3 === 0) log.append(records, "gzip");
    else log.produce(ours(records));
    if (size % 2 === 0) log.mark(2, 0, "abort");
    if (size % 3 === 1) log.mark(1, 0, "commit");
  }
  log.mark(1, 0, "commit");
  log.mark(2, 0, "abort");
  log.produce(
    transactionalProducer({ producerId: 3, producerEpoch: 0 })([
      { key: null, value: Buffer.from("open"), timestampMs: 1 },
    ]),
  );
}
