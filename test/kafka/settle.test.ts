import assert from "node:assert/strict";
import { test } from "node:test";
import { transactionalProducer } from "./fake-producer.ts";
import { FakeTarget, until } from "./fake-target.ts";

// A broker that dies uncleanly can forget the markers of a transaction that has ended: its records stay open.

const all = ["out/0", "out/1", "out/2", "out/3", "job.commits/0"];

const rows: readonly {
  what: string;
  isHeld: (name: string) => boolean;
  stuck: readonly string[];
}[] = [
  { what: "everywhere", isHeld: () => true, stuck: all },
  {
    what: "in two of four partitions",
    isHeld: (name) => name === "out/0" || name === "out/2",
    stuck: ["out/0", "out/2"],
  },
  { what: "in the commits topic alone", isHeld: (name) => name === all[4], stuck: [all[4]!] },
  { what: "in the outputs alone", isHeld: (name) => name !== all[4], stuck: all.slice(0, 4) },
  {
    what: "in one output and the commits topic",
    isHeld: (name) => name === all[1] || name === all[4],
    stuck: [all[1]!, all[4]!],
  },
];

for (const { what, isHeld, stuck } of rows) {
  for (const isAnswered of [true, false]) {
    const answer = isAnswered ? "answered" : "lost its answer";
    test(`a commit that ${answer} and lost its markers ${what} is committed by the next take-over`, async (t) => {
      const bench = await FakeTarget.start(t);
      const { kafka } = bench;
      const target = await bench.begun("one");
      await bench.deliver(target, 1, "one");
      kafka.transactions.holdMarkers(isHeld);
      const end = isAnswered ? undefined : kafka.script.hold("endTxn", "answer");
      const delivering = bench.deliver(target, 2, "one");
      if (end === undefined) await untilStuck(bench, stuck);
      else await end.arrived;
      await kafka.crash();
      kafka.transactions.skipMarkers();
      assert.deepEqual(bench.stuck(), stuck);
      end?.release();
      await kafka.restart();
      await delivering;
      await bench.deliver(target, 3, "one");
      assert.equal(bench.warnings.filter((line) => line.includes("settled")).length, 1);
      assert.deepEqual(bench.stuck(), []);
      await bench.assertShown(3);
    });
  }
}

/** Until the transaction has ended: from then on nothing but markers is missing. */
async function untilStuck(bench: FakeTarget, stuck: readonly string[]): Promise<void> {
  const ended = bench.kafka.requests("endTxn");
  await until(
    () => bench.kafka.requests("endTxn") > ended && bench.stuck().join() === stuck.join(),
  );
}

test("an abort that lost its markers is aborted by the next take-over, and its epoch is delivered again", async (t) => {
  const bench = await FakeTarget.start(t);
  const { kafka } = bench;
  const target = await bench.begun("one");
  await bench.deliver(target, 1, "one");
  // The records are there, the commit marker is not: nobody asked for a commit.
  const mark = kafka.script.hold("produce", "request", (body) => body.includes("marker.0"));
  const delivering = bench.deliver(target, 2, "one");
  await mark.arrived;
  kafka.transactions.holdMarkers();
  // The take-over aborts the transaction; the broker dies before it has written that.
  const taking = kafka.requests("initProducerId");
  kafka.cutConnections();
  await until(() => kafka.requests("initProducerId") > taking);
  await kafka.crash();
  kafka.transactions.skipMarkers();
  assert.deepEqual(bench.stuck(), all.slice(0, 4));
  await kafka.restart();
  await delivering;
  mark.release();
  assert.equal(bench.warnings.filter((line) => line.includes("settled")).length, 1);
  assert.deepEqual(bench.stuck(), []);
  await bench.assertShown(2);
});

test("an epoch that is whole with its marker, aborted by nobody's markers, is kept", async (t) => {
  const bench = await FakeTarget.start(t);
  const { kafka } = bench;
  const target = await bench.begun("one");
  await bench.deliver(target, 1, "one");
  kafka.script.lose("endTxn", "request");
  kafka.transactions.holdMarkers();
  const taking = kafka.requests("initProducerId");
  const delivering = bench.deliver(target, 2, "one");
  await until(() => kafka.requests("initProducerId") > taking);
  await kafka.crash();
  kafka.transactions.skipMarkers();
  assert.deepEqual(bench.stuck(), all);
  await kafka.restart();
  await delivering;
  assert.deepEqual(bench.stuck(), []);
  assert.equal((await target.inspect("job"))?.epoch, 2);
  await bench.assertShown(2);
});

test("what one partition shows of an aborted epoch decides for the others", async (t) => {
  const bench = await FakeTarget.start(t);
  const { kafka } = bench;
  const target = await bench.begun("one");
  await bench.deliver(target, 1, "one");
  kafka.script.lose("endTxn", "request");
  kafka.transactions.holdMarkers((name) => name !== "out/3");
  const taking = kafka.requests("initProducerId");
  const delivering = bench.deliver(target, 2, "one");
  await until(() => kafka.requests("initProducerId") > taking);
  await kafka.crash();
  kafka.transactions.skipMarkers();
  assert.deepEqual(bench.stuck(), ["out/0", "out/1", "out/2", "job.commits/0"]);
  await kafka.restart();
  await delivering;
  assert.deepEqual(bench.stuck(), []);
  await bench.assertShown(2);
});

test("markers that disagree are left to a person: exit 6, and nothing is changed", async (t) => {
  const bench = await FakeTarget.start(t);
  const { kafka } = bench;
  const target = await bench.begun("one");
  await bench.deliver(target, 1, "one");
  kafka.script.lose("endTxn", "request");
  kafka.transactions.holdMarkers((name) => name !== "out/3");
  const taking = kafka.requests("initProducerId");
  const delivering = bench.deliver(target, 2, "one");
  // Awaited below.
  delivering.catch(() => undefined);
  await until(() => kafka.requests("initProducerId") > taking);
  await kafka.crash();
  kafka.transactions.skipMarkers();
  // One has the abort of the take-over; another says what cannot be.
  kafka.log("out", 0).mark(1000, 1, "commit");
  const before = bench.stuck();
  assert.deepEqual(before, ["out/1", "out/2", "job.commits/0"]);
  await kafka.restart();
  await assert.rejects(delivering, {
    code: "SINK_DIVERGED",
    exit: 6,
    message: /ended in two ways/,
  });
  assert.deepEqual(bench.stuck(), before);
  const again = await bench.target();
  await assert.rejects(again.begin("job", "two"), { code: "SINK_DIVERGED", exit: 6 });
  assert.deepEqual(bench.stuck(), before);
});

test("a barrier that lost its marker does not hold up the next take-over", async (t) => {
  const bench = await FakeTarget.start(t);
  const { kafka } = bench;
  const target = await bench.begun("one");
  await bench.deliver(target, 1, "one");
  kafka.transactions.holdMarkers();
  const ending = kafka.script.hold("endTxn", "answer");
  const second = await bench.target();
  const beginning = second.begin("job", "two");
  await ending.arrived;
  await kafka.crash();
  kafka.transactions.skipMarkers();
  ending.release();
  assert.deepEqual(bench.stuck(), ["job.commits/0"]);
  await kafka.restart();
  await beginning;
  await bench.deliver(second, 2, "two");
  assert.deepEqual(bench.stuck(), []);
  await bench.assertShown(2);
});

test("an open transaction of somebody else in an output is none of ours", async (t) => {
  const bench = await FakeTarget.start(t);
  const { kafka } = bench;
  const { producerId, producerEpoch } = kafka.transactions.initProducerId("other", 60_000);
  const other = { producerId, producerEpoch };
  kafka.transactions.addPartitions("other", other, [{ topic: "out", partition: 1 }]);
  const lost = [{ key: null, value: Buffer.from("lost"), timestampMs: 1 }];
  kafka.log("out", 1).produce(transactionalProducer(other)(lost));
  const target = await bench.begun("one");
  await bench.deliver(target, 1, "one");
  kafka.cutConnections();
  await bench.deliver(target, 2, "one");
  kafka.transactions.end("other", other, "abort");
  assert.deepEqual(
    bench.warnings.filter((line) => line.includes("settled")),
    [],
  );
  await bench.assertShown(2);
});

test("an epoch that brokers do not finish, though no connection was lost, is settled before the next one begins", async (t) => {
  const bench = await FakeTarget.start(t);
  const { kafka } = bench;
  const target = await bench.begun("one");
  await bench.deliver(target, 1, "one");
  // A partition's leader dies and comes back: the coordinator, another broker, gives up on its marker.
  kafka.transactions.holdMarkers((name) => name === "out/1");
  await bench.deliver(target, 2, "one");
  kafka.transactions.skipMarkers();
  assert.deepEqual(bench.stuck(), ["out/1"]);
  // The next transaction is aborted: what lies open under it would go with it.
  kafka.script.lose(
    "endTxn",
    "request",
    (body) => body.at(-1) === 1 && kafka.log("out", 1).highWatermark > 6,
  );
  await bench.deliver(target, 3, "one");
  assert.deepEqual(bench.stuck(), []);
  await bench.assertShown(3);
});

test("a commits topic that is gone amid a run is named: exit 6", async (t) => {
  const bench = await FakeTarget.start(t);
  const target = await bench.begun("one");
  await bench.deliver(target, 1, "one");
  bench.kafka.topics.delete("job.commits");
  const gone = { code: "SINK_DIVERGED", exit: 6, message: /topic job\.commits is gone/ } as const;
  for (let tries = 0; tries < 2; tries += 1) {
    await assert.rejects(bench.deliver(target, 2, "one"), gone);
  }
});
