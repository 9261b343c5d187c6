import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CommitPermit } from "../../engine/checkpoint/delivery.ts";
import type { OutboxReader } from "../../engine/checkpoint/delivery.ts";
import { memorySink } from "../../engine/connectors/memory/memory-sink.ts";
import type { MemoryOutput } from "../../engine/connectors/memory/memory-sink.ts";
import { MemoryInput, memorySource } from "../../engine/connectors/memory/memory-source.ts";
import { MemoryTopics, memoryTopicSink } from "../../engine/connectors/memory/memory-topics.ts";
import { connectorContext } from "./connector-context.ts";
import { sourceConformance } from "./source-conformance.ts";

const never = new AbortController().signal;

sourceConformance("a memory source", async () => {
  const input = new MemoryInput(3);
  const expected = [23, 0, 1501].map((count, partition) =>
    Array.from({ length: count }, (_, row) => ({
      value: row % 10 === 9 ? null : `{"p":${partition},"r":${row}}`,
      timestampMs: row * 10,
    })),
  );
  for (const [partition, rows] of expected.entries()) input.append(partition, ...rows);
  return {
    create: () =>
      memorySource(new Map([["in", input]])).create({ name: "in" }, connectorContext("/nowhere")),
    expected,
  };
});

describe("memory connectors", () => {
  it("take rows while the job runs and end when told", async () => {
    const input = new MemoryInput(1);
    const definition = memorySource(new Map([["in", input]]), { bounded: false });
    const source = definition.create({ name: "in" }, connectorContext("/nowhere"));
    await source.open(await source.resolveStart(), { untilEnd: false });
    assert.equal(await source.poll(10, never), undefined);
    input.append(0, { value: "a" }, { value: Buffer.from("b") });
    const batch = await source.poll(10, never);
    assert.equal(batch!.bytes.toString(), "ab");
    assert.equal(batch!.ended, false);
    input.end();
    assert.equal((await source.poll(10, never))!.ended, true);
    assert.equal(await source.poll(10, never), undefined);
  });

  it("show committed lines up to the mark, and cut back what follows it", async () => {
    const outputs = new Map<string, MemoryOutput>();
    const definition = memorySink(outputs);
    const first = definition.positioned!({ name: "out" }, connectorContext("/nowhere"));
    assert.deepEqual(await first.inspect(), { length: undefined, mark: undefined });
    await first.open(0);
    first.append("a");
    first.append("é");
    const { length } = await first.flush();
    assert.equal(length, 5);
    await first.publish({ job: "j", incarnation: "i", epoch: 1, hash: "h" }, length);
    first.append("lost");
    assert.deepEqual(outputs.get("out")!.lines, ["a", "é", "lost"]);
    assert.deepEqual(outputs.get("out")!.committedLines, ["a", "é"]);
    const second = definition.positioned!({ name: "out" }, connectorContext("/nowhere"));
    assert.equal((await second.inspect()).mark?.length, 5);
    await second.open(5);
    second.append("b");
    assert.deepEqual(outputs.get("out")!.lines, ["a", "é", "b"]);
    await assert.rejects(second.open(4), { code: "OUTPUT_DAMAGED" });
  });

  it("deliver an epoch whole, once, and only from the newest session", async () => {
    const topics = new MemoryTopics();
    const delivered = memoryTopicSink(topics).delivered!;
    const outputs: OutboxReader = {
      async *batches() {
        const record = {
          topic: 1,
          partition: 2,
          key: null,
          value: Buffer.from("v"),
          timestampMs: 5,
        };
        yield [record, { ...record, key: Buffer.from("k") }];
      },
    };
    const permit = (epoch: number) =>
      CommitPermit.afterCommit({ job: "j", incarnation: "i", epoch, hash: `h${epoch}` });
    const first = delivered.create({}, connectorContext("/nowhere"));
    assert.deepEqual(await first.prepare(["a", "b"]), [4, 4]);
    assert.equal(await first.inspect("j"), undefined);
    await first.begin("j", "one");
    await first.deliver(outputs, permit(1));
    assert.equal((await first.inspect("j"))?.epoch, 1);
    assert.deepEqual(
      topics.records("b").map((record) => record.key),
      [null, "k"],
    );
    await assert.rejects(first.deliver(outputs, permit(1)), { code: "SINK_DIVERGED" });
    const second = delivered.create({}, connectorContext("/nowhere"));
    await second.prepare(["a", "b"]);
    await second.begin("j", "two");
    await assert.rejects(first.deliver(outputs, permit(2)), { code: "SINK_FENCED" });
    await second.deliver(outputs, permit(2));
    assert.equal(topics.records("b").length, 4);
  });
});
