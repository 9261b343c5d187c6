import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import { MemoryInput } from "../../engine/connectors/memory/memory-source.ts";
import { assertConserved, JobBench } from "../jobs/compile.ts";

function windows(allowedLateness: string): string {
  return `
version: 1
name: windows
sources:
  orders:
    type: memory
    name: orders
    event_time: { field: at, format: epoch_millis }
    watermark: { max_out_of_orderness: 0s }
steps:
  - id: counts
    type: aggregate
    key: { all: "'all'" }
    window: { type: tumbling, size: 1s }
    allowed_lateness: ${allowedLateness}
    aggregates: { orders: { count: true } }
    set: { start: "$window.start", made_at: "$processing_time()" }
  - id: totals
    type: aggregate
    key: all
    window: { type: tumbling, size: 2s }
    aggregates: { orders: { sum: orders } }
sinks:
  counts: { type: memory, name: counts, input: counts }
  totals: { type: memory, name: totals, input: totals }
  dead: { type: memory, name: dead, input: [errors, counts.late, totals.late] }
`;
}

const at = (ms: number): string => JSON.stringify({ at: ms });

/** Runs once with the long lateness, then with none after `more` was appended. */
async function shorten(context: TestContext, more: readonly string[]): Promise<readonly unknown[]> {
  const input = new MemoryInput(1);
  const bench = await JobBench.open(context, new Map([["orders", input]]));
  const unbounded = (text: string) => {
    const plan = bench.compile(text);
    return { ...plan, sources: plan.sources.map((source) => ({ ...source, bounded: false })) };
  };
  input.append(0, { value: at(100) }, { value: at(5_000) });
  await bench.run(unbounded(windows("1m")));
  assert.deepEqual(bench.records("counts"), []);
  input.append(0, ...more.map((value) => ({ value })));
  const summary = await bench.run(unbounded(windows("0s")), { close: true });
  assertConserved(summary);
  assert.deepEqual(bench.records("dead"), []);
  assert.deepEqual(
    bench.records("totals").map(({ orders }) => orders),
    more.length === 0 ? ["1", "1"].map(Number) : [1, 2],
  );
  return bench.records("counts").map(({ orders, made_at: madeAt }) => [orders, typeof madeAt]);
}

describe("A job whose allowed lateness was shortened between two runs", () => {
  it("fires at once what is due now, before the first record", async (context) => {
    assert.deepEqual(await shorten(context, [at(5_500)]), [
      [1, "string"],
      [2, "string"],
    ]);
  });

  it("does not lose those results if there is no record any more", async (context) => {
    assert.deepEqual(await shorten(context, []), [
      [1, "string"],
      [1, "string"],
    ]);
  });
});

describe("A record that is too far ahead of its broker's time", () => {
  it("is rejected and moves no clock", async (context) => {
    const text = windows("0s")
      .replace("max_out_of_orderness: 0s", "max_out_of_orderness: 0s, max_future_skew: 1m")
      .replace("counts.late, totals.late", "totals.late")
      .replace("  dead:", "  late: { type: memory, name: late, input: counts.late }\n  dead:");
    const input = new MemoryInput(1);
    const row = (ms: number): { value: string; timestampMs: number } => ({
      value: at(ms),
      timestampMs: 10_000,
    });
    input.append(0, row(100), row(200_000), row(200));
    input.end();
    const bench = await JobBench.open(context, new Map([["orders", input]]));
    assertConserved(await bench.run(bench.compile(text)));
    assert.deepEqual(
      bench.records("dead").map(({ code }) => code),
      ["TIMESTAMP_OUT_OF_RANGE"],
    );
    assert.deepEqual(bench.records("late"), []);
    assert.deepEqual(
      bench.records("counts").map(({ orders }) => orders),
      [2],
    );
  });
});
