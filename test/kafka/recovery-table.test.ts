import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { errorCode } from "../../engine/connectors/kafka/kafka-errors.ts";
import type { ErrorCode } from "../../engine/core/errors.ts";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import { FakeKafka } from "../../engine/testing/fake-kafka/fake-kafka.ts";
import { machineClock } from "../connectors/embedded-fixtures.ts";
import { FakeJob } from "./fake-job.ts";
import { readTopic } from "./test-cluster.ts";

// What a start finds in the state directory and on the cluster, and what it does.

/** Each epoch holds one number, the last of which waits in the input. */
async function afterEpochs(context: TestContext, epochs: number): Promise<FakeJob> {
  const job = await FakeJob.start(context);
  for (let epoch = 1; epoch <= epochs; epoch += 1) {
    job.send(epoch);
    await job.run();
  }
  job.send(epochs + 1);
  return job;
}

const interrupted: readonly (readonly [situation: string, place: FailpointName])[] = [
  ["the epoch was not committed", "commit.record.before"],
  ["the epoch was committed, no transaction had begun", "kafka.join.before"],
  ["a transaction had begun", "kafka.join.after"],
  ["the records were sent", "kafka.produce.after"],
  ["the commit marker was sent", "kafka.mark.after"],
  ["the end was not asked for", "kafka.end.before"],
  ["the end was asked for, the answer is unknown", "kafka.answer.before"],
  ["the end was answered", "kafka.answer.after"],
  ["it was delivered, the outbox before it not deleted", "outbox.remove.before"],
];

describe("D1: a start behind an interrupted epoch delivers it once", () => {
  for (const [situation, place] of interrupted) {
    it(`${situation} (${place})`, async (context) => {
      const job = await afterEpochs(context, 1);
      await job.runInto(place);
      await job.run();
      await job.assertShown(1, 2);
      job.send(3);
      await job.run();
      await job.assertShown(1, 2, 3);
    });
  }

  for (const place of [
    "kafka.fence",
    "kafka.settle",
    "kafka.barrier",
    "recover.deliver",
  ] as const) {
    it(`the start after it was interrupted too (${place})`, async (context) => {
      const job = await afterEpochs(context, 1);
      await job.runInto("kafka.mark.after");
      await job.runInto(`${place}.before`);
      await job.runInto(`${place}.after`);
      await job.run();
      await job.assertShown(1, 2);
    });
  }
});

interface Row {
  readonly situation: string;
  /** Epochs that are delivered before. */
  readonly epochs: number;
  readonly arrange: (job: FakeJob) => Promise<void> | void;
  readonly code: ErrorCode;
  readonly exit: 5 | 6;
  readonly message: RegExp;
}

/** A marker that the job's newest session could have written. */
function forgeMarker({ kafka, incarnation }: FakeJob, epoch: number, hash: string): void {
  const marker = { job: "copy", shard: 0, incarnation, epoch, hash, ends: [] };
  const value = Buffer.from(JSON.stringify(marker));
  kafka.log("copy.commits").append([{ key: Buffer.from("marker.0"), value, timestampMs: 1 }]);
}

const refused: readonly Row[] = [
  {
    situation: "the outbox is damaged, and the cluster lacks the epoch",
    epochs: 1,
    arrange: async (job) => {
      await job.runInto("kafka.join.before");
      const outbox = join(job.state, "outbox");
      for (const name of readdirSync(outbox)) writeFileSync(join(outbox, name), "damage");
    },
    code: "STATE_CORRUPT",
    exit: 6,
    message: /outbox of epoch 2/,
  },
  {
    situation: "the outbox is gone, and the cluster lacks the epoch",
    epochs: 1,
    arrange: async (job) => {
      await job.runInto("kafka.join.before");
      rmSync(join(job.state, "outbox"), { recursive: true });
    },
    code: "STATE_CORRUPT",
    exit: 6,
    message: /outbox of epoch 2/,
  },
  {
    situation: "the state directory is older than the cluster",
    epochs: 1,
    arrange: async (job) => {
      job.saveState();
      await job.run();
      job.restoreState();
    },
    code: "SINK_FENCED",
    exit: 6,
    message: /another copy of the job/,
  },
  {
    situation: "the cluster is behind by more than an epoch",
    epochs: 3,
    arrange: ({ kafka }) => {
      const log = kafka.log("copy.commits");
      // Barrier, marker and their transactions' ends: four offsets for each of the three lives.
      log.truncate(4);
    },
    code: "SINK_DIVERGED",
    exit: 6,
    message: /holds epoch 1 of this job, the state is at epoch 3/,
  },
  {
    situation: "the cluster holds the epoch with another hash",
    epochs: 2,
    arrange: (job) => forgeMarker(job, 2, "another"),
    code: "SINK_DIVERGED",
    exit: 6,
    message: /do not belong together/,
  },
  {
    situation: "the cluster holds a newer epoch",
    epochs: 1,
    arrange: (job) => forgeMarker(job, 2, "newer"),
    code: "SINK_DIVERGED",
    exit: 6,
    message: /holds epoch 2 of this job, the state is at epoch 1/,
  },
  {
    situation: "the state is empty, the cluster holds epochs",
    epochs: 1,
    arrange: (job) => job.loseState(),
    code: "SINK_DIVERGED",
    exit: 6,
    message: /already holds epoch 1.*state directory is empty/,
  },
  {
    situation: "the commits topic is gone, after several epochs",
    epochs: 2,
    arrange: ({ kafka }) => kafka.topics.delete("copy.commits"),
    code: "SINK_DIVERGED",
    exit: 6,
    message: /holds nothing of this job, the state is at epoch 2/,
  },
  {
    situation: "the commits topic is gone, after the first epoch",
    epochs: 1,
    arrange: ({ kafka }) => kafka.topics.delete("copy.commits"),
    code: "SINK_DIVERGED",
    exit: 6,
    message: /holds nothing of this job, the state is at epoch 1/,
  },
  {
    situation: "another writer has put something else into the commits topic",
    epochs: 1,
    arrange: ({ kafka }) => {
      const record = { key: Buffer.from("marker.0"), value: Buffer.from("{}"), timestampMs: 1 };
      kafka.log("copy.commits").append([record]);
    },
    code: "SINK_DIVERGED",
    exit: 6,
    message: /holds at offset \d+ what this release has not written/,
  },
  {
    situation: "retention has taken what was not read",
    epochs: 1,
    arrange: (job) => {
      job.send(3, 4, 5, 6);
      job.kafka.log("in", 0).deleteBefore(2);
    },
    code: "INPUT_CHANGED",
    exit: 6,
    message:
      /partition 0 was read to offset 1, but the log is from 2 to 3 now, 1 offsets are missing/,
  },
  {
    situation: "the input ends before what was read",
    epochs: 3,
    arrange: ({ kafka }) => kafka.log("in", 0).truncate(0),
    code: "INPUT_CHANGED",
    exit: 6,
    message: /was read to offset 2, but the log is from 0 to 0 now/,
  },
  {
    situation: "the input was made again",
    epochs: 1,
    arrange: ({ kafka }) => {
      kafka.topics.delete("in");
      kafka.topics.create("in", 2, {});
    },
    code: "INPUT_CHANGED",
    exit: 6,
    message: /deleted and made again/,
  },
  {
    situation: "the input is gone",
    epochs: 1,
    arrange: ({ kafka }) => kafka.topics.delete("in"),
    code: "INPUT_CHANGED",
    exit: 6,
    message: /no longer exists/,
  },
];

describe("D7: a start refuses, and writes nothing, if", () => {
  for (const { situation, epochs, arrange, code, exit, message } of refused) {
    it(situation, async (context) => {
      const job = await afterEpochs(context, epochs);
      await arrange(job);
      const before = await readTopic(job.kafka.bootstrap, "out");
      const sessions = job.kafka.requests("initProducerId");
      await assert.rejects(job.run(), { code, exit, message });
      assert.deepEqual(await readTopic(job.kafka.bootstrap, "out"), before);
      assert.equal(job.kafka.requests("initProducerId"), sessions, "nobody was fenced");
    });
  }
});

const passing: readonly {
  readonly situation: string;
  readonly arrange: (job: FakeJob) => void;
  readonly code: ErrorCode;
  readonly exit: 5 | 6;
  readonly message: RegExp;
  readonly mend: (job: FakeJob) => void;
}[] = [
  {
    situation: "a topic that does not take the records",
    arrange: ({ kafka }) =>
      kafka.script.refuse("produce", errorCode.messageTooLarge, { topic: "out", times: 1 }),
    code: "KAFKA_REFUSED",
    exit: 6,
    message: /writing to out\/\d: MESSAGE_TOO_LARGE/,
    mend: () => undefined,
  },
  {
    situation: "a topic that is gone",
    arrange: ({ kafka }) => kafka.topics.delete("out"),
    code: "TOPIC_MISSING",
    exit: 5,
    message: /out/,
    mend: ({ kafka }) => kafka.topics.create("out", 2, {}),
  },
  {
    situation: "a right that is gone",
    arrange: ({ kafka }) =>
      kafka.script.refuse("addPartitionsToTxn", errorCode.topicAuthorizationFailed, { times: 1 }),
    code: "KAFKA_REFUSED",
    exit: 6,
    message: /not allowed/,
    mend: () => undefined,
  },
];

describe("nothing of a committed epoch is dropped that meets", () => {
  for (const { situation, arrange, code, exit, message, mend } of passing) {
    it(situation, async (context) => {
      const job = await FakeJob.start(context);
      job.send(1);
      await job.runInto("kafka.join.before");
      arrange(job);
      await assert.rejects(job.run(), { code, exit, message });
      mend(job);
      await job.run();
      await job.assertShown(1);
    });
  }
});

it("K9: a transaction that a crash left open is ended by the next start at once, and readers wait no longer", async (context) => {
  const job = await afterEpochs(context, 1);
  await job.runInto("kafka.mark.after");
  const logs = [job.kafka.log("out", 1), job.kafka.log("copy.commits")];
  for (const log of logs) assert.ok(log.lastStableOffset < log.highWatermark);
  // However the start goes on.
  await job.runInto("kafka.settle.before");
  for (const log of logs) assert.equal(log.lastStableOffset, log.highWatermark);
  await job.run();
  await job.assertShown(1, 2);
});

it("a fresh start on both sides writes the mark of its session, and epoch 1 follows", async (context) => {
  const job = await FakeJob.start(context);
  await job.run();
  assert.equal(job.kafka.log("copy.commits").highWatermark, 2);
  job.send(1);
  await job.run();
  await job.assertShown(1);
});

it("of two clusters only the one is delivered to that lacks the epoch", async (context) => {
  const audit = await FakeKafka.start({ clock: machineClock });
  context.after(() => audit.close());
  audit.topics.create("copies", 2, {});
  const job = await FakeJob.start(context, {
    block: `  clusters: { audit: { bootstrap_servers: "${audit.bootstrap}" } }`,
    sinks: "  copies: { type: kafka, cluster: audit, input: in, topic: copies }",
  });
  job.send(1);
  await job.run();
  job.send(2);
  const place = audit.script.hold("addPartitionsToTxn", "request", (body) =>
    body.includes("copies"),
  );
  const run = job.run();
  await place.arrived;
  audit.script.refuse("initProducerId", errorCode.transactionalIdAuthorizationFailed, { times: 1 });
  audit.cutConnections();
  await assert.rejects(run, { code: "KAFKA_REFUSED" });
  place.release();
  await job.assertShown(1, 2);
  const ends = job.kafka.requests("endTxn");
  await job.run();
  assert.equal(job.kafka.requests("endTxn"), ends + 1, "no more than the barrier");
  await job.assertShown(1, 2);
  assert.equal((await readTopic(audit.bootstrap, "copies")).length, 2);
});

it("D9: a directory that a live process holds is left alone before Kafka is asked", async (context) => {
  const job = await afterEpochs(context, 1);
  const held = job.kafka.script.hold("fetch", "request");
  const first = job.run();
  await held.arrived;
  const asked = job.kafka.requests("metadata");
  await assert.rejects(job.run(), { code: "STATE_LOCKED", exit: 5 });
  assert.equal(job.kafka.requests("metadata"), asked);
  held.release();
  await first;
  await job.assertShown(1, 2);
});

it("a transactional id that was forgotten after a long rest makes no difference", async (context) => {
  const job = await afterEpochs(context, 1);
  job.kafka.transactions.forget("copy.0");
  await job.run();
  await job.assertShown(1, 2);
});

it("a compacted commits topic tells the same", async (context) => {
  const job = await afterEpochs(context, 4);
  const log = job.kafka.log("copy.commits");
  const before = log.read(0, "read_uncommitted", 1 << 20).records.length;
  log.compact();
  assert.ok(log.read(0, "read_uncommitted", 1 << 20).records.length < before / 2);
  await job.run();
  await job.assertShown(1, 2, 3, 4, 5);
});
