import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, job } from "./fixture.ts";

const window = "window: { type: tumbling, size: 5m }, aggregates: { n: { count: true } }";
const sinks = [
  "out: { type: file, path: out.jsonl, input: last }",
  "dead: { type: file, path: dead.jsonl, input: errors }",
];

test("the stateless prefix of a source is intake; everything behind state is not", () => {
  const { plan, findings } = compile(
    job({
      steps: [
        '{ id: a, type: filter, where: "x" }',
        "{ id: b, type: enrich, set: { y: x } }",
        "{ id: c, type: dedupe, key: y, ttl: 24h }",
        '{ id: last, type: filter, where: "x" }',
        '{ id: bad, type: filter, input: a.failed, where: "true" }',
      ],
      sinks: [sinks[0] ?? "", "dead: { type: file, path: d, input: [errors, c.duplicates, bad] }"],
    }),
  );
  assert.deepEqual(
    plan?.steps.map(({ id, stage, stateful }) => [id, stage, stateful]),
    [
      ["a", "intake", false],
      ["b", "intake", false],
      ["c", "state", true],
      ["last", "state", false],
      ["bad", "intake", false],
    ],
    JSON.stringify(findings),
  );
});

test("a source upstream of a stateful step needs event time, any other does not", () => {
  const source = "in: { type: file, path: a }\n  more: { type: file, path: b }";
  const { places, plan } = compile(
    job({
      source,
      steps: [
        '{ id: a, type: filter, input: in, where: "x" }',
        "{ id: b, type: dedupe, key: y, ttl: 24h }",
        '{ id: last, type: filter, input: more, where: "x" }',
      ],
      sinks: [
        "out: { type: file, path: out.jsonl, input: [last, b] }",
        "dead: { type: file, path: dead.jsonl, input: [errors, b.duplicates] }",
      ],
    }),
  );
  assert.deepEqual(places, ["4 SPEC_EVENT_TIME_MISSING"]);
  assert.equal(plan, undefined);
});

test("behind an error port, at once or later, stand stateless steps only", () => {
  const { places } = compile(
    job({
      steps: [
        '{ id: bad, type: filter, input: in.rejected, where: "x" }',
        `{ id: last, type: aggregate, key: code, ${window} }`,
        '{ id: rest, type: filter, input: in, where: "x" }',
      ],
      sinks: [
        "out: { type: file, path: out.jsonl, input: [last, rest] }",
        "dead: { type: file, path: dead.jsonl, input: [errors, last.late] }",
      ],
    }),
  );
  assert.deepEqual(places, ["7 SPEC_STATE_BEHIND_ERRORS"]);
});

test("with `emit: updates` the main port carries changes of the key, also behind stateless steps", () => {
  const { plan, findings } = compile(
    job({
      steps: [
        `{ id: sums, type: aggregate, key: [customer.region, kind], emit: updates, ${window} }`,
        '{ id: last, type: filter, where: "n > 1" }',
      ],
      tail: "discard: [sums.late]",
    }),
  );
  const changes = { kind: "changes", key: ["region", "kind"] };
  assert.deepEqual(
    plan?.steps.flatMap(({ id, ports }) => ports.map(({ name, shape }) => [id, name, shape])),
    [
      ["sums", "main", changes],
      ["sums", "late", { kind: "facts" }],
      ["sums", "failed", { kind: "facts" }],
      ["last", "main", changes],
      ["last", "dropped", changes],
      ["last", "failed", { kind: "facts" }],
    ],
    JSON.stringify(findings),
  );
});

test("revisions are neither counted as records nor mixed with them", () => {
  const sums = `{ id: sums, type: aggregate, key: k, emit: updates, ${window} }`;
  const counted = compile(
    job({
      steps: [sums, "{ id: last, type: dedupe, key: k, ttl: 24h }"],
      tail: "discard: [sums.late, last.duplicates]",
    }),
  );
  assert.deepEqual(counted.codes, ["SPEC_CHANGES_INPUT"]);
  const mixed = compile(
    job({
      steps: [sums, '{ id: last, type: filter, input: [in, sums], where: "true" }'],
      tail: "discard: [sums.late]",
    }),
  );
  assert.deepEqual(mixed.codes, ["SPEC_CHANGES_MIXED"]);
});

test("`format: raw` goes with records as they came: no `set`, no results", () => {
  const raw = (rest: string): string =>
    `out: { type: file, path: out.jsonl, input: last, format: raw${rest} }`;
  const steps = ['{ id: last, type: filter, where: "x" }'];
  const fine = compile(job({ steps, sinks: [raw(", key: k"), sinks[1] ?? ""] }));
  assert.deepEqual(
    fine.plan?.sinks.map(({ format }) => format),
    ["raw", "json"],
  );
  assert.deepEqual(compile(job({ steps, sinks: [raw(", set: { a: b }"), sinks[1] ?? ""] })).codes, [
    "SPEC_RAW_SET",
  ]);
  const results = compile(
    job({
      steps: [
        `{ id: sums, type: aggregate, key: k, ${window} }`,
        ...steps.map((step) => step.replace("x", "n")),
      ],
      sinks: [raw(""), sinks[1] ?? ""],
      tail: "discard: [sums.late]",
    }),
  );
  assert.deepEqual(results.codes, ["SPEC_RAW_RESULT"]);
});

test("jobs that hardly mean what they say get warnings, and still a plan", () => {
  const cases: readonly [name: string, text: string, code: string][] = [
    [
      "no out-of-orderness",
      job({
        source: "in: { type: file, path: a, event_time: { field: at, format: rfc3339 } }",
        steps: [`{ id: last, type: aggregate, key: k, ${window} }`],
        tail: "discard: [last.late]",
      }),
      "SPEC_LINT_OUT_OF_ORDERNESS",
    ],
    [
      "ttl below what the window takes",
      job({
        steps: [
          "{ id: seen, type: dedupe, key: k, ttl: 5m }",
          `{ id: last, type: aggregate, key: k, allowed_lateness: 1m, ${window} }`,
        ],
        tail: "discard: [last.late, seen.duplicates]",
      }),
      "SPEC_LINT_TTL_LATENESS",
    ],
    [
      "one topic for two sinks",
      job({
        head: "kafka: { bootstrap_servers: embedded }",
        steps: ['{ id: last, type: filter, where: "x" }'],
        sinks: [
          "out: { type: kafka, topic: t, input: last }",
          "dead: { type: kafka, topic: t, input: errors }",
        ],
      }),
      "SPEC_LINT_TOPIC_SHARED",
    ],
    [
      "uneven windows",
      job({
        steps: [
          "{ id: last, type: aggregate, key: k, window: { type: tumbling, size: 7m }, aggregates: { n: { count: true } } }",
        ],
        tail: "discard: [last.late]",
      }),
      "SPEC_WINDOW_UNEVEN",
    ],
  ];
  for (const [name, text, code] of cases) {
    const { findings, plan } = compile(text);
    assert.deepEqual(
      findings.map((finding) => [finding.code, finding.severity]),
      [[code, "warning"]],
      name,
    );
    assert.ok(plan, name);
  }
});

test("outputs that collide, with each other or with an input, are errors", () => {
  const steps = ['{ id: last, type: filter, where: "x" }'];
  const shared = compile(
    job({
      steps,
      sinks: [
        "out: { type: file, path: ./a/o.jsonl, input: last }",
        "dead: { type: file, path: a/o.jsonl, input: errors }",
      ],
    }),
  );
  assert.deepEqual(shared.places, ["9 SPEC_OUTPUT_SHARED"]);
  const onMarker = compile(
    job({
      steps,
      sinks: [
        "out: { type: file, path: o.jsonl.committed, input: last }",
        "dead: { type: file, path: o.jsonl, input: errors }",
      ],
    }),
  );
  assert.deepEqual(onMarker.places, ["9 SPEC_OUTPUT_SHARED"]);
  const loop = compile(
    job({
      steps,
      sinks: ["out: { type: file, path: in.jsonl, input: last }", sinks[1] ?? ""],
    }),
  );
  assert.deepEqual(loop.places, ["8 SPEC_OUTPUT_IS_INPUT"]);
  const readsMarker = compile(
    job({
      source: "in: { type: file, path: o.jsonl.committed }",
      steps,
      sinks: ["out: { type: file, path: o.jsonl, input: last }", sinks[1] ?? ""],
    }),
  );
  assert.deepEqual(readsMarker.places, ["8 SPEC_OUTPUT_IS_INPUT"]);
  const topics = compile(
    job({
      head: "kafka: { bootstrap_servers: embedded }",
      source: "in: { type: kafka, topic: t }",
      steps,
      sinks: ["out: { type: kafka, topic: t, input: last }", sinks[1] ?? ""],
    }),
  );
  assert.deepEqual(topics.places, ["9 SPEC_OUTPUT_IS_INPUT"]);
});

test("`was` names a step that is gone, once", () => {
  const steps = (first: string, second: string): string[] => [
    `{ id: a, type: dedupe, key: k, ttl: 24h, was: ${first} }`,
    `{ id: last, type: dedupe, key: k, ttl: 24h, was: ${second} }`,
  ];
  const tail = "discard: [a.duplicates, last.duplicates]";
  const fine = compile(job({ steps: steps("x", "y"), tail }));
  assert.deepEqual(
    fine.plan?.stateLayout.map(({ step, was }) => [step, was]),
    [
      ["a", "x"],
      ["last", "y"],
    ],
  );
  assert.deepEqual(compile(job({ steps: steps("x", "x"), tail })).codes, ["SPEC_WAS_TAKEN"]);
  assert.deepEqual(compile(job({ steps: steps("last", "y"), tail })).codes, ["SPEC_WAS_TAKEN"]);
});

test("a secret is in no plan: its place is kept by its name", () => {
  const text = job({
    head: "kafka: { bootstrap_servers: embedded, sasl: { password: '${password}', user: me } }",
    steps: ['{ id: last, type: filter, where: "x" }'],
  });
  const { plan } = compile(text, {}, { password: { value: "hunter2", secret: true } });
  assert.deepEqual(plan?.kafka, {
    bootstrap_servers: "embedded",
    sasl: { password: { secret: "password" }, user: "me" },
  });
  assert.ok(!JSON.stringify(plan).includes("hunter2"));
});
