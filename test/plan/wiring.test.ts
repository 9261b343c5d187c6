import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, job } from "./fixture.ts";
import type { Compiled } from "./fixture.ts";

function inputsOf(compiled: Compiled, node: string): readonly string[] {
  const { plan } = compiled;
  assert.ok(plan, JSON.stringify(compiled.findings, undefined, 1));
  const found = [...plan.steps, ...plan.sinks].find(({ id }) => id === node);
  return (found?.inputs ?? []).map(({ node: id, port }) => `${id}.${port}`);
}

const chain = ['{ id: first, type: filter, where: "a" }', '{ id: last, type: filter, where: "b" }'];

test("an input defaults to the step above, of the first step to the only source", () => {
  const compiled = compile(job({ steps: chain }));
  assert.deepEqual(inputsOf(compiled, "first"), ["in.main"]);
  assert.deepEqual(inputsOf(compiled, "last"), ["first.main"]);
});

test("with several sources the first step must name its input", () => {
  const source = "in: { type: file, path: in.jsonl }\n  other: { type: file, path: other.jsonl }";
  const { findings, codes } = compile(job({ source, steps: chain }));
  assert.ok(codes.includes("SPEC_INPUT_UNCLEAR"));
  assert.match(
    findings.find(({ code }) => code === "SPEC_INPUT_UNCLEAR")?.suggestion ?? "",
    /input: in/,
  );
});

test("an input names a port, or a list of ports in their order", () => {
  const compiled = compile(
    job({
      steps: [...chain],
      sinks: [
        "out: { type: file, path: out.jsonl, input: [last, first.dropped, in] }",
        "dead: { type: file, path: dead.jsonl, input: errors }",
      ],
    }),
  );
  assert.deepEqual(inputsOf(compiled, "out"), ["last.main", "first.dropped", "in.main"]);
});

test("`errors` is every error port that nothing else consumes and that is not discarded", () => {
  const compiled = compile(
    job({
      steps: chain,
      sinks: [
        "out: { type: file, path: out.jsonl, input: last }",
        "bad: { type: file, path: bad.jsonl, input: first.failed }",
        "dead: { type: file, path: dead.jsonl, input: [errors, first.dropped] }",
      ],
      tail: "discard: [in.rejected]",
    }),
  );
  assert.deepEqual(inputsOf(compiled, "dead"), [
    "last.failed",
    "sinks.out.rejected",
    "first.dropped",
  ]);
});

test("a sink that consumes error ports rejects nothing, and stands behind the others", () => {
  const compiled = compile(
    job({
      steps: chain,
      sinks: [
        "dead: { type: file, path: dead.jsonl, input: errors }",
        "out: { type: file, path: out.jsonl, input: last }",
      ],
    }),
  );
  assert.deepEqual(
    compiled.plan?.sinks.map(({ id, rejects }) => [id, rejects]),
    [
      ["out", true],
      ["dead", false],
    ],
  );
});

test("so is a sink behind a step that reads an error port", () => {
  const compiled = compile(
    job({
      steps: [
        '{ id: last, type: filter, where: "a" }',
        '{ id: bad, type: filter, input: in.rejected, where: "true" }',
      ],
      sinks: [
        "out: { type: file, path: out.jsonl, input: last }",
        "dead: { type: file, path: dead.jsonl, input: [errors, bad] }",
        "bads: { type: file, path: bads.jsonl, input: bad }",
      ],
    }),
  );
  const { plan } = compiled;
  assert.equal(plan?.sinks.find(({ id }) => id === "bads")?.rejects, false);
  assert.deepEqual(inputsOf(compiled, "dead"), [
    "last.failed",
    "bad.failed",
    "sinks.out.rejected",
    "bad.main",
  ]);
});

test("names that do not exist are reported at the name, with the nearest one", () => {
  const cases: readonly [input: string, code: string, suggestion: RegExp][] = [
    ["lats", "SPEC_INPUT_UNKNOWN", /did you mean "last"/],
    ["error", "SPEC_INPUT_UNKNOWN", /did you mean "errors"/],
    ["last.droped", "SPEC_PORT_UNKNOWN", /did you mean "last.dropped"/],
    ["last.", "SPEC_PORT_UNKNOWN", /main, dropped, failed/],
    ["dead", "SPEC_INPUT_UNKNOWN", /there are|did you mean/],
    ["constructor", "SPEC_INPUT_UNKNOWN", /there are/],
    ["last.constructor", "SPEC_PORT_UNKNOWN", /^$/],
    ["sinks.dead.rejected", "SPEC_PORT_UNKNOWN", /^$/],
    ["sinks.nowhere.rejected", "SPEC_INPUT_UNKNOWN", /there are/],
  ];
  for (const [input, code, suggestion] of cases) {
    const { findings, plan } = compile(
      job({
        steps: chain,
        sinks: [
          `out: { type: file, path: out.jsonl, input: [last, ${input}] }`,
          "dead: { type: file, path: dead.jsonl, input: errors }",
        ],
      }),
    );
    assert.deepEqual(
      findings.map((finding) => finding.code),
      [code],
      input,
    );
    assert.match(findings[0]?.suggestion ?? "", suggestion, input);
    assert.equal(findings[0]?.path, "sinks.out.input[1]");
    assert.equal(findings[0]?.line, 9);
    assert.equal(plan, undefined);
  }
});

test("a port that stands twice in one list is reported", () => {
  const { codes } = compile(
    job({
      steps: chain,
      sinks: [
        "out: { type: file, path: out.jsonl, input: [last, last.main] }",
        "dead: { type: file, path: dead.jsonl, input: errors }",
      ],
    }),
  );
  assert.deepEqual(codes, ["SPEC_INPUT_REPEATED"]);
});

test("only sinks read `errors` and the ports of sinks", () => {
  for (const [input, code] of [
    ["errors", "SPEC_INPUT_ERRORS"],
    ["sinks.out.rejected", "SPEC_INPUT_SINK"],
  ] as const) {
    const steps = [`{ id: last, type: filter, input: [in, ${input}], where: "a" }`];
    assert.deepEqual(compile(job({ steps })).codes, [code]);
  }
});

test("ids are unique among sources and steps, and `errors` is reserved", () => {
  const twice = compile(job({ steps: ['{ id: in, type: filter, where: "a" }', ...chain] }));
  const repeated = twice.findings.find(({ code }) => code === "SPEC_ID_REPEATED");
  assert.equal(repeated?.related?.[0]?.line, 4);
  const reserved = compile(job({ steps: ['{ id: errors, type: filter, where: "a" }', ...chain] }));
  assert.ok(reserved.codes.includes("SPEC_ID_RESERVED"));
});

test("a node that the structural check left out causes no findings of its own", () => {
  const steps = [
    '{ id: odd, type: nowhere, where: "a" }',
    '{ id: last, type: filter, where: "b" }',
  ];
  const { plan, codes } = compile(job({ steps }));
  assert.deepEqual(codes, []);
  assert.equal(plan, undefined);
});
