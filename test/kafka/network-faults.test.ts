import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { KafkaSource } from "../../engine/connectors/kafka/kafka-source.ts";
import { never } from "../connectors/embedded-fixtures.ts";
import { ElapsingClock } from "./elapsing-clock.ts";
import { FakeJob } from "./fake-job.ts";
import { FakeTarget, until } from "./fake-target.ts";
import { TcpProxy } from "./tcp-proxy.ts";
import { clusterAt, quiet } from "./test-cluster.ts";

/** Short, so that a test need not wait long to see that nothing comes. */
const impatient = { request_timeout: "200ms", connect_timeout: "200ms", outage_timeout: "60s" };

async function behindProxy(context: TestContext): Promise<{ bench: FakeTarget; proxy: TcpProxy }> {
  const proxy = await TcpProxy.start();
  context.after(() => proxy.close());
  const bench = await FakeTarget.start(context, { advertisedPorts: [proxy.port] });
  proxy.targetPort = bench.kafka.ports[0];
  return { bench, proxy };
}

describe("K1: a cluster that is down at the start", () => {
  it("K1: is tried again in growing pauses that differ, with a line for every ten seconds, until the outage lasts too long", async (context) => {
    const proxy = await TcpProxy.start();
    context.after(() => proxy.close());
    const clock = new ElapsingClock();
    const lines: number[] = [];
    const startMs = clock.nowMs();
    const logger = { ...quiet, warn: () => lines.push(clock.nowMs() - startMs) };
    const cluster = clusterAt(proxy.address, {}, { clock, logger });
    await assert.rejects(
      cluster.repeated("looking", () => cluster.metadata([])),
      { code: "KAFKA_UNREACHABLE", exit: 5, message: /127\.0\.0\.1:\d+: looking failed/ },
    );
    const waitedMs = clock.nowMs() - startMs;
    assert.ok(waitedMs >= 120_000 && waitedMs < 126_000, `gave up after ${waitedMs} ms`);
    assert.ok(Math.max(...clock.slept) <= 5000 && clock.slept[0]! <= 50);
    const late = clock.slept.slice(10);
    assert.ok(late.every((ms) => ms >= 2500));
    assert.ok(new Set(late).size > 1, "clients that lost the same broker do not come in step");
    assert.ok(lines.length >= 7 && lines.length <= 12, `${lines.length} lines`);
    lines.forEach((ms, index) => assert.ok(ms - (lines[index - 1] ?? 0) >= 10_000));
    cluster.close();
  });

  it("K1: stops a run with 5, which goes on when the cluster is back", async (context) => {
    const job = await FakeJob.start(context, { clock: new ElapsingClock() });
    job.send(1);
    await job.kafka.crash();
    await assert.rejects(job.run(), { code: "KAFKA_UNREACHABLE", exit: 5 });
    await job.kafka.restart();
    await job.run();
    await job.assertShown(1);
  });

  it("K1: does not stop a run that finds it in time", async (context) => {
    const job = await FakeJob.start(context);
    job.send(1);
    await job.kafka.crash();
    const run = job.run();
    await job.kafka.restart();
    await run;
    await job.assertShown(1);
  });
});

const requests = [
  ["initProducerId", "the take-over"],
  ["addPartitionsToTxn", "joining partitions"],
  ["produce", "records"],
  ["endTxn", "the end"],
  ["findCoordinator", "looking for the coordinator"],
  ["metadata", "looking for topics"],
  ["listOffsets", "looking for offsets"],
  ["fetch", "reading the marks"],
] as const;

describe("K3: an answer or a request that is lost", () => {
  for (const [api, what] of requests) {
    for (const point of ["request", "answer"] as const) {
      it(`K3: the ${point} of ${what}: what became of it is read, never assumed`, async (context) => {
        const bench = await FakeTarget.start(context);
        const { kafka } = bench;
        const target = await bench.begun("one");
        await bench.deliver(target, 1, "one");
        // A take-over is part of it for those requests that no delivery makes.
        kafka.cutConnections();
        kafka.script.lose(api, point);
        await bench.deliver(target, 2, "one");
        kafka.script.lose(api, point);
        await bench.deliver(target, 3, "one");
        await bench.assertShown(3);
        assert.deepEqual(bench.stuck(), []);
      });
    }
  }

  for (const point of ["request", "answer"] as const) {
    it(`K3: the ${point} of the commit marker: the epoch is there once`, async (context) => {
      const bench = await FakeTarget.start(context);
      const target = await bench.begun("one");
      bench.kafka.script.lose("produce", point, (body) => body.includes("marker.0"));
      await bench.deliver(target, 1, "one");
      await bench.assertShown(1);
    });
  }
});

describe("K4: an old request that arrives behind a newer transaction", () => {
  const old = [
    ["endTxn", "ends nothing"],
    ["addPartitionsToTxn", "joins nothing"],
    ["produce", "writes nothing"],
  ] as const;
  for (const [api, effect] of old) {
    it(`K4: ${api} is fenced and ${effect}`, async (context) => {
      const bench = await FakeTarget.start(context);
      const { kafka } = bench;
      const target = await bench.begun("one");
      await bench.deliver(target, 1, "one");
      const late = kafka.script.hold(api, "request");
      const second = bench.deliver(target, 2, "one");
      await late.arrived;
      kafka.cutConnections();
      await second;
      // The next transaction is open, with records but without its marker, when the old request comes.
      const marker = kafka.script.hold("produce", "request", (body) => body.includes("marker.0"));
      const third = bench.deliver(target, 3, "one");
      await marker.arrived;
      const ends = [0, 1, 2, 3].map((partition) => kafka.log("out", partition).highWatermark);
      late.release();
      await new Promise((resolve) => setImmediate(resolve));
      await bench.assertShown(2);
      assert.deepEqual(
        [0, 1, 2, 3].map((partition) => kafka.log("out", partition).highWatermark),
        ends,
      );
      marker.release();
      await third;
      await bench.assertShown(3);
    });
  }

  it("K4: an old take-over fences the session, which stops with 5 and leaves the rest to the next one", async (context) => {
    const bench = await FakeTarget.start(context);
    const { kafka } = bench;
    const target = await bench.begun("one");
    await bench.deliver(target, 1, "one");
    kafka.cutConnections();
    const late = kafka.script.hold("initProducerId", "request");
    const second = bench.deliver(target, 2, "one");
    const unfenced = second.then(() => assert.fail("no take-over"));
    await Promise.race([late.arrived, unfenced]);
    unfenced.catch(() => undefined);
    kafka.cutConnections();
    await second;
    const before = kafka.requests("initProducerId");
    late.release();
    await new Promise((resolve) => setImmediate(resolve));
    await assert.rejects(bench.deliver(target, 3, "one"), { code: "KAFKA_INTERRUPTED", exit: 5 });
    assert.equal(kafka.requests("initProducerId"), before, "it does not fence in return");
    const next = await bench.begun("two");
    await bench.deliver(next, 3, "two");
    await bench.assertShown(3);
  });
});

const ways: readonly (readonly [what: string, break_: (proxy: TcpProxy) => void])[] = [
  ["no request arrives", (proxy) => proxy.blackhole("to-target")],
  ["no answer arrives", (proxy) => proxy.blackhole("to-client")],
  ["nothing arrives", (proxy) => proxy.blackhole()],
  ["a byte a second arrives", (proxy) => proxy.slow(1)],
  ["connections are reset", (proxy) => proxy.cut()],
];

describe("K5: a network that fails without a word is noticed, and the run goes on behind it", () => {
  for (const [what, breakNetwork] of ways) {
    it(`K5: between two epochs ${what}`, async (context) => {
      const { bench, proxy } = await behindProxy(context);
      const target = await bench.begun("one", impatient);
      await bench.deliver(target, 1, "one");
      breakNetwork(proxy);
      const second = bench.deliver(target, 2, "one");
      await until(() => bench.warnings.some((line) => line.includes("was interrupted")));
      proxy.resume();
      await second;
      await bench.deliver(target, 3, "one");
      await bench.assertShown(3);
    });

    it(`K5: amid a transaction ${what}`, async (context) => {
      const { bench, proxy } = await behindProxy(context);
      const { kafka } = bench;
      const target = await bench.begun("one", impatient);
      await bench.deliver(target, 1, "one");
      const middle = kafka.script.hold("endTxn", "request");
      const second = bench.deliver(target, 2, "one");
      await middle.arrived;
      breakNetwork(proxy);
      middle.release();
      await until(() => bench.warnings.some((line) => line.includes("was interrupted")));
      proxy.resume();
      await second;
      await bench.assertShown(2);
    });

    it(`K5: while it reads ${what}`, async (context) => {
      const { bench, proxy } = await behindProxy(context);
      const { kafka } = bench;
      const options = {
        topic: "out",
        start: "earliest",
        maxRecordBytes: 1000,
        group: "job",
      } as const;
      const source = new KafkaSource(clusterAt(kafka.bootstrap, impatient), options);
      context.after(() => source.close());
      await source.open(await source.resolveStart(), { untilEnd: false });
      const read: string[] = [];
      const readUntil = async (count: number): Promise<void> => {
        while (read.length < count) {
          const batch = await source.poll(10, never);
          batch?.starts.forEach((start, row) =>
            read.push(batch.bytes.toString("utf8", start, batch.ends[row])),
          );
        }
      };
      const append = (value: string) =>
        kafka.log("out", 1).append([{ key: null, value: Buffer.from(value), timestampMs: 1 }]);
      append("one");
      await readUntil(1);
      const asked = kafka.requests("fetch");
      breakNetwork(proxy);
      append("two");
      // Longer than a request may take: it has been given up by then, or was reset.
      for (let polls = 0; polls < 5; polls += 1) await source.poll(10, never);
      proxy.resume();
      await readUntil(2);
      append("three");
      await readUntil(3);
      assert.deepEqual(read, ["one", "two", "three"]);
      assert.ok(kafka.requests("fetch") > asked);
    });
  }
});
