import assert from "node:assert/strict";
import { test } from "node:test";
import { catalog } from "../../engine/catalog.ts";
import { EngineError } from "../../engine/core/errors.ts";
import { overridePlan } from "../../engine/plan/override-plan.ts";
import { compile, job } from "./fixture.ts";

const { plan } = compile(
  job({
    head: "kafka: { bootstrap_servers: embedded }",
    source:
      "orders: { type: kafka, topic: t, event_time: { field: at, format: rfc3339 }, watermark: { max_out_of_orderness: 1m } }",
    steps: ['{ id: last, type: filter, where: "x" }'],
    sinks: [
      "out: { type: kafka, topic: o, input: last, key: k, set: { a: b } }",
      "dead: { type: kafka, topic: d, input: errors }",
    ],
  }),
);

test("a source is read from a file, and keeps its event time and watermark", () => {
  assert.ok(plan);
  const inputs = new Map([["orders", "/data/orders.jsonl"]]);
  const changed = overridePlan(plan, { inputs, outputDirectory: undefined, catalog });
  assert.deepEqual(changed.sources[0], {
    ...plan.sources[0],
    type: "file",
    config: { path: "/data/orders.jsonl" },
    bounded: true,
  });
  assert.deepEqual(changed.sinks, plan.sinks);
  assert.ok(Object.isFrozen(changed.sources[0]?.config));
});

test("sinks write to one file each, and keep what they write", () => {
  assert.ok(plan);
  const changed = overridePlan(plan, {
    inputs: new Map(),
    outputDirectory: "/data/out/",
    catalog,
  });
  assert.deepEqual(
    changed.sinks.map(({ id, type, config, set }) => [id, type, config, set?.length]),
    [
      ["out", "file", { path: "/data/out/out.jsonl" }, 1],
      ["dead", "file", { path: "/data/out/dead.jsonl" }, undefined],
    ],
  );
  assert.equal(plan.sinks[0]?.type, "kafka");
});

test("a source that the job does not have is a usage error with the nearest name", () => {
  assert.ok(plan);
  const inputs = new Map([["order", "/x"]]);
  assert.throws(
    () => overridePlan(plan, { inputs, outputDirectory: undefined, catalog }),
    (error) =>
      error instanceof EngineError &&
      error.code === "USAGE" &&
      error.hint === 'did you mean "orders"?',
  );
});
