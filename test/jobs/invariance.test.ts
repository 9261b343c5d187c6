import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { MemoryInput } from "../../engine/connectors/memory/memory-source.ts";
import { partitionForKey } from "../../engine/core/murmur2.ts";
import { seededRandom } from "../crash/random.ts";
import { assertConserved, JobBench } from "./compile.ts";

/** Every way in which streams part and meet again before stateful steps and sinks. */
const everyShape = `
version: 1
name: every_shape
checkpoint: { interval: 1h, max_records: 100000 }
sources:
  orders:
    type: memory
    name: orders
    event_time: { field: timestamp, format: rfc3339 }
    watermark: { max_out_of_orderness: 2m }
steps:
  - id: validate
    type: validate
    rules: [{ assert: "amount >= 0", message: "negative amount" }]
  - id: enrich
    type: enrich
    set:
      amount: "$decimal(amount)"
      seen_at: "$processing_time()"
  - { id: dedupe, type: dedupe, key: order_id, ttl: 30m, granularity: 1m }
  - { id: inland, type: filter, where: "region != 'au'" }
  - id: by_region
    type: aggregate
    key: region
    window: { type: tumbling, size: 5m }
    aggregates: { orders: { count: true }, total: { sum: amount }, last: { max: order_id } }
    set: { start: "$window.start", made_at: "$processing_time_ms()" }
  - id: by_hour
    type: aggregate
    key: { all: "'all'" }
    window: { type: tumbling, size: 20m }
    allowed_lateness: 5m
    aggregates: { windows: { count: true }, orders: { sum: orders }, total: { sum: total } }
    set: { start: "$window.start" }
  - id: by_day
    type: aggregate
    input: by_hour
    key: all
    window: { type: tumbling, size: 1h }
    aggregates: { parts: { count: true }, total: { sum: total } }
    set: { start: "$window.start" }
  - { id: cheap, type: filter, input: dedupe, where: "amount < 50" }
  - { id: dear, type: filter, input: cheap.dropped, where: "amount >= 100" }
  - id: reunited
    type: aggregate
    input: [dear, cheap, dear.dropped]
    key: region
    window: { type: tumbling, size: 3m }
    allowed_lateness: 1m
    emit: updates
    aggregates: { orders: { count: true }, first: { min: order_id } }
    set: { start: "$window.start", revision: "$revision", final: "$is_final" }
  - id: seconds
    type: aggregate
    input: [by_region.late, dedupe.duplicates]
    key: region
    window: { type: tumbling, size: 10m }
    aggregates: { orders: { count: true } }
    set: { start: "$window.start" }
  - id: mixed
    type: aggregate
    input: [by_region, dedupe]
    key: region
    window: { type: tumbling, size: 10m }
    aggregates: { rows: { count: true } }
    set: { start: "$window.start" }
sinks:
  results: { type: memory, name: results, input: by_region }
  causes_first: { type: memory, name: causes_first, input: [dedupe, inland.dropped, by_region, by_hour, by_day] }
  results_first: { type: memory, name: results_first, input: [by_day, by_hour, by_region, inland.dropped, dedupe] }
  halves: { type: memory, name: halves, input: [cheap.dropped, cheap] }
  revisions: { type: memory, name: revisions, input: reunited }
  seconds: { type: memory, name: seconds, input: [seconds, mixed] }
  late:
    type: memory
    name: late
    input: [reunited.late, by_region.late]
    set: { order_id: order_id, ms: "$late.lateness_ms", start: "$late.window_start" }
  dead: { type: memory, name: dead, input: [errors, dedupe.duplicates, by_hour.late, by_day.late, seconds.late, mixed.late] }
`;

const minuteMs = 60_000;
const startMs = Date.UTC(2025, 0, 13, 15);

function order(number: number, timeMs: number, region: string, amount: number): string {
  return JSON.stringify({
    order_id: `O-${number}`,
    region,
    amount,
    timestamp: new Date(timeMs).toISOString(),
  });
}

interface Disorder {
  /** How far event time may run back behind what was ordinary. */
  readonly backMs: number;
  /** Odds of an order that is hours late. */
  readonly late: number;
}

/** A few hours of orders: repeats, late ones, faults; rejected and dropped ones at times hold the largest time. */
function orders(count: number, seed: number, disorder: Disorder): readonly string[] {
  const random = seededRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const lines: string[] = [];
  let nowMs = startMs;
  for (let number = 0; number < count; number += 1) {
    nowMs += Math.floor(random() * minuteMs);
    const kind = random();
    const timeMs = nowMs - Math.floor(random() * disorder.backMs);
    const region = pick(["us", "eu", "uk", "au"]);
    const amount = Math.floor(random() * 15_000) / 100;
    if (kind < 0.1 && lines.length > 0) lines.push(pick(lines.slice(-40)));
    else if (kind < 0.1 + disorder.late)
      lines.push(order(number, timeMs - 9 * minuteMs, region, amount));
    else if (kind < 0.2) lines.push(order(number, nowMs + 3 * 60 * minuteMs, region, -1));
    else if (kind < 0.23) lines.push(order(number, nowMs + 3 * minuteMs, "au", amount));
    else if (kind < 0.25) lines.push(pick(["{", "[]", '{"timestamp":"yesterday"}', "nul"]));
    else if (kind < 0.27)
      lines.push(order(number, timeMs, region, amount).replace(/"region":"..",/, ""));
    else lines.push(order(number, timeMs, region, amount));
  }
  return lines;
}

const disorderly: Disorder = { backMs: 3 * minuteMs, late: 0.05 };

interface Variant {
  readonly batchSize: number;
  readonly checkpointRecords: number;
  readonly inPieces: boolean;
  readonly threads?: 1 | 2;
}

const oneGo: Variant = { batchSize: 1000, checkpointRecords: 100_000, inPieces: false };

async function outcome(
  context: TestContext,
  text: string,
  inputs: ReadonlyMap<string, MemoryInput>,
  { batchSize, checkpointRecords, inPieces, threads = 1 }: Variant,
) {
  const bench = await JobBench.open(context, inputs);
  const plan = bench.compile(
    text.replace("max_records: 100000", `max_records: ${checkpointRecords}`),
  );
  assert.equal(plan.checkpoint.maxRecords, checkpointRecords);
  const { summary, starts } = inPieces
    ? await bench.runInPieces(plan, { batchSize, threads })
    : { summary: await bench.run(plan, { batchSize, threads }), starts: 1 };
  assert.equal(summary.outcome, "finished");
  assertConserved(summary);
  const { nodes, windows } = summary;
  // In which order codes are listed says which came first in the life of the last process.
  const faults = summary.faults.map((fault) => JSON.stringify(fault)).toSorted();
  const { crossed } = bench;
  return { outputs: bench.everything(), figures: { nodes, faults, windows }, starts, crossed };
}

const variants: readonly Variant[] = [
  { batchSize: 1, checkpointRecords: 1000, inPieces: false },
  { batchSize: 7, checkpointRecords: 100_000, inPieces: false },
  { batchSize: 1, checkpointRecords: 1, inPieces: false },
  { batchSize: 7, checkpointRecords: 10, inPieces: false },
  { batchSize: 7, checkpointRecords: 10, inPieces: true },
  { batchSize: 1, checkpointRecords: 10, inPieces: true },
  { batchSize: 1000, checkpointRecords: 1, inPieces: true },
  { batchSize: 1000, checkpointRecords: 100_000, inPieces: false, threads: 2 },
  { batchSize: 7, checkpointRecords: 10, inPieces: false, threads: 2 },
  { batchSize: 7, checkpointRecords: 10, inPieces: true, threads: 2 },
  { batchSize: 1, checkpointRecords: 10, inPieces: true, threads: 2 },
];

/** A job whose source is called `orders`, out of order by 2 minutes at most, and whose `dead` takes all errors. */
function job(steps: readonly string[], sinks: readonly string[], discard = "[]"): string {
  return `
version: 1
name: small
checkpoint: { interval: 1h, max_records: 100000 }
sources:
  orders:
    type: memory
    name: orders
    event_time: { field: timestamp, format: rfc3339 }
    watermark: { max_out_of_orderness: 2m }
steps:
${steps.map((step) => `  - ${step}`).join("\n")}
sinks:
${sinks.map((sink) => `  ${sink}`).join("\n")}
  dead: { type: memory, name: dead, input: errors, set: { code: "$error.code" } }
discard: ${discard}
`;
}

const counting =
  'type: aggregate, key: region, window: { type: tumbling, size: 5m }, aggregates: { orders: { count: true } }, set: { start: "$substring($window.start, 11, 5)" }';

/** Orders at so many minutes after the start, numbered from 0; a negative amount where the rule shall reject. */
function at(...rows: readonly (readonly [minutes: number, region: string, amount?: number])[]) {
  return rows.map(([minutes, region, amount], number) =>
    order(number, startMs + minutes * minuteMs, region, amount ?? 1),
  );
}

async function smallOutcome(
  context: TestContext,
  text: string,
  ...partitions: readonly (readonly string[])[]
): Promise<Readonly<Record<string, readonly string[]>>> {
  const inputs = new Map([["orders", MemoryInput.of(...partitions)]]);
  const expected = await outcome(context, text, inputs, oneGo);
  for (const batchSize of [1, 2, 3]) {
    for (const [inPieces, threads] of [
      [false, 1],
      [true, 1],
      [false, 2],
      [true, 2],
    ] as const) {
      const variant = { batchSize, checkpointRecords: inPieces ? 1 : 1000, inPieces, threads };
      const found = await outcome(context, text, inputs, variant);
      assert.deepEqual(found.outputs, expected.outputs, JSON.stringify(variant));
    }
  }
  return expected.outputs;
}

describe("One lane", () => {
  it("gives the same bytes for every batch size, checkpoint interval and number of threads, stopped or not", async (context) => {
    const input = new Map([["orders", MemoryInput.of(orders(400, 1, disorderly))]]);
    const expected = await outcome(context, everyShape, input, oneGo);
    for (const [name, lines] of Object.entries(expected.outputs)) {
      assert.ok(lines.length > 10, `${name} has ${lines.length} lines`);
    }
    for (const variant of variants) {
      const found = await outcome(context, everyShape, input, variant);
      assert.deepEqual(found.outputs, expected.outputs, JSON.stringify(variant));
      assert.deepEqual(found.figures, expected.figures, JSON.stringify(variant));
      if (variant.inPieces && variant.batchSize < 1000) assert.ok(found.starts >= 5);
      const batches = Math.ceil(400 / variant.batchSize);
      if (variant.threads !== 2) assert.equal(found.crossed, 0);
      else if (batches > 10) {
        // Some batches were taken by the second thread, others by the first.
        assert.ok(found.crossed > batches / 10, `${found.crossed} of ${batches} crossed`);
        if (!variant.inPieces) assert.ok(found.crossed < batches, "all crossed");
      }
    }
  });

  it("counts the time of a record that a filter dropped: windows close by it, later records are late", async (context) => {
    const text = job(
      [
        "{ id: kept, type: filter, where: \"region != 'au'\" }",
        `{ id: again, type: filter, where: "amount > 0" }`,
        `{ id: windows, ${counting} }`,
      ],
      [
        "out: { type: memory, name: out, input: [windows, again] , set: { id: order_id, region: region, orders: orders, start: start } }",
        'late: { type: memory, name: late, input: windows.late, set: { id: order_id, ms: "$late.lateness_ms" } }',
      ],
    );
    const { out, late } = await smallOutcome(
      context,
      text,
      at([1, "us"], [8, "au"], [4, "us"], [9, "us", -1], [9, "eu"]),
    );
    assert.deepEqual(out, [
      '{"id":"O-0","region":"us"}',
      '{"region":"us","orders":1,"start":"15:00"}',
      '{"id":"O-2","region":"us"}',
      '{"id":"O-4","region":"eu"}',
      '{"region":"eu","orders":1,"start":"15:05"}',
    ]);
    assert.deepEqual(late, ['{"id":"O-2","ms":60000}']);
  });

  it("does not count the time of records that were rejected or failed", async (context) => {
    const text = job(
      [
        '{ id: valid, type: validate, rules: [{ assert: "amount > 0", message: no }] }',
        `{ id: keyed, type: enrich, set: { key: "amount = 7 ? $error('odd') : 1" } }`,
        "{ id: once, type: dedupe, key: \"region = 'xx' ? null : order_id\", ttl: 1h }",
        `{ id: windows, ${counting} }`,
      ],
      [
        "out: { type: memory, name: out, input: [windows, windows.late], set: { id: order_id, orders: orders } }",
      ],
      "[once.duplicates]",
    );
    const { out, dead } = await smallOutcome(
      context,
      text,
      at([1, "us"], [500, "us", -1], [501, "us", 7], [502, "xx"], [3, "us"]),
    );
    assert.deepEqual(out, ['{"orders":2}']);
    assert.deepEqual(dead, [
      '{"code":"RULE_VIOLATION"}',
      '{"code":"EXPRESSION_ERROR"}',
      '{"code":"KEY_MISSING"}',
    ]);
  });

  it("counts the time of duplicates and late records behind the step that found them", async (context) => {
    const text = job(
      [
        "{ id: once, type: dedupe, key: region, ttl: 1h, granularity: 1m }",
        `{ id: windows, ${counting} }`,
        `{ id: latecomers, ${counting}, input: windows.late }`,
      ],
      [
        "out: { type: memory, name: out, input: [windows, once], set: { id: order_id, region: region, orders: orders } }",
        "second: { type: memory, name: second, input: latecomers }",
      ],
      "[once.duplicates, latecomers.late]",
    );
    const { out, second } = await smallOutcome(
      context,
      text,
      at([1, "us"], [7, "us"], [2, "eu"], [30, "uk"]),
    );
    assert.deepEqual(out, [
      '{"id":"O-0","region":"us"}',
      '{"region":"us","orders":1}',
      '{"id":"O-2","region":"eu"}',
      '{"id":"O-3","region":"uk"}',
      '{"region":"uk","orders":1}',
    ]);
    // The clock behind `late` is as far as the one before it, so what was late stays late.
    assert.deepEqual(second, []);
  });

  it("puts results behind the record that caused them, in the order of a sink's inputs else", async (context) => {
    const steps = [
      "{ id: all, type: filter, where: true }",
      `{ id: windows, ${counting} }`,
      "{ id: stacked, type: aggregate, key: region, window: { type: tumbling, size: 10m }, aggregates: { sum: { sum: orders } } }",
    ];
    const rows = at([1, "us"], [6, "us"], [12, "us"], [40, "eu"]);
    const set = "set: { id: order_id, orders: orders, sum: sum }";
    for (const inputs of ["[all, windows, stacked]", "[stacked, windows, all]"]) {
      const text = job(
        steps,
        [`out: { type: memory, name: out, input: ${inputs}, ${set} }`],
        "[windows.late, stacked.late]",
      );
      const { out } = await smallOutcome(context, text, rows);
      assert.deepEqual(
        out,
        [
          '{"id":"O-0"}',
          '{"id":"O-1"}',
          '{"id":"O-2"}',
          '{"orders":1}',
          '{"orders":1}',
          '{"sum":2}',
          '{"id":"O-3"}',
          '{"orders":1}',
          '{"sum":1}',
          '{"orders":1}',
          '{"sum":1}',
        ],
        inputs,
      );
    }
  });

  it("unites the ports of a step again as if it had never parted them", async (context) => {
    const parted = job(
      [
        '{ id: cheap, type: filter, where: "amount < 50" }',
        '{ id: dear, type: filter, input: cheap.dropped, where: "amount > 100" }',
        `{ id: windows, ${counting}, input: [dear.dropped, cheap, dear] }`,
      ],
      [
        "out: { type: memory, name: out, input: windows }",
        "late: { type: memory, name: late, input: windows.late }",
        "rows: { type: memory, name: rows, input: [dear, cheap, dear.dropped] }",
      ],
    );
    const whole = job(
      ["{ id: all, type: filter, where: true }", `{ id: windows, ${counting} }`],
      [
        "out: { type: memory, name: out, input: windows }",
        "late: { type: memory, name: late, input: windows.late }",
        "rows: { type: memory, name: rows, input: all }",
      ],
    );
    const rows = orders(300, 3, disorderly).filter((line) => /region.*-?\d}?/.test(line));
    const inputs = new Map([["orders", MemoryInput.of(rows)]]);
    for (const variant of [oneGo, { batchSize: 7, checkpointRecords: 50, inPieces: true }]) {
      const a = await outcome(context, parted, inputs, variant);
      const b = await outcome(context, whole, inputs, variant);
      assert.ok(a.outputs["late"]!.length > 5);
      assert.deepEqual(a.outputs, b.outputs);
    }
  });
});

function sorted(outputs: Readonly<Record<string, readonly string[]>>) {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, lines]) => [name, lines.toSorted()] as const),
  );
}

/** By the order's id, as a producer with keys would: a repeat comes on the lane of its first. */
function partitioned(lines: readonly string[], count: number): string[][] {
  const partitions: string[][] = Array.from({ length: count }, () => []);
  for (const line of lines) {
    const id = /"order_id":"([^"]*)"/.exec(line)?.[1] ?? "";
    partitions[partitionForKey(Buffer.from(id), count)]!.push(line);
  }
  return partitions;
}

describe("Several lanes", () => {
  const text = job(
    [
      '{ id: valid, type: validate, rules: [{ assert: "amount >= 0", message: no }] }',
      "{ id: once, type: dedupe, key: order_id, ttl: 30m, granularity: 1m }",
      `{ id: kept, type: filter, where: "region != 'au'" }`,
      `{ id: windows, ${counting}, input: [kept, kept.dropped] }`,
      "{ id: stacked, type: aggregate, key: region, window: { type: tumbling, size: 20m }, aggregates: { sum: { sum: orders } } }",
    ],
    [
      "results: { type: memory, name: results, input: windows }",
      "stacks: { type: memory, name: stacks, input: stacked }",
      'late: { type: memory, name: late, input: [windows.late, once.duplicates], set: { id: order_id, ms: "$late.lateness_ms" } }',
      "rows: { type: memory, name: rows, input: once }",
    ],
    "[stacked.late]",
  );

  it("give the same window results and lateness for every batch size, interval and stop", async (context) => {
    const partitions = partitioned(orders(250, 4, disorderly), 4);
    assert.ok(partitions.every((lines) => lines.length > 40));
    const inputs = new Map([["orders", MemoryInput.of(...partitions)]]);
    const expected = await outcome(context, text, inputs, oneGo);
    for (const variant of variants) {
      const found = await outcome(context, text, inputs, variant);
      assert.deepEqual(sorted(found.outputs), sorted(expected.outputs), JSON.stringify(variant));
      // Windows close in one order, whatever lane lets them.
      assert.deepEqual(found.outputs["results"], expected.outputs["results"]);
      assert.deepEqual(found.outputs["stacks"], expected.outputs["stacks"]);
      assert.deepEqual(found.figures, expected.figures);
    }
    assert.ok(expected.outputs["late"]!.length > 20);
  });

  it("give the results of one lane where nothing is late", async (context) => {
    const lines = orders(300, 5, { backMs: minuteMs, late: 0 });
    const expected = await outcome(
      context,
      text,
      new Map([["orders", MemoryInput.of(lines)]]),
      oneGo,
    );
    for (const count of [2, 3, 5]) {
      const inputs = new Map([["orders", MemoryInput.of(...partitioned(lines, count))]]);
      for (const batchSize of [1, 7, 1000]) {
        const found = await outcome(context, text, inputs, { ...oneGo, batchSize });
        assert.deepEqual(sorted(found.outputs), sorted(expected.outputs), `${count} lanes`);
        assert.deepEqual(found.outputs["results"], expected.outputs["results"]);
      }
    }
  });

  it("of two sources, one into a step with the other, close windows by the slower one", async (context) => {
    const two = text
      .replace(
        "steps:",
        `  shop:
    type: memory
    name: shop
    event_time: { field: timestamp, format: rfc3339 }
    watermark: { max_out_of_orderness: 0s }
steps:`,
      )
      .replace("{ id: valid,", "{ id: valid, input: [orders, shop],");
    const lines = orders(300, 6, { backMs: minuteMs, late: 0 });
    const inOrder = orders(200, 7, { backMs: 0, late: 0 }).map((line) => line.replace("O-", "S-"));
    const inputs = new Map([
      ["orders", MemoryInput.of(...partitioned(lines, 2))],
      ["shop", MemoryInput.of(inOrder)],
    ]);
    const expected = await outcome(context, two, inputs, oneGo);
    assert.ok(expected.outputs["results"]!.length > 50);
    for (const variant of variants) {
      const found = await outcome(context, two, inputs, variant);
      assert.deepEqual(sorted(found.outputs), sorted(expected.outputs), JSON.stringify(variant));
      assert.deepEqual(found.outputs["results"], expected.outputs["results"]);
      assert.deepEqual(found.figures, expected.figures);
    }
  });
});
