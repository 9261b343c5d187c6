import assert from "node:assert/strict";
import { test } from "node:test";
import { KafkaSource } from "../../engine/connectors/kafka/kafka-source.ts";
import { errorCode } from "../../engine/connectors/kafka/kafka-errors.ts";
import { FakeKafka } from "../../engine/testing/fake-kafka/fake-kafka.ts";
import { machineClock } from "../connectors/embedded-fixtures.ts";
import { clusterAt, quiet, writeTopic } from "./test-cluster.ts";

const row = { key: Buffer.from("k"), value: Buffer.from("v"), timestampMs: 1 };

async function withSource(
  work: (kafka: FakeKafka, source: KafkaSource, warnings: readonly string[]) => Promise<void>,
): Promise<void> {
  const kafka = await FakeKafka.start({ clock: machineClock });
  const warnings: string[] = [];
  const logger = { ...quiet, warn: (message: string) => warnings.push(message) };
  const source = new KafkaSource(clusterAt(kafka.bootstrap, {}, { logger }), {
    topic: "in",
    start: "earliest",
    maxRecordBytes: 1000,
    group: "orders",
  });
  try {
    kafka.topics.create("in", 2, {});
    await work(kafka, source, warnings);
  } finally {
    await source.close();
    await kafka.close();
  }
}

test("what is committed is told to the consumer group of the job's name, the newest last", () =>
  withSource(async (kafka, source) => {
    const [first, second] = (await source.resolveStart()) as { topic: string }[];
    for (const offset of [5, 6, 7]) source.committed([{ ...first, offset }, second as never]);
    await source.close();
    assert.deepEqual(
      [...kafka.groupOffsets("orders")],
      [
        ["in/0", 7],
        ["in/1", 0],
      ],
    );
  }));

test("a cluster that does not take the offsets is told about once, and the source goes on", () =>
  withSource(async (kafka, source, warnings) => {
    const start = await source.resolveStart();
    kafka.script.refuse("offsetCommit", errorCode.groupAuthorizationFailed);
    for (let turn = 0; turn < 3; turn += 1) {
      source.committed(start);
      await source.told();
    }
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /group orders.*not allowed.*only lag dashboards miss them/);
    await source.open(start, { untilEnd: true });
  }));

test("saved positions are shown beside the ends of the log, without opening", () =>
  withSource(async (kafka, source) => {
    const start = await source.resolveStart();
    await writeTopic(kafka.bootstrap, "in", [row, row, row]);
    const ends = (await source.lags(start)).toSorted((a, b) => b.end - a.end);
    assert.deepEqual(ends, [
      { readTo: 0, end: 3, unit: "offsets" },
      { readTo: 0, end: 0, unit: "offsets" },
    ]);
    await kafka.crash();
    await assert.rejects(source.lags(start), { code: "KAFKA_UNREACHABLE" });
  }));
