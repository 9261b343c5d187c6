import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { pipeline } from "../crash/pipeline-process.ts";
import { FakeJob } from "./fake-job.ts";

const batchRecords = 100;
const recordBytes = 10_000;

it("K15: while a delivery hangs, polling pauses with a bounded part of the input read", async (context) => {
  const job = await FakeJob.start(context);
  const batches = 40;
  const text = "x".repeat(recordBytes);
  for (let batch = 0; batch < batches; batch += 1) {
    const records = Array.from({ length: batchRecords }, (_, row) => ({
      key: null,
      value: Buffer.from(`{"n":${batch * batchRecords + row},"text":"${text}"}`),
      timestampMs: 1,
    }));
    job.kafka.log("in").append(records);
  }
  const isDelivery = (): boolean => job.kafka.requests("endTxn") > 1;
  const held = job.kafka.script.hold("endTxn", "request", isDelivery);
  const run = job.run({ checkpointIntervalMs: 1 });
  run.catch(() => undefined);
  await held.arrived;
  let asked = -1;
  // What was under way comes to an end; then nothing more is asked for.
  while (job.kafka.requests("fetch") !== asked) {
    asked = job.kafka.requests("fetch");
    for (let turns = 0; turns < 500; turns += 1) await new Promise((done) => setImmediate(done));
  }
  assert.ok(asked <= 8, `${asked} fetches of two megabytes, of twenty`);
  held.release();
  assert.equal((await run).records, batches * batchRecords);
});

it("K19: a long backlog, packed well, is read in bounded memory", async (context) => {
  const job = await FakeJob.start(context);
  const batches = 60;
  const rows = 10_000;
  for (let batch = 0; batch < batches; batch += 1) {
    const records = Array.from({ length: rows }, () => ({
      key: null,
      value: Buffer.from('{"n":1,"text":"the same again and again and again and again"}'),
      timestampMs: 1,
    }));
    job.kafka.log("in").append(records, "gzip");
  }
  writeFileSync(
    join(job.folder, "job.yaml"),
    `
version: 1
name: backlog
kafka: { bootstrap_servers: "${job.kafka.bootstrap}" }
sources:
  in: { type: kafka, topic: in, format: json }
steps:
  - { id: none, type: filter, where: "n > 1" }
sinks:
  out: { type: file, input: none, path: out.jsonl }
discard: [in.rejected, none.failed, none.dropped, sinks.out.rejected]
`,
  );
  const { exit, signal, stdout, stderr } = await pipeline(["run", "job.yaml", "--until-end"], {
    cwd: job.folder,
    nodeOptions: "--max-old-space-size=40",
  });
  assert.equal(exit, 0, `${signal} ${stderr.slice(0, 1000)}`);
  assert.match(stdout, /600,?000 records/);
});
