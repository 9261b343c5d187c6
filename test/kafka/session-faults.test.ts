import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { FakeKafka } from "../../engine/testing/fake-kafka/fake-kafka.ts";
import type { FakeKafkaOptions } from "../../engine/testing/fake-kafka/fake-kafka.ts";
import { machineClock } from "../connectors/embedded-fixtures.ts";
import { pipeline } from "../crash/pipeline-process.ts";
import type { ProcessEnd } from "../crash/pipeline-process.ts";
import { FakeJob } from "./fake-job.ts";
import { FakeTarget, until } from "./fake-target.ts";

async function jobOn(
  context: TestContext,
  options: Partial<FakeKafkaOptions>,
  block = "",
): Promise<FakeJob> {
  const kafka = await FakeKafka.start({ clock: machineClock, ...options });
  return FakeJob.start(context, { kafka, block });
}

/** The job as a process of its own. */
function runProcess({ text, folder }: FakeJob, stateFolder = "state"): Promise<ProcessEnd> {
  writeFileSync(join(folder, "job.yaml"), text);
  return pipeline(["run", "job.yaml", "--until-end", "--state-dir", stateFolder], { cwd: folder });
}

describe("two copies of a job", () => {
  it("K7: a copy with a state directory of its own looks first and stops with 6, and the running one goes on", async (context) => {
    const job = await FakeJob.start(context);
    const stop = new AbortController();
    job.send(1);
    const run = job.run({ untilEnd: false, checkpointIntervalMs: 10 }, { stop: stop.signal });
    run.catch(() => undefined);
    await until(() => job.kafka.requests("endTxn") > 1);
    const sessions = job.kafka.requests("initProducerId");
    const copy = await runProcess(job, "other-state");
    assert.equal(copy.exit, 6, copy.stderr);
    assert.match(copy.stderr, /SINK_DIVERGED.*state directory is empty/s);
    assert.equal(job.kafka.requests("initProducerId"), sessions, "nobody was fenced");
    job.send(2);
    const ends = job.kafka.requests("endTxn");
    await until(() => job.kafka.requests("endTxn") > ends);
    stop.abort();
    await run;
    await job.assertShown(1, 2);
  });

  it("K7: if both got in, the older one stops with 5 at its next delivery, with 6 when it is started again", async (context) => {
    const job = await FakeJob.start(context);
    job.send(1);
    await job.run();
    cpSync(job.state, join(job.folder, "copied-state"), { recursive: true });
    const run = job.run({ untilEnd: false, checkpointIntervalMs: 10 });
    run.catch(() => undefined);
    const sessions = job.kafka.requests("initProducerId");
    await until(() => job.kafka.requests("initProducerId") > sessions);
    job.saveState();
    // The copy knows this session and so takes it for one that is over.
    const copy = await runProcess(job, "saved");
    assert.equal(copy.exit, 0, copy.stderr);
    job.send(2);
    await assert.rejects(run, { code: "KAFKA_INTERRUPTED", exit: 5 });
    await job.assertShown(1);
    await assert.rejects(job.run(), { code: "SINK_FENCED", exit: 6 });
    assert.equal((await runProcess(job, "saved")).exit, 0);
    await job.assertShown(1, 2);
  });

  it("K7: a copy that is outrun between its look and its fence stops, and a restart of the other one goes on", async (context) => {
    const bench = await FakeTarget.start(context);
    const running = await bench.begun("running");
    await bench.deliver(running, 1, "running");
    const outrun = await bench.target(
      {},
      {
        async hit(name) {
          if (name === "kafka.fence.before") await bench.deliver(running, 2, "running");
        },
      },
    );
    await assert.rejects(outrun.begin("job", "copy", 1), { code: "SINK_FENCED", exit: 6 });
    await assert.rejects(bench.deliver(running, 3, "running"), {
      code: "KAFKA_INTERRUPTED",
      exit: 5,
    });
    await bench.assertShown(2);
    const restarted = await bench.target();
    assert.equal((await restarted.inspect("job"))?.incarnation, "running");
    await restarted.begin("job", "restarted", 3);
    await bench.deliver(restarted, 3, "restarted");
    await bench.assertShown(3);
  });

  it("K6: a transaction that took too long stops the run with 5, and the next one makes up for it", async (context) => {
    const job = await FakeJob.start(context);
    job.send(1);
    const held = job.kafka.script.hold("produce", "request", (body) => body.includes("marker.0"));
    const run = job.run();
    run.catch(() => undefined);
    await held.arrived;
    const sessions = job.kafka.requests("initProducerId");
    job.kafka.advance(60_001);
    held.release();
    await assert.rejects(run, { code: "KAFKA_INTERRUPTED", exit: 5 });
    assert.equal(job.kafka.requests("initProducerId"), sessions, "it does not fence in return");
    await job.assertShown();
    await job.run();
    await job.assertShown(1);
  });
});

describe("what a broker does not grant is refused before anything is read", () => {
  it("K8: a transaction timeout over the broker's maximum: exit 6 with both numbers", async (context) => {
    const job = await jobOn(
      context,
      { maxTransactionTimeoutMs: 90_000 },
      "  transaction_timeout: 2m",
    );
    job.send(1);
    const { exit, stderr } = await runProcess(job);
    assert.equal(exit, 6, stderr);
    assert.match(stderr, /KAFKA_REFUSED.*120000 ms.*90000 ms/s);
    assert.equal(job.kafka.requests("fetch"), 0);
    assert.equal(job.kafka.requests("produce"), 0);
  });

  it("K18: brokers of 2.x are named as unsupported: exit 6", async (context) => {
    const versions = { fetch: 12, metadata: 9, listOffsets: 6 };
    const job = await jobOn(context, { versions });
    job.send(1);
    const { exit, stderr } = await runProcess(job);
    assert.equal(exit, 6, stderr);
    assert.match(stderr, /KAFKA_UNSUPPORTED.*older than Kafka 3\.1/s);
    for (const api of ["fetch", "produce", "createTopics", "initProducerId"] as const) {
      assert.equal(job.kafka.requests(api), 0, api);
    }
  });

  it("K18: so is one that only lacks what reading needs", async (context) => {
    const job = await jobOn(context, { versions: { fetch: 12 } });
    job.send(1);
    const { exit, stderr } = await runProcess(job);
    assert.equal(exit, 6, stderr);
    assert.match(stderr, /KAFKA_UNSUPPORTED.*Fetch 13/s);
    for (const api of ["fetch", "produce"] as const) assert.equal(job.kafka.requests(api), 0, api);
  });
});
