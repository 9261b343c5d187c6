import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { JsonObject } from "../../engine/core/json.ts";
import { aggregate } from "../../engine/operators/aggregate.ts";
import { MemoryState, StepDriver, makeStep, resolveStep } from "./harness.ts";

const minute = 60_000;
const window = { type: "tumbling", size: "5m" };
const count = { n: { count: true } };

function step(raw: JsonObject, state?: MemoryState): StepDriver {
  return makeStep(aggregate, { key: "k", window, aggregates: count, ...raw }, state);
}

/** Merges records and fires everything. */
function resultOf(raw: JsonObject, records: readonly string[]): readonly string[] {
  const driver = step(raw);
  for (const record of records) assert.deepEqual(driver.record(record, 0), []);
  return driver.watermark(Infinity);
}

test("a record falls into the window that holds it, before the epoch and with an offset too", () => {
  const rows: readonly [string, number, number][] = [
    ["0s", 0, 0],
    ["0s", 5 * minute - 1, 0],
    ["0s", 5 * minute, 5 * minute],
    ["0s", -1, -5 * minute],
    ["0s", -5 * minute, -5 * minute],
    ["0s", -5 * minute - 1, -10 * minute],
    ["2m", 0, -3 * minute],
    ["2m", 2 * minute - 1, -3 * minute],
    ["2m", 2 * minute, 2 * minute],
    ["2m", -3 * minute, -3 * minute],
    ["2m", -3 * minute - 1, -8 * minute],
  ];
  for (const [offset, eventTimeMs, startMs] of rows) {
    const driver = step({ window: { ...window, offset } });
    driver.record('{"k":1}', eventTimeMs);
    driver.watermark(Infinity);
    const { facts, eventTimeMs: resultMs } = driver.last;
    assert.deepEqual(facts, { window: { startMs, endMs: startMs + 5 * minute } });
    assert.equal(resultMs, startMs + 5 * minute - 1);
  }
});

test("a final result leaves when the watermark reaches end + lateness, not a millisecond before", () => {
  for (const [lateness, latenessMs] of [
    ["0s", 0],
    ["1m", minute],
  ] as const) {
    const driver = step({ allowed_lateness: lateness });
    driver.record('{"k":"a"}', 0);
    const closingMs = 5 * minute + latenessMs;
    assert.deepEqual(driver.watermark(closingMs - 1), []);
    assert.deepEqual(driver.record('{"k":"a"}', 0, closingMs - 1), []);
    assert.deepEqual(driver.watermark(closingMs), ['main {"k":"a","n":2}']);
    assert.deepEqual(driver.watermark(Infinity), [], "a window fires once");
  }
});

test("a record is late by its own lane's watermark, from end + lateness on", () => {
  const driver = step({ allowed_lateness: "1m" });
  const closingMs = 6 * minute;
  const rows: readonly [number, number, number | undefined][] = [
    [0, -Infinity, undefined],
    [0, closingMs - 1, undefined],
    [0, closingMs, 0],
    [5 * minute - 1, closingMs + 7, 7],
    [5 * minute, closingMs + 7, undefined],
    [-1, minute, 0],
    [-1, minute - 1, undefined],
  ];
  for (const [eventTimeMs, watermarkMs, latenessMs] of rows) {
    const lines = driver.record('{"k":1}', eventTimeMs, watermarkMs);
    assert.deepEqual(lines, latenessMs === undefined ? [] : ["late LATE"], `${eventTimeMs}`);
    if (latenessMs === undefined) continue;
    const startMs = Math.floor(eventTimeMs / (5 * minute)) * 5 * minute;
    const bounds = { startMs, endMs: startMs + 5 * minute };
    assert.deepEqual(driver.last.late, { latenessMs, window: bounds });
  }
  // Late records changed no window.
  assert.deepEqual(driver.watermark(Infinity), [
    'main {"k":1,"n":1}',
    'main {"k":1,"n":2}',
    'main {"k":1,"n":1}',
  ]);
});

test("lateness comes before every other fault of a record", () => {
  const driver = step({});
  assert.deepEqual(driver.record("{}", 0, 5 * minute), ["late LATE"]);
  assert.equal(
    driver.last.fault?.message,
    "event time 1970-01-01T00:00:00.000Z belongs to the window " +
      "[1970-01-01T00:00:00.000Z, 1970-01-01T00:05:00.000Z), which closed before: 0s late",
  );
  assert.deepEqual(driver.record("{}", 0, Infinity), ["late LATE"]);
  assert.match(driver.last.fault?.message ?? "", /the input had ended$/);
});

test("results of one firing leave by end, then by encoded key", () => {
  const driver = step({});
  const keys = ['"b"', '"B"', '"é"', '"😀"', '"\uffee"', "10", "9", "-1", "true", '"10"'];
  for (const key of keys) driver.record(`{"k":${key}}`, 5 * minute);
  driver.record('{"k":"z"}', 0);
  driver.record('{"k":"a"}', 10 * minute);
  assert.deepEqual(
    driver.watermark(15 * minute).map((line) => line.slice(10, line.indexOf(',"n"'))),
    ['"z"', "true", "-1", "9", "10", '"10"', '"B"', '"b"', '"é"', '"\uffee"', '"😀"', '"a"'],
  );
});

test("one watermark closes what is due and leaves the rest open", () => {
  const driver = step({ allowed_lateness: "1m" });
  for (const start of [10, 0, 5, 20]) driver.record(`{"k":${start}}`, start * minute);
  assert.deepEqual(driver.operator.figures?.(), { open_windows: 4 });
  assert.deepEqual(driver.watermark(6 * minute), ['main {"k":0,"n":1}']);
  assert.deepEqual(driver.watermark(16 * minute - 1), ['main {"k":5,"n":1}']);
  assert.deepEqual(driver.watermark(16 * minute), ['main {"k":10,"n":1}']);
  assert.deepEqual(driver.operator.figures?.(), { open_windows: 1 });
});

test("updates: a first result at the end, one per later record, and a closing one", () => {
  const driver = step({ emit: "updates", allowed_lateness: "2m" });
  driver.record('{"k":"a"}', 0);
  driver.record('{"k":"a"}', 0);
  assert.deepEqual(driver.watermark(5 * minute - 1), []);
  assert.deepEqual(driver.watermark(5 * minute), ['main r1 {"k":"a","n":2}']);
  assert.deepEqual(driver.watermark(5 * minute + 1), []);
  assert.deepEqual(driver.record('{"k":"a"}', 1, 5 * minute + 1), ['main r2 {"k":"a","n":3}']);
  // Born after the end: it reports with its first record.
  assert.deepEqual(driver.record('{"k":"b"}', 1, 5 * minute + 1), ['main r1 {"k":"b","n":1}']);
  assert.deepEqual(driver.record('{"k":"c"}', 5 * minute, 5 * minute + 1), []);
  assert.deepEqual(driver.record('{"k":"b"}', 1, 7 * minute - 1), ['main r2 {"k":"b","n":2}']);
  assert.deepEqual(driver.watermark(7 * minute - 1), []);
  assert.deepEqual(driver.watermark(7 * minute), [
    'main r3! {"k":"a","n":3}',
    'main r3! {"k":"b","n":2}',
  ]);
  assert.deepEqual(driver.watermark(10 * minute), ['main r1 {"k":"c","n":1}']);
  assert.deepEqual(driver.watermark(12 * minute), ['main r2! {"k":"c","n":1}']);
});

test("updates: a firing that is first and closing at once sends only the closing result", () => {
  const driver = step({ emit: "updates", allowed_lateness: "2m" });
  driver.record('{"k":"a"}', 0);
  driver.record('{"k":"b"}', 5 * minute);
  assert.deepEqual(driver.watermark(10 * minute), [
    'main r1! {"k":"a","n":1}',
    'main r1 {"k":"b","n":1}',
  ]);
  const sharp = step({ emit: "updates" });
  sharp.record('{"k":"a"}', 0);
  assert.deepEqual(sharp.watermark(5 * minute), ['main r1! {"k":"a","n":1}']);
});

test("the result's set reads keys, aggregates and the window, and may read the revision", () => {
  const driver = step({
    emit: "updates",
    allowed_lateness: "1m",
    aggregates: { ...count, total: { sum: "v" } },
    set: {
      window_start: "$window.start",
      window_end: "$window.end",
      per: "total / n",
      twice: "per * 2",
      total: "none",
      revision: "$revision",
      is_final: "$is_final",
      at: "$event_time_ms()",
    },
  });
  driver.record('{"k":"a","v":3}', 0);
  driver.record('{"k":"a","v":4}', 0);
  const fields = '"window_start":"1970-01-01T00:00:00Z","window_end":"1970-01-01T00:05:00Z"';
  assert.deepEqual(driver.watermark(5 * minute), [
    `main r1 {"k":"a","n":2,${fields},"per":3.5,"twice":7,"revision":1,"is_final":false,"at":299999}`,
  ]);
  assert.deepEqual(driver.watermark(6 * minute), [
    `main r2! {"k":"a","n":2,${fields},"per":3.5,"twice":7,"revision":2,"is_final":true,"at":299999}`,
  ]);
});

test("a set that fails at firing sends the result without it to failed, and the others go on", () => {
  const driver = step({ aggregates: { most: { max: "v" } }, set: { x: "most * 2" } });
  driver.record('{"k":"a","v":"text"}', 0);
  driver.record('{"k":"b","v":2}', 0);
  assert.deepEqual(driver.watermark(5 * minute), [
    "failed EXPRESSION_ERROR",
    'main {"k":"b","most":2,"x":4}',
  ]);
  const [failed] = driver.emitted;
  assert.equal(failed?.text, '{"k":"a","most":"text"}');
  assert.match(failed?.fault?.message ?? "", /^x: /);
  assert.equal(failed?.record, undefined, "it is made, not settled");
});

test("keys have the names of their fields and the values of their first record", () => {
  const rows: readonly [JsonObject, string, string][] = [
    [{ key: "k" }, '{"k":1.0}', '{"k":1.0,"n":1}'],
    [{ key: ["a.b", "c"] }, '{"a":{"b":"x"},"c":2}', '{"b":"x","c":2,"n":1}'],
    [{ key: { up: "$uppercase(c)", d: "d" } }, '{"c":"x","d":true}', '{"up":"X","d":true,"n":1}'],
    [{ key: "`a b`" }, '{"a b":1}', '{"a b":1,"n":1}'],
  ];
  for (const [raw, record, result] of rows) {
    assert.deepEqual(resultOf(raw, [record]), [`main ${result}`]);
  }
  const same = ['{"k":"12.0"}', '{"k":"12.00"}', '{"k":"12"}'];
  assert.deepEqual(resultOf({ key: { k: "$decimal(k)" } }, same), ['main {"k":"12.0","n":3}']);
  const driver = step({});
  assert.deepEqual(driver.record("{}", 0), ["failed KEY_MISSING"]);
  assert.deepEqual(driver.record('{"k":null}', 0), ["failed KEY_MISSING"]);
  assert.deepEqual(driver.operator.figures?.(), { open_windows: 0 });
});

test("a record is merged wholly or not at all, and a failed one opens no window", () => {
  const driver = step({
    aggregates: {
      n: { count: true },
      total: { sum: "v" },
      least: { min: "w" },
      part: { count: true, where: "c" },
    },
  });
  const bad = [
    '{"k":1,"v":1,"w":true,"c":true}',
    '{"k":1,"v":"1","w":1,"c":true}',
    '{"k":1,"v":1,"w":1,"c":1}',
  ];
  const codes = ["OPERAND_TYPE", "OPERAND_TYPE", "EXPRESSION_ERROR"];
  for (const [index, text] of bad.entries()) {
    assert.deepEqual(driver.record(text, 0), [`failed ${codes[index]}`]);
  }
  assert.deepEqual(driver.operator.figures?.(), { open_windows: 0 });
  driver.record('{"k":1,"v":1,"w":1,"c":false}', 0);
  for (const text of bad) driver.record(text, 0);
  driver.record('{"k":1,"v":2,"w":0,"c":true}', 0);
  assert.deepEqual(driver.watermark(Infinity), ['main {"k":1,"n":2,"total":3,"least":0,"part":1}']);
});

test("a step restored at any point goes on as if nothing had happened", () => {
  const raw: JsonObject = {
    key: ["k"],
    window,
    allowed_lateness: "3m",
    aggregates: {
      n: { count: true },
      total: { sum: "$decimal(v)" },
      plain: { sum: "p" },
      least: { min: "p" },
      most: { max: "$decimal(v)", scale: 1 },
      mean: { avg: "$decimal(v)", scale: 3, rounding: "half_even" },
      some: { sum: "$decimal(v)", where: "p > 5" },
    },
  };
  const event = fc.record({
    k: fc.constantFrom('"a"', "1", "1.0", '"1"', "1.50"),
    v: fc.constantFrom('"0.1"', '"12345678901234567890.123"', '"-7.25"', "3"),
    p: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }),
    ahead: fc.integer({ min: -12 * minute, max: 10 * minute }),
    rise: fc.integer({ min: 0, max: 4 * minute }),
  });
  for (const emit of ["final", "updates"]) {
    const { config } = resolveStep(aggregate, { ...raw, emit });
    assert.ok(config);
    fc.assert(
      fc.property(fc.array(event, { maxLength: 25 }), (events) => {
        const straight = new StepDriver(aggregate, config);
        const state = new MemoryState();
        let resumed = new StepDriver(aggregate, config, state);
        let watermarkMs = 0;
        const same = (act: (driver: StepDriver) => readonly string[]): void =>
          assert.deepEqual(act(resumed), act(straight));
        for (const { k, v, p, ahead, rise } of events) {
          const text = `{"k":${k},"v":${v},"p":${JSON.stringify(p)}}`;
          same((driver) => driver.record(text, watermarkMs + ahead, watermarkMs));
          watermarkMs += rise;
          if (rise > 0) same((driver) => driver.watermark(watermarkMs));
          state.checkpoint();
          resumed = new StepDriver(aggregate, config, state);
          // The runtime tells a restored step its watermark before anything else.
          assert.deepEqual(resumed.watermark(watermarkMs), []);
        }
        same((driver) => driver.watermark(Infinity));
      }),
      { seed: 11, numRuns: 100 },
    );
  }
});

test("what decides the layout of the state, and what does not", () => {
  const layout = (raw: JsonObject): unknown => {
    const { config } = resolveStep(aggregate, {
      key: "k",
      window,
      aggregates: { n: { sum: "v" } },
      ...raw,
    });
    assert.ok(config);
    return aggregate.stateLayout(config);
  };
  const base = layout({});
  for (const free of [
    { allowed_lateness: "1h" },
    { emit: "updates" },
    { set: { x: "1" } },
    { aggregates: { n: { sum: "v * 2", where: "v > 0", scale: 2 } } },
  ]) {
    assert.deepEqual(layout(free), base);
  }
  for (const changed of [
    { key: "other" },
    { key: { k: "other" } },
    { window: { type: "tumbling", size: "10m" } },
    { window: { type: "tumbling", size: "5m", offset: "1m" } },
    { aggregates: { m: { sum: "v" } } },
    { aggregates: { n: { max: "v" } } },
    { aggregates: { n: { sum: "v" }, m: { count: true } } },
  ]) {
    assert.notDeepEqual(layout(changed), base);
  }
});

test("a spec may go from final to updates on open windows", () => {
  const state = new MemoryState();
  const before = step({ allowed_lateness: "5m" }, state);
  before.record('{"k":1}', 0);
  before.watermark(6 * minute);
  state.checkpoint();
  const after = step({ allowed_lateness: "5m", emit: "updates" }, state);
  assert.deepEqual(after.watermark(6 * minute), ['main r1 {"k":1,"n":1}']);
  assert.deepEqual(after.watermark(10 * minute), ['main r2! {"k":1,"n":1}']);
});

test("faults of the config are found, each at its place", () => {
  const fields = (aggregates: JsonObject): JsonObject => ({ aggregates });
  const rows: readonly [JsonObject, string, string][] = [
    [{ key: "a & b" }, "SPEC_KEY_NAME", "key"],
    [{ key: ["a", "b.a"] }, "SPEC_FIELD_REPEATED", "key.1"],
    [{ key: "x.constructor" }, "SPEC_FIELD_NAME", "key"],
    [{ key: ["a", "("] }, "SPEC_EXPRESSION", "key.1"],
    [{ window: { type: "hopping", size: "5m" } }, "SPEC_NOT_AVAILABLE", "window.type"],
    [{ window: { type: "session", size: "5m" } }, "SPEC_NOT_AVAILABLE", "window.type"],
    [{ window: { type: "fixed", size: "5m" } }, "SPEC_WINDOW_TYPE", "window.type"],
    [{ window: { type: "tumbling", size: "0s" } }, "SPEC_DURATION_RANGE", "window.size"],
    [{ window: { ...window, offset: "5m" } }, "SPEC_DURATION_RANGE", "window.offset"],
    [{ window: { type: "tumbling", size: "7m" } }, "SPEC_WINDOW_UNEVEN", "window.size"],
    [{ window: { type: "tumbling", size: "36h" } }, "SPEC_WINDOW_UNEVEN", "window.size"],
    [{ allowed_lateness: "1" }, "SPEC_DURATION", "allowed_lateness"],
    [fields({ n: {} }), "SPEC_AGGREGATE_FUNCTION", "aggregates.n"],
    [fields({ n: { where: "true" } }), "SPEC_AGGREGATE_FUNCTION", "aggregates.n"],
    [fields({ n: { sum: "v", avg: "v" } }), "SPEC_AGGREGATE_FUNCTION", "aggregates.n"],
    [fields({ n: { count: false } }), "SPEC_AGGREGATE_OPTION", "aggregates.n.count"],
    [fields({ n: { count: true, scale: 2 } }), "SPEC_AGGREGATE_OPTION", "aggregates.n.scale"],
    [fields({ n: { sum: "v", rounding: "up" } }), "SPEC_AGGREGATE_OPTION", "aggregates.n.rounding"],
    [fields({ n: { count_distinct: "v" } }), "SPEC_NOT_AVAILABLE", "aggregates.n.count_distinct"],
    [fields({ n: { first: "v" } }), "SPEC_NOT_AVAILABLE", "aggregates.n.first"],
    [fields({ n: { sum: "(" } }), "SPEC_EXPRESSION", "aggregates.n.sum"],
    [fields({ n: { count: true, where: "(" } }), "SPEC_EXPRESSION", "aggregates.n.where"],
    [fields({ k: { count: true } }), "SPEC_FIELD_REPEATED", "aggregates.k"],
    [fields({ prototype: { count: true } }), "SPEC_FIELD_NAME", "aggregates.prototype"],
    [{ set: { constructor: "1" } }, "SPEC_FIELD_NAME", "set.constructor"],
  ];
  for (const [raw, code, path] of rows) {
    const { config, findings } = resolveStep(aggregate, {
      key: "k",
      window,
      aggregates: count,
      ...raw,
    });
    const label = JSON.stringify(raw);
    assert.deepEqual(
      findings.map((finding) => [finding.code, finding.path]),
      [[code, path]],
      label,
    );
    const [finding] = findings;
    assert.equal(config === undefined, finding?.severity === "error", label);
  }
});

test("the resolved config has every default", () => {
  const { config } = resolveStep(aggregate, { key: "k", window, aggregates: { n: { avg: "v" } } });
  assert.deepEqual(config, {
    key: [{ name: "k", value: { expression: "k", scope: "record" } }],
    window: { type: "tumbling", sizeMs: 5 * minute, offsetMs: 0 },
    allowedLatenessMs: 0,
    emit: "final",
    aggregates: [
      {
        name: "n",
        function: "avg",
        operand: { expression: "v", scope: "record" },
        where: null,
        scale: null,
        rounding: "half_up",
      },
    ],
    set: [],
  });
  assert.equal(aggregate.outputDelayMs?.(config), 0);
});

test("any order within the lateness gives the windows that a batch computation gives", () => {
  const sizeMs = 5 * minute;
  const event = fc.record({
    key: fc.constantFrom("a", "b", "c"),
    cents: fc.integer({ min: -500, max: 500 }),
    atMs: fc.integer({ min: -20 * minute, max: 20 * minute }),
  });
  const shuffled = fc
    .array(event, { maxLength: 40 })
    .chain((events) =>
      fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })),
    );
  fc.assert(
    fc.property(shuffled, ([events, order]) => {
      const driver = step({
        aggregates: { n: { count: true }, total: { sum: "$decimal(v)", scale: 2 } },
      });
      const lines: string[] = [];
      for (const { key, cents, atMs } of order) {
        driver.record(`{"k":"${key}","v":"${(cents / 100).toFixed(2)}"}`, atMs);
      }
      for (let watermarkMs = -20 * minute; watermarkMs <= 25 * minute; watermarkMs += minute) {
        lines.push(...driver.watermark(watermarkMs));
      }
      const windows = new Map<string, { n: number; cents: number }>();
      const bySlot = (atMs: number): number => Math.floor(atMs / sizeMs) + 5_000;
      for (const { key, cents, atMs } of events) {
        const place = `${bySlot(atMs)} ${key}`;
        const before = windows.get(place) ?? { n: 0, cents: 0 };
        windows.set(place, { n: before.n + 1, cents: before.cents + cents });
      }
      const expected = [...windows.entries()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([place, { n, cents }]) => {
          const total = `${cents < 0 ? "-" : ""}${(Math.abs(cents) / 100).toFixed(2)}`;
          return `main {"k":"${place.slice(-1)}","n":${n},"total":"${total}"}`;
        });
      assert.deepEqual(lines, expected);
    }),
    { seed: 5, numRuns: 100 },
  );
});
