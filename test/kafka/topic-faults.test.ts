import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { attribute, headerField } from "../../engine/connectors/kafka/batch-format.ts";
import { errorCode } from "../../engine/connectors/kafka/kafka-errors.ts";
import { KafkaSource } from "../../engine/connectors/kafka/kafka-source.ts";
import { createTopic } from "../../engine/connectors/kafka/topics.ts";
import { FakeKafka } from "../../engine/testing/fake-kafka/fake-kafka.ts";
import { machineClock, never } from "../connectors/embedded-fixtures.ts";
import { ElapsingClock } from "./elapsing-clock.ts";
import { FakeJob } from "./fake-job.ts";
import { until } from "./fake-target.ts";
import { clusterAt, readTopic } from "./test-cluster.ts";

describe("a topic that is not what it was", () => {
  it("K10: offsets that retention took are named with the gap: exit 6, never a reset", async (context) => {
    const job = await FakeJob.start(context);
    job.send(1, 2);
    await job.run();
    job.send(3, 4, 5, 6);
    job.kafka.log("in", 1).deleteBefore(2);
    for (let starts = 0; starts < 2; starts += 1) {
      await assert.rejects(job.run(), {
        code: "INPUT_CHANGED",
        exit: 6,
        message: /partition 1 was read to offset 1, but the log is from 2 to 3 now, 1 offsets are/,
      });
    }
    await job.assertShown(1, 2);
  });

  it("K10: the same amid a run, after what was read before is given", async (context) => {
    const kafka = await FakeKafka.start({ clock: machineClock });
    context.after(() => kafka.close());
    kafka.topics.create("in", 1, {});
    const append = (value: string) =>
      kafka.log("in").append([{ key: null, value: Buffer.from(value), timestampMs: 1 }]);
    append("one");
    const options = { topic: "in", start: "earliest", maxRecordBytes: 1000, group: "job" } as const;
    const source = new KafkaSource(clusterAt(kafka.bootstrap), options);
    context.after(() => source.close());
    await source.open(await source.resolveStart(), { untilEnd: false });
    const held = kafka.script.hold("fetch", "answer", (body) => body.length > 0);
    const polled = source.poll(10, never);
    await held.arrived;
    append("two");
    append("three");
    kafka.log("in").deleteBefore(2);
    held.release();
    const first = await polled;
    assert.equal(first?.offsets.length ?? (await source.poll(10, never))?.offsets.length, 1);
    await assert.rejects(
      async () => {
        for (;;) await source.poll(10, never);
      },
      { code: "INPUT_CHANGED", exit: 6, message: /read to offset 1, but the log is from 2 to 3/ },
    );
  });

  it("K11: an input that is missing at the start: exit 5", async (context) => {
    const job = await FakeJob.start(context);
    job.kafka.topics.delete("in");
    await assert.rejects(job.run(), { code: "TOPIC_MISSING", exit: 5, message: /topic in / });
    job.kafka.topics.create("in", 2, {});
    job.send(1);
    await job.run();
    await job.assertShown(1);
  });

  for (const isRemade of [false, true]) {
    it(`K11: an input that is deleted${isRemade ? " and made again" : ""} amid a run: exit 6`, async (context) => {
      const job = await FakeJob.start(context);
      job.send(1);
      const run = job.run({ untilEnd: false, checkpointIntervalMs: 10 });
      run.catch(() => undefined);
      await until(() => job.kafka.topics.has("copy.commits") && job.kafka.requests("endTxn") > 1);
      job.kafka.topics.delete("in");
      if (isRemade) job.kafka.topics.create("in", 2, {});
      const message = isRemade ? /deleted and made again/ : /was deleted/;
      await assert.rejects(run, { code: "INPUT_CHANGED", exit: 6, message });
      await job.assertShown(1);
    });
  }

  it("K12: partitions that are added stop a run with 5, and the next one reads them from their start", async (context) => {
    const clock = new ElapsingClock();
    const job = await FakeJob.start(context, { clock });
    job.send(1, 2);
    const stop = new AbortController();
    const run = job.run({ untilEnd: false, checkpointIntervalMs: 10 }, { stop: stop.signal });
    run.catch(() => undefined);
    await until(() => job.kafka.requests("endTxn") > 1);
    job.kafka.topics.addPartitions("in", 4);
    const value = Buffer.from('{"n":3}');
    job.kafka.log("in", 3).append([{ key: null, value, timestampMs: 1 }]);
    const looks = job.kafka.requests("metadata");
    let isOver = false;
    void until(() => isOver || job.kafka.requests("metadata") > looks + 50).then(() =>
      stop.abort(),
    );
    await assert.rejects(
      run.finally(() => (isOver = true)),
      {
        code: "KAFKA_INTERRUPTED",
        exit: 5,
        message: /has 4 partitions now, it had 2/,
      },
    );
    await job.run();
    await job.assertShown(1, 2, 3);
  });

  it("K17: a dead-letter topic that is gone: exit 5, and nothing is dropped", async (context) => {
    const job = await FakeJob.start(context);
    job.send(1);
    await job.run();
    job.send(2);
    job.kafka.log("in").append([{ key: null, value: Buffer.from("no JSON"), timestampMs: 1 }]);
    const place = job.kafka.script.hold("addPartitionsToTxn", "request", (body) =>
      body.includes("bad"),
    );
    const run = job.run();
    run.catch(() => undefined);
    await place.arrived;
    job.kafka.topics.delete("bad");
    place.release();
    await assert.rejects(run, { code: "TOPIC_MISSING", exit: 5, message: /bad/ });
    await job.assertShown(1);
    await assert.rejects(job.run(), { code: "TOPIC_MISSING", exit: 5 });
    job.kafka.topics.create("bad", 2, {});
    await job.run();
    await job.assertShown(1, 2);
    const [dead, ...more] = await readTopic(job.kafka.bootstrap, "bad");
    assert.match(String(dead?.value), /MALFORMED_JSON.*no JSON/);
    assert.equal(more.length, 0);
  });
});

describe("records that a topic does not take", () => {
  const large = `{"n":9,"text":"${"x".repeat(3000)}"}`;

  it("K14: are counted on the sink's port before the commit, and the others arrive", async (context) => {
    const job = await FakeJob.start(context);
    job.kafka.topics.named("out").configs.set("max.message.bytes", "2000");
    job.send(1);
    job.kafka.log("in").append([{ key: null, value: Buffer.from(large), timestampMs: 1 }]);
    job.send(2);
    const { faults, nodes } = await job.run();
    await job.assertShown(1, 2);
    assert.deepEqual(faults, [
      { node: "sinks.out", type: "OUTPUT_REJECTED", code: "OUTPUT_TOO_LARGE", count: 1 },
    ]);
    assert.equal(nodes.find(({ node }) => node === "sinks.out")?.ports["rejected"], 1);
    const [dead] = await readTopic(job.kafka.bootstrap, "bad");
    assert.match(String(dead?.value), /OUTPUT_TOO_LARGE/);
  });

  it("K14: stop a run with 6 if the topic takes less since; they are delivered once it takes them", async (context) => {
    const job = await FakeJob.start(context);
    const { configs } = job.kafka.topics.named("out");
    job.kafka.log("in").append([{ key: null, value: Buffer.from(large), timestampMs: 1 }]);
    const place = job.kafka.script.hold("addPartitionsToTxn", "request", (body) =>
      body.includes("out"),
    );
    const run = job.run();
    run.catch(() => undefined);
    await place.arrived;
    configs.set("max.message.bytes", "2000");
    place.release();
    const refused = {
      code: "KAFKA_REFUSED",
      exit: 6,
      message: /out\/\d.*MESSAGE_TOO_LARGE/,
    } as const;
    await assert.rejects(run, refused);
    await assert.rejects(job.run(), refused);
    await job.assertShown();
    configs.delete("max.message.bytes");
    await job.run();
    await job.assertShown(9);
  });
});

describe("batches that cannot be read", () => {
  const faults: readonly (readonly [
    what: string,
    damage: (batch: Buffer) => void,
    sealed: boolean,
    message: RegExp,
  ])[] = [
    [
      "a checksum that does not fit",
      (batch) => batch.writeInt8(7, batch.length - 2),
      false,
      /in\/0: the batch at offset 1 does not have the checksum/,
    ],
    [
      "a codec that is not known",
      (batch) => batch.writeInt16BE(3, headerField.attributes),
      true,
      /in\/0 at offset 1 is compressed with lz4, which cannot be read/,
    ],
    [
      "a codec that never was",
      (batch) => batch.writeInt16BE(attribute.compressionMask, headerField.attributes),
      true,
      /in\/0 at offset 1 is compressed with number 7/,
    ],
    [
      "bytes that cannot be unpacked",
      (batch) => batch.writeInt16BE(1, headerField.attributes),
      true,
      /in\/0: the batch at offset 1 cannot be decompressed/,
    ],
  ];
  for (const [what, damage, sealed, message] of faults) {
    it(`I17: ${what}: exit 6 with the offset, and nothing is skipped`, async (context) => {
      const job = await FakeJob.start(context);
      job.send(1, 2);
      await job.run();
      job.send(3);
      job.kafka.log("in").tamper(1, damage, sealed);
      for (let starts = 0; starts < 2; starts += 1) {
        await assert.rejects(job.run(), { code: "INPUT_UNDECODABLE", exit: 6, message });
      }
      await job.assertShown(1, 2);
    });
  }
});

describe("leaders", () => {
  it("that move are followed by sources and sinks", async (context) => {
    const kafka = await FakeKafka.start({ clock: machineClock, nodes: 3 });
    const job = await FakeJob.start(context, { kafka });
    job.send(1, 2);
    const run = job.run({ untilEnd: false, checkpointIntervalMs: 10 });
    run.catch(() => undefined);
    await until(() => kafka.requests("endTxn") > 1);
    for (const topic of ["in", "out", "copy.commits"]) {
      const log = kafka.log(topic);
      log.leader = (log.leader % 3) + 1;
    }
    kafka.coordinator = 2;
    job.send(3, 4);
    await untilShown(kafka, 4);
    await kafka.crash(3);
    for (const topic of ["in", "out", "bad", "copy.commits"]) {
      for (const log of kafka.topics.named(topic).partitions) {
        if (log.leader === 3) log.leader = 1;
      }
    }
    job.send(5, 6);
    await untilShown(kafka, 6);
    kafka.topics.delete("in");
    await assert.rejects(run, { code: "INPUT_CHANGED" });
    await job.assertShown(1, 2, 3, 4, 5, 6);
  });

  it("that the cluster names wrongly are not asked without a pause", async (context) => {
    const kafka = await FakeKafka.start({ clock: machineClock });
    context.after(() => kafka.close());
    kafka.topics.create("in", 1, {});
    // Time stands: whoever pauses does so until he is called off.
    const clock = {
      nowMs: () => 0,
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve) => {
          if (ms === 0) setImmediate(resolve);
          signal?.addEventListener("abort", () => resolve(), { once: true });
        }),
    };
    const options = { topic: "in", start: "earliest", maxRecordBytes: 1000, group: "job" } as const;
    const source = new KafkaSource(clusterAt(kafka.bootstrap, {}, { clock }), options);
    context.after(() => source.close());
    await source.open(await source.resolveStart(), { untilEnd: false });
    kafka.script.refuse("fetch", errorCode.notLeader);
    const asked = kafka.requests("metadata");
    let isPolling = false;
    for (let turns = 0; turns < 2000; turns += 1) {
      if (!isPolling) {
        isPolling = true;
        void source.poll(10, never).finally(() => (isPolling = false));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(kafka.requests("fetch"), 1);
    assert.equal(kafka.requests("metadata"), asked);
  });
});

async function untilShown(kafka: FakeKafka, count: number): Promise<void> {
  while ((await readTopic(kafka.bootstrap, "out")).length < count) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it("a topic is made once the controller counts on its brokers again", async (context) => {
  const kafka = await FakeKafka.start({ clock: machineClock });
  context.after(() => kafka.close());
  kafka.script.refuse("createTopics", errorCode.invalidReplicationFactor, { times: 2 });
  const cluster = clusterAt(kafka.bootstrap);
  context.after(() => cluster.close());
  const topic = { name: "made", partitions: 2, replication: 1, configs: {} };
  await cluster.repeated("making a topic", () => createTopic(cluster, topic));
  assert.ok(kafka.topics.has("made"));
});
