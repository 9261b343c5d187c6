import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { JsonObject } from "../../engine/core/json.ts";
import { dedupe } from "../../engine/operators/dedupe.ts";
import { MemoryState, makeStep, resolveStep } from "./harness.ts";

const hour = 3_600_000;
const config = { key: "id", ttl: "1h", granularity: "1m" };
const minute = 60_000;

test("the first of a key passes and repeats leave on duplicates until F + ttl, to the millisecond", () => {
  const step = makeStep(dedupe, config);
  const endMs = minute + hour;
  const rows: readonly [string, number, number, string][] = [
    ["a", 1, -Infinity, "main"],
    ["a", 1, -Infinity, "duplicates DUPLICATE"],
    ["b", 1, -Infinity, "main"],
    ["a", -5 * minute, -Infinity, "duplicates DUPLICATE"],
    ["a", endMs - 1, -Infinity, "duplicates DUPLICATE"],
    ["a", endMs - 1, endMs - 1, "duplicates DUPLICATE"],
    // The lane's watermark ends the protection as well, even of an old event time.
    ["b", endMs - 1, endMs, "main"],
    ["a", endMs, -Infinity, "main"],
    ["a", endMs, -Infinity, "duplicates DUPLICATE"],
  ];
  for (const [id, eventTimeMs, watermarkMs, expected] of rows) {
    const text = `{"id":"${id}"}`;
    const line = expected === "main" ? `main ${text}` : expected;
    assert.deepEqual(step.record(text, eventTimeMs, watermarkMs), [line], `${id} ${eventTimeMs}`);
  }
});

test("a record whose rounded time plus ttl the watermark has reached is never passed", () => {
  const rows: readonly [number, number, string][] = [
    [0, hour - 1, "main"],
    [0, hour, "failed"],
    [1, hour, "main"],
    [1, hour + minute - 1, "main"],
    [1, hour + minute, "failed"],
    [minute, hour + minute - 1, "main"],
    [minute, hour + minute, "failed"],
    [minute + 1, hour + minute, "main"],
    // Before the epoch: up(-1) is 0, up(-60000) is -60000.
    [-1, hour - 1, "main"],
    [-1, hour, "failed"],
    [-minute, hour - minute - 1, "main"],
    [-minute, hour - minute, "failed"],
    [-minute - 1, hour - minute - 1, "main"],
    [-minute - 1, hour - minute, "failed"],
    [0, Infinity, "failed"],
  ];
  for (const [eventTimeMs, watermarkMs, port] of rows) {
    const step = makeStep(dedupe, config);
    step.record('{"id":1}', eventTimeMs, watermarkMs);
    assert.equal(step.last.port, port, `${eventTimeMs} at ${watermarkMs}`);
    if (port === "failed") assert.equal(step.last.fault?.code, "DEDUPE_EXPIRED");
  }
});

test("expiry is judged before the key, and a known key does not save an expired record", () => {
  const step = makeStep(dedupe, config);
  step.record('{"id":1}', 10 * hour);
  assert.deepEqual(step.record('{"id":1}', 0, hour), ["failed DEDUPE_EXPIRED"]);
  assert.deepEqual(step.record("{}", 0, hour), ["failed DEDUPE_EXPIRED"]);
});

test("an older record accepted for a key does not shorten its protection", () => {
  const step = makeStep(dedupe, config);
  const lateMs = 3 * hour;
  assert.equal(step.record('{"id":1}', lateMs)[0]?.slice(0, 4), "main");
  // Event time below F + ttl, so a repeat: F stays.
  assert.deepEqual(step.record('{"id":1}', 0), ["duplicates DUPLICATE"]);
  assert.deepEqual(step.record('{"id":1}', lateMs + hour - 1), ["duplicates DUPLICATE"]);
});

test("a duplicate names the key and tells the first one's rounded event time", () => {
  const step = makeStep(dedupe, { ...config, key: ["id", "shop"] });
  step.record('{"id":"ORD-1","shop":7}', Date.UTC(2025, 0, 13, 15, 0, 30));
  step.record('{"id":"ORD-1","shop":7}', Date.UTC(2025, 0, 13, 15, 0, 59));
  assert.deepEqual(step.last.fault, {
    code: "DUPLICATE",
    message:
      'repeats id, shop "ORD-1", 7, first seen with an event time up to 2025-01-13T15:01:00.000Z',
    details: { first_event_time_up_to: "2025-01-13T15:01:00.000Z" },
  });
});

test("keys are typed, and a key that is absent, null or raises an error fails", () => {
  const step = makeStep(dedupe, config);
  for (const id of ["1", '"1"', "true", '"true"']) {
    assert.equal(step.record(`{"id":${id}}`, 0)[0]?.slice(0, 4), "main", id);
  }
  assert.deepEqual(step.record('{"id":1.0}', 0), ["duplicates DUPLICATE"]);
  assert.deepEqual(step.record("{}", 0), ["failed KEY_MISSING"]);
  assert.deepEqual([step.last.fault?.message, step.last.fault?.path], ["key id is absent", "/id"]);
  assert.deepEqual(step.record('{"id":null}', 0), ["failed KEY_MISSING"]);
  assert.equal(step.last.fault?.message, "key id is null");
  const mapped = makeStep(dedupe, { ...config, key: { who: "$uppercase(id)", shop: "s.id" } });
  assert.deepEqual(mapped.record('{"id":1,"s":{"id":1}}', 0), ["failed EXPRESSION_ERROR"]);
  assert.match(mapped.last.fault?.message ?? "", /^key who: /);
  assert.deepEqual(mapped.record('{"id":"x","s":{}}', 0), ["failed KEY_MISSING"]);
  assert.deepEqual(
    [mapped.last.fault?.message, mapped.last.fault?.path],
    ["key shop is absent", "/s/id"],
  );
});

test("forgetting by watermark is invisible", () => {
  const event = fc.record({
    id: fc.integer({ min: 1, max: 3 }),
    ahead: fc.integer({ min: -3 * hour, max: hour }),
    rise: fc.integer({ min: 0, max: hour }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const forgetting = makeStep(dedupe, config);
      const remembering = makeStep(dedupe, config);
      let watermarkMs = 0;
      for (const { id, ahead, rise } of events) {
        const text = `{"id":${id}}`;
        const eventTimeMs = watermarkMs + ahead;
        assert.deepEqual(
          forgetting.record(text, eventTimeMs, watermarkMs),
          remembering.record(text, eventTimeMs, watermarkMs),
        );
        watermarkMs += rise;
        forgetting.watermark(watermarkMs);
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});

test("ttl and granularity may change on existing state: stored times stay times", () => {
  const state = new MemoryState();
  makeStep(dedupe, config, state).record('{"id":1}', 1);
  const changed = makeStep(dedupe, { key: "id", ttl: "2h", granularity: "7m" }, state);
  assert.equal(state.granularityMs, 7 * minute);
  assert.deepEqual(changed.record('{"id":1}', minute + 2 * hour - 1), ["duplicates DUPLICATE"]);
  assert.deepEqual(changed.record('{"id":1}', minute + 2 * hour), ['main {"id":1}']);
  const layout = (raw: JsonObject): unknown => {
    const { config: resolved } = resolveStep(dedupe, raw);
    assert.ok(resolved);
    return dedupe.stateLayout(resolved);
  };
  assert.deepEqual(layout(config), layout({ key: "id", ttl: "5h" }));
  assert.notDeepEqual(layout(config), layout({ ...config, key: "other" }));
});

test("granularity has its default and its limits", () => {
  const rows: readonly [JsonObject, number | string][] = [
    [{ ttl: "24h" }, 900_000],
    [{ ttl: "1h" }, 38_000],
    [{ ttl: "96s" }, 1_000],
    [{ ttl: "97s" }, 2_000],
    [{ ttl: "500ms" }, 1_000],
    [{ ttl: "24h", granularity: "1440ms" }, 1_440],
    [{ ttl: "24h", granularity: "1439ms" }, "SPEC_DURATION_RANGE granularity"],
    [{ ttl: "24h", granularity: "0s" }, "SPEC_DURATION_RANGE granularity"],
    [{ ttl: "24h", granularity: "24h" }, 24 * hour],
    [{ ttl: "24h", granularity: "25h" }, "SPEC_DURATION_RANGE granularity"],
    [{ ttl: "24h", granularity: "1" }, "SPEC_DURATION granularity"],
    [{ ttl: "0s" }, "SPEC_DURATION_RANGE ttl"],
    [{ ttl: "1 h" }, "SPEC_DURATION ttl"],
  ];
  for (const [raw, expected] of rows) {
    const { config: resolved, findings } = resolveStep(dedupe, { key: "id", ...raw });
    const [finding] = findings;
    const outcome =
      finding === undefined ? resolved?.["granularityMs"] : `${finding.code} ${finding.path}`;
    assert.equal(outcome, expected, JSON.stringify(raw));
  }
});
