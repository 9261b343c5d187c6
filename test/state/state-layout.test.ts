import assert from "node:assert/strict";
import { test } from "node:test";
import type { StepLayout } from "../../engine/state/state-layout.ts";
import { matchLayouts } from "../../engine/state/state-layout.ts";

const base: StepLayout = {
  step: "by_region",
  was: null,
  type: "aggregate",
  states: { windows: { version: 1 } },
  layout: { key: ["region"], window: { size_ms: 300_000, offset_ms: 0 } },
};
const other: StepLayout = {
  ...base,
  step: "dedupe",
  type: "dedupe",
  states: { keys: { version: 1 } },
};

const refused: readonly (readonly [string, StepLayout[], RegExp])[] = [
  [
    "a changed key",
    [{ ...base, layout: { key: ["country"], window: { size_ms: 300_000, offset_ms: 0 } } }],
    /"by_region".*key\[0\] was "region" and is "country"/,
  ],
  [
    "a changed window",
    [{ ...base, layout: { key: ["region"], window: { size_ms: 60_000, offset_ms: 0 } } }],
    /window\.size_ms was 300000 and is 60000/,
  ],
  [
    "a member that is gone",
    [{ ...base, layout: { key: ["region"] } }],
    /window was .* and is absent/,
  ],
  [
    "a longer key",
    [{ ...base, layout: { ...asObject(base), key: ["region", "city"] } }],
    /key was \["region"\] and is/,
  ],
  ["another type", [{ ...base, type: "top" }], /its type was aggregate and is top/],
  [
    "another format",
    [{ ...base, states: { windows: { version: 2 } } }],
    /"windows" was version 1 and is 2/,
  ],
  [
    "one more state",
    [{ ...base, states: { windows: { version: 1 }, timers: { version: 1 } } }],
    /new state "timers"/,
  ],
  ["a state less", [{ ...base, states: {} }], /no state "windows" any more/],
  ["a step that is gone", [], /holds state of a step "by_region"/],
  ["a renamed step", [{ ...base, step: "per_region" }], /holds state of a step "by_region"/],
];

function asObject(layout: StepLayout): Record<string, never> {
  return layout.layout as Record<string, never>;
}

for (const [what, now, message] of refused) {
  test(`${what} is refused with the step, the reason and the way out`, () => {
    assert.throws(
      () => matchLayouts([base], now, []),
      (error: Error & { code?: string; exit?: number; hint?: string }) => {
        assert.match(error.message, message);
        assert.equal(error.code, "STATE_LAYOUT_CHANGED");
        assert.equal(error.exit, 6);
        assert.match(error.hint ?? "", /--reset (by_region|per_region)/);
        return true;
      },
    );
  });
}

test("equal layouts, new steps and another order of members or steps are free", () => {
  const shuffled = {
    ...base,
    layout: { window: { offset_ms: 0, size_ms: 300_000 }, key: ["region"] },
  };
  const { carried, dropped } = matchLayouts([base], [other, shuffled], []);
  assert.deepEqual([...carried], [["by_region", "by_region"]]);
  assert.deepEqual(dropped, []);
});

test("`was` carries the old step over, and is ignored once the step has state of its own", () => {
  const renamed = { ...base, step: "per_region", was: "by_region" };
  assert.deepEqual([...matchLayouts([base], [renamed], []).carried], [["per_region", "by_region"]]);
  const settled = matchLayouts([{ ...base, step: "per_region" }], [renamed], []);
  assert.deepEqual([...settled.carried], [["per_region", "per_region"]]);
  assert.deepEqual([...matchLayouts([], [renamed], []).carried], []);
});

test("`--reset` drops a changed step, a renamed one by either name, and a step that is gone", () => {
  const changed = { ...base, layout: {} };
  assert.deepEqual(matchLayouts([base], [changed], ["by_region"]).dropped, ["by_region"]);
  const renamed = { ...base, step: "per_region", was: "by_region" };
  for (const name of ["by_region", "per_region"]) {
    const { carried, dropped } = matchLayouts([base], [renamed], [name]);
    assert.equal(carried.size, 0);
    assert.deepEqual(dropped, ["by_region"]);
  }
  assert.deepEqual(matchLayouts([base, other], [base], ["dedupe"]).dropped, ["dedupe"]);
});
