import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { errorEnvelope } from "../../engine/core/envelope.ts";
import type { Origin } from "../../engine/core/record.ts";
import { StreamRecord } from "../../engine/core/record.ts";
import { compileExpression } from "../../engine/expression/compile.ts";
import type { PlanSink } from "../../engine/plan/plan.ts";
import { RunEvaluation } from "../../engine/runtime/evaluation-scope.ts";
import { NodeCounters } from "../../engine/runtime/node-counters.ts";
import { Cursor } from "../../engine/runtime/output-port.ts";
import { PortBuffer, recordRow } from "../../engine/runtime/port-buffer.ts";
import { SinkNode } from "../../engine/runtime/sink-node.ts";

const maxValueBytes = 1_000;

/** What a sink of error ports writes for one rejected original. */
function written(original: Buffer, set: Readonly<Record<string, string>> | null): string {
  const origin: Origin = {
    sourceId: "orders",
    sourceName: "orders",
    batch: {
      partition: 0,
      bytes: original,
      starts: [0],
      ends: [original.length],
      offsets: [0],
      resumeAt: 1,
      ended: false,
    },
  };
  const envelope = errorEnvelope({
    fault: { code: "MALFORMED_JSON", message: "malformed" },
    step: "orders",
    record: new StreamRecord({ amount: 12 }, NaN, 0, 0, origin, 0, false),
    origin,
    row: 0,
    lane: "orders/0",
    timeMs: 0,
  });
  const input = new PortBuffer({ read: true, carriesTime: false });
  input.push(
    recordRow,
    new StreamRecord(envelope, NaN, 0, 0, origin, 0, true, undefined, 0, envelope),
  );
  const texts: string[] = [];
  const evaluation = new RunEvaluation();
  evaluation.context.processingTimeMs = 0;
  const sink = {
    id: "dead",
    format: "json",
    key: null,
    set:
      set === null
        ? null
        : Object.entries(set).map(([field, expression]) => ({
            field,
            value: { expression, scope: "sink" },
          })),
  } as unknown as PlanSink;
  new SinkNode({
    sink,
    inputs: [input],
    rejected: undefined,
    counters: new NodeCounters("dead", "sink"),
    cursor: new Cursor(),
    evaluation,
    compile: ({ expression, scope }) =>
      compileExpression(expression, {
        scope,
        tables: new Map(),
        parameters: new Map(),
        rounding: "half_up",
      }),
    maxValueBytes,
    writer: { append: (_key, value) => void texts.push(value) },
  }).run();
  assert.equal(texts.length, 1);
  return texts[0] ?? "";
}

const large = Buffer.from("x".repeat(5_000));

describe("A sink of error ports whose target has a size limit", () => {
  const cases = [
    { name: "without set", set: null },
    { name: "whose set fails on every envelope", set: { bad: "message + 1" } },
    {
      name: "whose set fails only once the record was taken out",
      set: { all: "original", a: "record.amount ? 1 : $number([])" },
    },
  ];
  for (const { name, set } of cases) {
    it(`writes a shortened envelope, ${name}`, () => {
      const text = written(large, set);
      assert.ok(Buffer.byteLength(text) <= maxValueBytes);
      const envelope = JSON.parse(text) as Record<string, unknown>;
      assert.equal(envelope["code"], "MALFORMED_JSON");
      assert.equal(envelope["original_cut"], true);
      assert.equal(envelope["original_length"], 5_000);
    });
  }

  it("tells length and digest of the bytes, not of their base64 text", () => {
    const bytes = Buffer.alloc(5_000, 0xff);
    const envelope = JSON.parse(written(bytes, null)) as Record<string, unknown>;
    assert.equal(envelope["encoding"], "base64");
    assert.equal(envelope["original_length"], 5_000);
    assert.equal(envelope["original_sha256"], createHash("sha256").update(bytes).digest("hex"));
  });
});
