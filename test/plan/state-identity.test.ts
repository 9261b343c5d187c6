import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan } from "../../engine/plan/plan.ts";
import { layoutHash } from "../../engine/plan/state-identity.ts";
import { matchLayouts } from "../../engine/state/state-layout.ts";
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
    const { carried, dropped } = matchLayouts(before.stateLayout, after.stateLayout, []);
    assert.deepEqual([[...carried.keys()].toSorted(), dropped], [["seen", "sums"], []]);
  }
});

const aggregateWith = (window: string, aggregates: string): string =>
  `{ id: sums, type: aggregate, key: region, window: { type: tumbling, size: ${window} }, aggregates: { ${aggregates} } }`;

const changes: readonly (readonly [what: string, parts: Parts, step: string])[] = [
  ["key", { dedupe: "{ id: seen, type: dedupe, key: customer_id, ttl: 24h }" }, "seen"],
  ["window", { aggregate: aggregateWith("10m", "n: { count: true }") }, "sums"],
  ["aggregates", { aggregate: aggregateWith("5m", "m: { count: true }") }, "sums"],
];

for (const [what, parts, step] of changes) {
  test(`D8: a changed ${what} refuses, names the step and its reset, and --reset drops the state`, () => {
    const after = planOf(parts);
    assert.notEqual(layoutHash(after), layoutHash(before));
    assert.throws(
      () => matchLayouts(before.stateLayout, after.stateLayout, []),
      (error: Error & { code?: string; hint?: string }) =>
        error.code === "STATE_LAYOUT_CHANGED" &&
        error.message.includes(`"${step}"`) &&
        error.hint?.includes(`--reset ${step}`) === true,
    );
    const { dropped } = matchLayouts(before.stateLayout, after.stateLayout, [step]);
    assert.deepEqual(dropped, [step]);
  });
}

test("D8: another codec of a state refuses, and names the step and the state", () => {
  for (const [step, name] of before.stateLayout.flatMap(({ step: id, states }) =>
    Object.keys(states).map((state) => [id, state] as const),
  )) {
    const after = before.stateLayout.map((layout) =>
      layout.step === step
        ? { ...layout, states: { ...layout.states, [name]: { version: 99 } } }
        : layout,
    );
    assert.throws(
      () => matchLayouts(before.stateLayout, after, []),
      (error: Error & { code?: string }) =>
        error.code === "STATE_LAYOUT_CHANGED" &&
        error.message.includes(`"${step}"`) &&
        error.message.includes(name),
    );
  }
});

test("D8: a renamed step carries its state over with `was`, and refuses without", () => {
  const parts = (was: string): Parts => ({
    dedupe: `{ id: once, type: dedupe, ${was}key: order_id, ttl: 24h }`,
    discard: "once.duplicates, sums.late",
  });
  const renamed = planOf(parts("was: seen, "));
  const { carried } = matchLayouts(before.stateLayout, renamed.stateLayout, []);
  assert.equal(carried.get("once"), "seen");
  const forgotten = planOf(parts(""));
  assert.throws(() => matchLayouts(before.stateLayout, forgotten.stateLayout, []), /"seen"/);
});

test("--reset of a step that neither the state nor the job knows is a usage error", () => {
  assert.throws(() => matchLayouts(before.stateLayout, before.stateLayout, ["nope"]), /nope/);
});
