import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryInput } from "../../engine/connectors/memory/memory-source.ts";
import { JobFolder } from "../cli/job-folder.ts";
import { JobBench } from "./compile.ts";

const job = `
version: 1
name: repeats
sources:
  orders:
    type: memory
    name: orders
    event_time: { field: at, format: epoch_millis }
    watermark: { max_out_of_orderness: 0s }
steps:
  - { id: once, type: dedupe, key: id, ttl: 10s, granularity: 1s }
sinks:
  first: { type: memory, name: first, input: once }
  repeats: { type: memory, name: repeats, input: once.duplicates }
  dead: { type: memory, name: dead, input: errors }
`;

const row = (id: string, at: number, payload = "p"): { value: string } => ({
  value: JSON.stringify({ id, at, payload }),
});

describe("A repeat", () => {
  it("I13: is caught in its batch, in another partition, with another payload and after a restart, and passes after the ttl", async (context) => {
    const input = new MemoryInput(2);
    const bench = await JobBench.open(context, new Map([["orders", input]]));
    const plan = bench.compile(job);
    const growing = {
      ...plan,
      sources: plan.sources.map((source) => ({ ...source, bounded: false })),
    };
    const ran = async (): Promise<readonly unknown[]> => {
      await bench.run(growing);
      assert.deepEqual(bench.records("dead"), []);
      return bench.records("first").map(({ id, at }) => [id, at]);
    };
    input.append(0, row("a", 1_000), row("a", 1_000), row("a", 1_500, "another"));
    input.append(1, row("a", 1_000), row("b", 2_000));
    const once = await ran();
    assert.deepEqual(once, [
      ["a", 1_000],
      ["b", 2_000],
    ]);
    assert.equal(bench.records("repeats").length, 3);

    input.append(0, row("b", 2_000), row("a", 10_999));
    assert.deepEqual(await ran(), once, "after a restart");
    assert.equal(bench.records("repeats").length, 5);

    // F of "a" is 1,000: from 11,000 on it is a new one.
    input.append(0, row("a", 11_000), row("a", 11_001));
    assert.deepEqual(await ran(), [...once, ["a", 11_000]]);
    assert.equal(bench.records("repeats").length, 6);
  });

  it("I15: is told by the record, whatever key the topic has for it", async (context) => {
    const folder = new JobFolder(
      context,
      `
version: 1
name: keys
kafka: { bootstrap_servers: embedded }
sources:
  orders:
    type: kafka
    topic: orders
    start: earliest
    event_time: { field: at, format: epoch_millis }
    watermark: { max_out_of_orderness: 1h }
steps:
  - { id: once, type: dedupe, key: id, ttl: 1h }
sinks:
  first: { type: file, path: out/first.jsonl, input: once }
  repeats: { type: file, path: out/repeats.jsonl, input: [once.duplicates, errors] }
`,
    );
    const rows = Array.from({ length: 40 }, (_, index) => `{"id":"o-${index % 20}","at":1000}`);
    folder.write("keyed.txt", rows.map((text, index) => `k${index}|${text}\n`).join(""));
    folder.write("bare.jsonl", rows.map((text) => `${text}\n`).join(""));
    for (const args of [
      ["--file", "keyed.txt", "--key-separator", "|"],
      ["--file", "bare.jsonl"],
    ]) {
      const made = await folder.pipeline("produce", "orders", ...args);
      assert.equal(made.exit, 0, made.stderr);
    }
    const end = await folder.run();
    assert.equal(end.exit, 0, end.stderr);
    const ids = folder.records("out/first.jsonl").map(({ id }) => id);
    assert.equal(ids.length, 20);
    assert.equal(new Set(ids).size, 20);
    assert.equal(folder.records("out/repeats.jsonl").length, 60);
  });
});
