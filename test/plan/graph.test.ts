import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { compile, job } from "./fixture.ts";

const dead = "dead: { type: file, path: dead.jsonl, input: errors }";
const out = "out: { type: file, path: out.jsonl, input: last }";

test("each way to lose records or go in circles has its own code", () => {
  const cases: readonly [name: string, text: string, places: readonly string[]][] = [
    [
      "cycle",
      job({
        steps: [
          '{ id: a, type: filter, input: [in, c], where: "x" }',
          '{ id: b, type: filter, where: "x" }',
          '{ id: c, type: filter, where: "x" }',
          '{ id: last, type: filter, where: "x" }',
        ],
      }),
      ["6 SPEC_CYCLE"],
    ],
    [
      "itself",
      job({ steps: ['{ id: last, type: filter, input: [in, last], where: "x" }'] }),
      ["6 SPEC_CYCLE"],
    ],
    [
      "dead step",
      job({
        steps: ['{ id: last, type: filter, where: "x" }', '{ id: idle, type: filter, where: "x" }'],
      }),
      ["7 SPEC_STEP_DEAD"],
    ],
    [
      "source that nothing reads",
      job({
        source: "in: { type: file, path: a }\n  more: { type: file, path: b }",
        steps: ['{ id: last, type: filter, input: in, where: "x" }'],
      }),
      ["5 SPEC_SOURCE_UNREAD"],
    ],
    [
      "open error ports",
      job({ steps: ['{ id: last, type: filter, where: "x" }'], sinks: [out] }),
      ["4 SPEC_PORT_UNCONSUMED", "6 SPEC_PORT_UNCONSUMED", "8 SPEC_PORT_UNCONSUMED"],
    ],
    [
      "open duplicates",
      job({ steps: ["{ id: last, type: dedupe, key: k, ttl: 1h }"] }),
      ["6 SPEC_PORT_UNCONSUMED"],
    ],
    [
      "discarded and read",
      job({
        steps: ['{ id: last, type: filter, where: "x" }'],
        tail: "discard: [last.main]",
      }),
      ["10 SPEC_DISCARD_READ"],
    ],
    [
      "no sink",
      "version: 1\nname: a\nsources: { in: { type: file, path: a } }\nsinks: {}\n",
      ["4 SPEC_NO_SINK"],
    ],
  ];
  for (const [name, text, places] of cases) assert.deepEqual(compile(text).places, places, name);
});

test("a cycle is told with its path, in the direction of the records", () => {
  const { findings } = compile(
    job({
      steps: [
        '{ id: a, type: filter, input: [in, c], where: "x" }',
        '{ id: b, type: filter, where: "x" }',
        '{ id: c, type: filter, where: "x" }',
        '{ id: last, type: filter, where: "x" }',
      ],
    }),
  );
  assert.match(findings[0]?.message ?? "", /b -> c -> a -> b|a -> b -> c -> a|c -> a -> b -> c/);
});

test("ports may be discarded on purpose, `dropped` may stay open", () => {
  const { plan, codes } = compile(
    job({
      steps: ['{ id: last, type: filter, where: "x" }'],
      sinks: [out],
      tail: "discard: [in.rejected, last.failed, sinks.out.rejected]",
    }),
  );
  assert.deepEqual(codes, []);
  assert.deepEqual(plan?.discarded, [
    { node: "in", port: "rejected" },
    { node: "last", port: "failed" },
    { node: "sinks.out", port: "rejected" },
  ]);
});

test("what to write against an open port is said", () => {
  const { findings } = compile(job({ steps: ["{ id: last, type: dedupe, key: k, ttl: 1h }"] }));
  assert.equal(
    findings[0]?.suggestion,
    'add "last.duplicates" to the input of a sink, or write `discard: [last.duplicates]`',
  );
});

test("any graph gives an order behind inputs, or a cycle that is one", () => {
  const graph = fc.integer({ min: 1, max: 8 }).chain((size) =>
    fc.array(
      fc.uniqueArray(fc.integer({ min: -1, max: size - 1 }), { minLength: 1, maxLength: 3 }),
      {
        minLength: size,
        maxLength: size,
      },
    ),
  );
  fc.assert(
    fc.property(graph, (inputs) => {
      const name = (index: number): string => (index < 0 ? "in" : `s${index}`);
      const steps = inputs.map(
        (from, index) =>
          `{ id: s${index}, type: filter, input: [${from.map(name).join(", ")}], where: "x" }`,
      );
      const all = inputs.map((_, index) => `s${index}`).join(", ");
      const sinks = [`out: { type: file, path: o, input: [${all}, in] }`, dead];
      const { plan, findings } = compile(job({ steps, sinks }));
      const cycle = findings.find(({ code }) => code === "SPEC_CYCLE");
      if (cycle === undefined) {
        assert.ok(plan, JSON.stringify(findings));
        const seen = new Set(["in"]);
        for (const step of plan.steps) {
          for (const input of step.inputs) assert.ok(seen.has(input.node));
          seen.add(step.id);
        }
        return;
      }
      assert.equal(plan, undefined);
      const path = cycle.message.slice(cycle.message.indexOf(": ") + 2).split(" -> ");
      assert.equal(path[0], path.at(-1));
      for (const [index, id] of path.slice(1).entries()) {
        const from = inputs[Number(id.slice(1))] ?? [];
        assert.ok(from.map(name).includes(path[index] ?? ""), cycle.message);
      }
    }),
    { seed: 12, numRuns: 200 },
  );
});
