import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan } from "../../engine/plan/plan.ts";
import { compareLayouts, layoutHash } from "../../engine/plan/state-identity.ts";
import { compile, job } from "./fixture.ts";

interface Parts {
  readonly dedupe?: string;
  readonly aggregate?: string;
  readonly extra?: readonly string[];
  readonly out?: string;
  readonly discard?: string;
}

function planOf(parts: Parts = {}): Plan {
  const { plan, findings } = compile(
    job({
      steps: [
        ...(parts.extra ?? []),
        parts.dedupe ?? "{ id: seen, type: dedupe, key: order_id, ttl: 24h }",
        parts.aggregate ??
          "{ id: sums, type: aggregate, key: region, window: { type: tumbling, size: 5m }, aggregates: { n: { count: true } } }",
      ].filter((step) => step !== ""),
      sinks: [
        `out: { type: file, path: out.jsonl, input: ${parts.out ?? "sums"} }`,
        "dead: { type: file, path: dead.jsonl, input: errors }",
      ],
      tail: `discard: [${parts.discard ?? "seen.duplicates, sums.late"}]`,
    }),
  );
  assert.ok(plan, JSON.stringify(findings, undefined, 1));
  return plan;
}

const before = planOf();
const nothing = { renamed: [], dropped: [], added: [] };

test("free edits leave the layout as it is", () => {
  const edits: readonly Parts[] = [
    {},
    { dedupe: "{ id: seen, type: dedupe, key: order_id, ttl: 48h, granularity: 1h }" },
    {
      aggregate:
        "{ id: sums, type: aggregate, key: region, allowed_lateness: 1m, emit: updates, window: { type: tumbling, size: 5m }, aggregates: { n: { count: true } }, set: { m: n } }",
    },
    { extra: ['{ id: some, type: filter, where: "x" }'] },
  ];
  for (const parts of edits) {
    const after = planOf(parts);
    assert.equal(layoutHash(after), layoutHash(before));
    assert.deepEqual(compareLayouts(before.stateLayout, after, []), nothing);
  }
});

test("a changed key, window or aggregate refuses, names what changed and the reset", () => {
  const changes: readonly [parts: Parts, step: string, reason: RegExp][] = [
    [
      { dedupe: "{ id: seen, type: dedupe, key: customer_id, ttl: 24h }" },
      "seen",
      /^key of step seen/,
    ],
    [
      {
        aggregate:
          "{ id: sums, type: aggregate, key: region, window: { type: tumbling, size: 10m }, aggregates: { n: { count: true } } }",
      },
      "sums",
      /^window of step sums/,
    ],
    [
      {
        aggregate:
          "{ id: sums, type: aggregate, key: kind, window: { type: tumbling, size: 5m }, aggregates: { n: { sum: a } } }",
      },
      "sums",
      /^key and aggregates of step sums/,
    ],
    [
      {
        dedupe:
          "{ id: seen, type: aggregate, key: region, window: { type: tumbling, size: 5m }, aggregates: { n: { count: true } } }",
        discard: "seen.late, sums.late",
      },
      "seen",
      /was of type dedupe and is now aggregate/,
    ],
  ];
  for (const [parts, step, reason] of changes) {
    const after = planOf(parts);
    assert.notEqual(layoutHash(after), layoutHash(before));
    const { refuse } = compareLayouts(before.stateLayout, after, []);
    assert.equal(refuse?.step, step);
    assert.match(refuse?.reason ?? "", reason);
    assert.match(refuse?.reason ?? "", new RegExp(`--reset ${step}`));
    assert.deepEqual(compareLayouts(before.stateLayout, after, [step]), {
      renamed: [],
      dropped: [step],
      added: [step],
    });
  }
});

test("a vanished id refuses; `was` carries its state over; `--reset` drops it", () => {
  const gone = planOf({
    dedupe: "{ id: unique, type: dedupe, key: order_id, ttl: 24h }",
    discard: "unique.duplicates, sums.late",
  });
  const { refuse } = compareLayouts(before.stateLayout, gone, []);
  assert.equal(refuse?.step, "seen");
  assert.match(refuse?.reason ?? "", /was: seen/);
  assert.deepEqual(compareLayouts(before.stateLayout, gone, ["seen"]), {
    renamed: [],
    dropped: ["seen"],
    added: ["unique"],
  });
  const renamed = planOf({
    dedupe: "{ id: unique, type: dedupe, was: seen, key: order_id, ttl: 24h }",
    discard: "unique.duplicates, sums.late",
  });
  assert.deepEqual(compareLayouts(before.stateLayout, renamed, []), {
    ...nothing,
    renamed: [{ from: "seen", to: "unique" }],
  });
  // Once it has been carried over, the hint may stay.
  assert.deepEqual(compareLayouts(renamed.stateLayout, renamed, []), nothing);
});

test("a renamed step with another key refuses too", () => {
  const after = planOf({
    dedupe: "{ id: unique, type: dedupe, was: seen, key: customer_id, ttl: 24h }",
    discard: "unique.duplicates, sums.late",
  });
  assert.equal(compareLayouts(before.stateLayout, after, []).refuse?.step, "unique");
  assert.deepEqual(compareLayouts(before.stateLayout, after, ["unique"]), {
    renamed: [],
    dropped: ["seen"],
    added: ["unique"],
  });
});

test("a new stateful step starts empty", () => {
  const after = planOf({
    extra: ["{ id: first, type: dedupe, key: customer_id, ttl: 24h }"],
    discard: "first.duplicates, seen.duplicates, sums.late",
  });
  assert.deepEqual(compareLayouts(before.stateLayout, after, []), { ...nothing, added: ["first"] });
});

test("state of another codec version refuses", () => {
  const stored = before.stateLayout.map((layout) => ({
    ...layout,
    states: { seen: { version: 0 } },
  }));
  assert.match(compareLayouts(stored, before, []).refuse?.reason ?? "", /another release/);
});

test("a reset of a step that nobody knows is refused", () => {
  assert.equal(compareLayouts(before.stateLayout, before, ["sesn"]).refuse?.step, "sesn");
});
