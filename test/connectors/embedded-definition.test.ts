import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  ConnectorContext,
  ConnectorResolveContext,
} from "../../engine/connectors/connector.ts";
import { kafkaBlockSchema } from "../../engine/connectors/kafka/block.ts";
import { kafkaSink, kafkaSource } from "../../engine/connectors/kafka/definition.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import type { JsonObject } from "../../engine/core/json.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import {
  epochRecords,
  machineClock,
  never,
  outbox,
  permitFor,
  temporaryFolder,
} from "./embedded-fixtures.ts";

const embedded: JsonObject = { bootstrap_servers: "embedded" };

function resolving(kafka: JsonObject): { context: ConnectorResolveContext; codes: string[] } {
  const codes: string[] = [];
  const context: ConnectorResolveContext = {
    kafka,
    report: (path, { code }) => codes.push(`${code} at ${path.join(".")}`),
    expression: () => undefined,
    durationMs: () => undefined,
    path: () => undefined,
  };
  return { context, codes };
}

function runContext(topicsDirectory: string): ConnectorContext {
  const unused = (): never => assert.fail("not needed");
  return {
    job: "job",
    stop: new AbortController().signal,
    topicsDirectory,
    baseDirectory: "/",
    maxRecordBytes: 1_048_576,
    failpoints: noFailpoints,
    files: nodeFiles,
    clock: machineClock,
    logger: { info: unused, warn: unused, error: unused },
    compile: unused,
    evaluation: {
      eventTimeMs: Number.NaN,
      brokerTimeMs: Number.NaN,
      processingTimeMs: 0,
      result: undefined,
      error: undefined,
      late: undefined,
      index: 0,
      random: unused,
    },
  };
}

test("every default is in the resolved config", () => {
  const { context, codes } = resolving(embedded);
  assert.deepEqual(kafkaSource.resolve({ topic: "in" }, context), {
    topic: "in",
    start: "earliest",
    bootstrap_servers: "embedded",
    partitions: 4,
  });
  const eight = resolving({ ...embedded, embedded: { partitions: 8 } });
  assert.deepEqual(kafkaSource.resolve({ topic: "in", start: "latest" }, eight.context), {
    topic: "in",
    start: "latest",
    bootstrap_servers: "embedded",
    partitions: 8,
  });
  assert.deepEqual(kafkaSink.resolve({ topic: "out" }, eight.context), {
    topic: "out",
    bootstrap_servers: "embedded",
    partitions: 8,
  });
  assert.deepEqual([codes, eight.codes], [[], []]);
});

test("an illegal topic name and a missing kafka block are findings", () => {
  const bad = resolving(embedded);
  assert.equal(kafkaSource.resolve({ topic: "a/b" }, bad.context), undefined);
  assert.equal(kafkaSink.resolve({ topic: ".." }, bad.context), undefined);
  assert.deepEqual(bad.codes, ["SPEC_TOPIC_NAME at topic", "SPEC_TOPIC_NAME at topic"]);
  const none = resolving({});
  assert.equal(kafkaSink.resolve({ topic: "out" }, none.context), undefined);
  assert.deepEqual(none.codes, ["SPEC_MISSING_FIELD at type"]);
  assert.deepEqual(kafkaBlockSchema["required"], ["bootstrap_servers"]);
});

test("sinks share a target by their cluster, and take what a broker takes by default", () => {
  const { context } = resolving(embedded);
  const one = kafkaSink.resolve({ topic: "one" }, context) ?? {};
  const two = kafkaSink.resolve({ topic: "two" }, context) ?? {};
  const real = kafkaSink.resolve(
    { topic: "one" },
    resolving({ bootstrap_servers: "b:9092" }).context,
  );
  const { delivered } = kafkaSink;
  assert.ok(delivered);
  assert.equal(delivered.targetId(one), "embedded");
  assert.equal(delivered.targetId(two), "embedded");
  assert.equal(delivered.targetId(real ?? {}), "kafka");
  assert.equal(delivered.topic(two), "two");
  assert.equal(kafkaSink.maxValueBytes(one), 1_048_588);
});

test("what the sink delivers, the source reads", async (t) => {
  const folder = await temporaryFolder(t);
  const run = runContext(folder.directory);
  const { context } = resolving(embedded);
  const target = kafkaSink.delivered?.create(
    kafkaSink.resolve({ topic: "out" }, context) ?? {},
    run,
  );
  assert.ok(target);
  assert.deepEqual(await target.prepare(["out", "other"]), [4, 4]);
  await target.begin("job", "first");
  await target.deliver(outbox(epochRecords(1)), permitFor(1, "first"));
  await target.close();
  const source = kafkaSource.create(kafkaSource.resolve({ topic: "out" }, context) ?? {}, run);
  await source.open(await source.resolveStart(), { untilEnd: true });
  let rows = 0;
  for (let batch; (batch = await source.poll(100, never)) !== undefined;)
    rows += batch.starts.length;
  assert.equal(rows, epochRecords(1).filter(({ topic }) => topic === 0).length);
  await source.close();
});
