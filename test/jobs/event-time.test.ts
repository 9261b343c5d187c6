import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import type { MemoryOutput } from "../../engine/connectors/memory/memory-sink.ts";
import { MemoryInput } from "../../engine/connectors/memory/memory-source.ts";
import type { RunProgress } from "../../engine/runtime/run.ts";
import { ManualClock } from "../../engine/testing/manual-clock.ts";
import { TestDriver } from "../../engine/testing/test-driver.ts";
import { assertConserved, compileText, JobBench } from "./compile.ts";

const startMs = 1_750_000_000_000;

function windows(idleTimeout = ""): string {
  return `
version: 1
name: windows
sources:
  orders:
    type: memory
    name: orders
    event_time: { field: at, format: epoch_millis }
    watermark: { max_out_of_orderness: 0s${idleTimeout} }
steps:
  - id: counts
    type: aggregate
    key: { all: "'all'" }
    window: { type: tumbling, size: 1s }
    aggregates: { orders: { count: true } }
    set: { start: "$window.start" }
sinks:
  counts: { type: memory, name: counts, input: counts }
  late:
    type: memory
    name: late
    input: counts.late
    set: { at: at, ms: "$late.lateness_ms", start: "$late.window_start", end: "$late.window_end" }
  dead: { type: memory, name: dead, input: errors }
`;
}

const at = (ms: number): { value: string } => ({ value: JSON.stringify({ at: ms }) });

async function bench(context: TestContext, input: MemoryInput): Promise<JobBench> {
  return JobBench.open(context, new Map([["orders", input]]));
}

/** Runs until `enough` says so; at each poll the clock goes on by a second, or as told. */
async function runUntil(
  context: TestContext,
  input: MemoryInput,
  text: string,
  enough: (polls: number) => boolean,
  tick: (clock: ManualClock, polls: number) => void = (clock) => clock.advance(1_000),
): Promise<{
  readonly counts: readonly string[];
  readonly progress: readonly RunProgress[];
}> {
  const directory = mkdtempSync(join(tmpdir(), "event-time-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const clock = new ManualClock(startMs);
  const outputs = new Map<string, MemoryOutput>();
  const stop = new AbortController();
  const progress: RunProgress[] = [];
  let polls = 0;
  input.onPoll = () => {
    polls += 1;
    tick(clock, polls);
    if (enough(polls)) stop.abort();
  };
  const driver = new TestDriver({
    directory,
    inputs: new Map([["orders", input]]),
    outputs,
    clock,
  });
  await driver.run(
    compileText(text, driver.catalog),
    { untilEnd: false },
    { stop: stop.signal, onProgress: (told) => progress.push(told) },
  );
  return { counts: outputs.get("counts")?.committedLines ?? [], progress };
}

it("T6: a record far behind leaves on late, with how late it is and its window's bounds", async (context) => {
  const input = new MemoryInput(1);
  input.append(0, at(3_600_000), at(1_500));
  input.end();
  const job = await bench(context, input);
  assertConserved(await job.run(job.compile(windows())));
  assert.deepEqual(job.records("late"), [
    {
      at: 1_500,
      ms: 3_600_000 - 2_000,
      start: "1970-01-01T00:00:01Z",
      end: "1970-01-01T00:00:02Z",
    },
  ]);
  assert.deepEqual(
    job.records("counts").map(({ orders }) => orders),
    [1],
  );
});

describe("T8: a partition without records", () => {
  function silentInput(): MemoryInput {
    const input = new MemoryInput(2);
    input.append(0, at(500), at(1_200), at(5_000));
    return input;
  }

  it("holds all windows, as the progress tells", async (context) => {
    const { counts, progress } = await runUntil(
      context,
      silentInput(),
      windows(),
      (polls) => polls > 100,
    );
    assert.deepEqual(counts, []);
    const last = progress.at(-1);
    assert.ok(last !== undefined);
    assert.equal(last.watermarkMs, undefined);
    assert.equal(last.openWindows, 3);
  });

  it("lets them close once it has been idle for its timeout, and not before", async (context) => {
    const { counts, progress } = await runUntil(
      context,
      silentInput(),
      windows(", idle_timeout: 30s"),
      (polls) => polls > 100,
    );
    assert.deepEqual(
      counts.map((text) => (JSON.parse(text) as { orders: number }).orders),
      [1, 1],
    );
    const held = progress.filter(({ watermarkMs }) => watermarkMs === undefined);
    assert.ok(held.some(({ elapsedMs }) => elapsedMs > 20_000));
    assert.ok(held.every(({ elapsedMs }) => elapsedMs <= 32_000));
  });
});

describe("T7: the machine's clock", () => {
  const hourMs = 3_600_000;
  const untilMs = (date: string): number => Date.parse(date) - startMs;
  const clocks: readonly (readonly [
    what: string,
    tick: (clock: ManualClock, polls: number) => void,
  ])[] = [
    ["stands still", () => {}],
    ["is set ahead by an hour", (clock, polls) => clock.advance(polls === 5 ? hourMs : 1)],
    ["is set back by an hour", (clock, polls) => clock.advance(polls === 5 ? -hourMs : 1)],
    ["goes back and forth", (clock, polls) => clock.advance(polls % 2 === 0 ? -hourMs : hourMs)],
    [
      "passes the end of 32-bit seconds",
      (clock, polls) => clock.advance(polls === 1 ? untilMs("2038-01-19T03:14:00Z") : 1_000),
    ],
  ];
  for (const [what, tick] of clocks) {
    it(`T7: ${what}: no window fires by it, and none sticks`, async (context) => {
      const input = new MemoryInput(1);
      input.append(0, at(500), at(1_200), at(1_900), at(3_000));
      const { counts } = await runUntil(context, input, windows(), (polls) => polls > 50, tick);
      assert.deepEqual(
        counts.map((text) => (JSON.parse(text) as { orders: number }).orders),
        [1, 2],
      );
    });
  }
});

it("T9: what a hot partition brings goes into its windows, and does not wait in memory for the others", async (context) => {
  const input = new MemoryInput(2);
  const count = 5_000;
  for (let row = 0; row < count; row += 1) input.append(0, at(row * 100));
  const { counts, progress } = await runUntil(context, input, windows(), (polls) => polls > 100);
  assert.deepEqual(counts, []);
  assert.equal(progress.at(-1)?.records, count);
  assert.equal(progress.at(-1)?.openWindows, count / 10);
});

it("T9: a hot partition waits for the slowest one; nothing of it is late", async (context) => {
  const input = new MemoryInput(2);
  const count = 5_000;
  for (let row = 0; row < count; row += 1) input.append(0, at(row * 100));
  // A clock that lags hours behind, and few records.
  input.append(1, at(100), at(900), at(2_100));
  input.end();
  const job = await bench(context, input);
  const summary = await job.run(job.compile(windows()), { batchSize: 50 });
  assertConserved(summary);
  assert.deepEqual(job.records("late"), []);
  const results = job.records("counts");
  assert.equal(results.length, count / 10);
  assert.deepEqual(
    results.slice(0, 4).map(({ orders }) => orders),
    [12, 10, 11, 10],
  );
});
