// Kills a real broker around the end of transactions and looks what readers see afterwards.
// usage: node --import tsx test/kafka/broker-kill-run.ts KILLS SESSION_TIMEOUT_MS
import assert from "node:assert/strict";
import { argv } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { CommitPermit } from "../../engine/checkpoint/delivery.ts";
import { resolveCluster } from "../../engine/connectors/kafka/block.ts";
import { KafkaCluster } from "../../engine/connectors/kafka/cluster.ts";
import { KafkaTarget } from "../../engine/connectors/kafka/kafka-target.ts";
import { KafkaTopicReader } from "../../engine/connectors/kafka/kafka-topic-reader.ts";
import { clusterSettings } from "../../engine/connectors/kafka/settings.ts";
import type { Failpoints } from "../../engine/core/failpoints.ts";
import { machineClock, never, outbox } from "../connectors/embedded-fixtures.ts";
import { brokerMissing, TestBroker } from "./broker.ts";

const [kills, sessionMs] = argv.slice(2).map(Number);
if (kills === undefined || sessionMs === undefined) {
  throw new Error("usage: broker-kill-run.ts KILLS SESSION_TIMEOUT_MS");
}
const missing = brokerMissing();
if (missing !== undefined) throw new Error(missing);

const partitions = 4;
const recordsPerEpoch = 200;
const places = ["kafka.answer.before", "kafka.fence.before", "kafka.mark.after"] as const;
const broker = await TestBroker.start({ "broker.session.timeout.ms": String(sessionMs) });
let settled = 0;
const logger = {
  info: () => {},
  warn: (message: string) => {
    if (message.includes("settled")) settled += 1;
  },
  error: () => {},
};

function cluster(): KafkaCluster {
  const block = { create_topics: true, topic_partitions: partitions, request_timeout: "10s" };
  const resolved = resolveCluster(block, () => {});
  const sources = { secrets: new Map<string, string>(), baseDirectory: "/" };
  const settings = clusterSettings("kafka", broker.bootstrap, resolved, sources);
  return new KafkaCluster(settings, { clock: machineClock, logger });
}

let killing: Promise<void> | undefined;
let killAt: string | undefined;
const failpoints: Failpoints = {
  async hit(name) {
    if (name !== killAt) return;
    killAt = undefined;
    // A broker's work on the end of a transaction takes a few milliseconds: meet it at any of them.
    killing = sleep(Math.random() * 6).then(async () => {
      await broker.kill();
      await broker.restart();
    });
  },
};

function records(epoch: number) {
  return Array.from({ length: recordsPerEpoch }, (_, index) => ({
    topic: 0,
    partition: index % partitions,
    key: null,
    value: Buffer.from(`${epoch}/${index}`),
    timestampMs: epoch,
  }));
}

async function seen(): Promise<string[]> {
  const reader = new KafkaTopicReader(cluster(), "out");
  const values: string[] = [];
  await reader.open("beginning");
  for await (const batch of reader.records({ follow: false }, never)) {
    for (const { value } of batch) values.push(String(value));
  }
  await reader.close();
  return values.toSorted();
}

const target = new KafkaTarget(cluster(), { failpoints, logger });
try {
  await target.inspect("job");
  await target.prepare(["out"]);
  await target.begin("job", "one");
  const expected: string[] = [];
  let killed = 0;
  for (let epoch = 1; killed < kills; epoch += 1) {
    const place = places[epoch % places.length];
    // A take-over is passed only after a connection was lost: the epoch before has seen to that.
    killAt = place;
    const mark = { job: "job", incarnation: "one", epoch, hash: `hash-${epoch}` };
    await target.deliver(outbox(records(epoch)), CommitPermit.afterCommit(mark));
    expected.push(...records(epoch).map(({ value }) => String(value)));
    if (killing !== undefined) {
      killed += 1;
      await killing;
      killing = undefined;
    }
    // Delivered again, as a restart would: the mark decides.
    await target.deliver(outbox(records(epoch)), CommitPermit.afterCommit(mark));
    assert.deepEqual(await seen(), expected.toSorted(), `epoch ${epoch}, killed at ${place}`);
  }
  console.log(
    `${killed} kills of the broker, session timeout ${sessionMs} ms: settled ${settled}, 0 lost, 0 doubled`,
  );
} finally {
  await target.close();
  await killing?.catch(() => undefined);
  await broker.dispose();
}
