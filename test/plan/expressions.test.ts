import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExpressionSource } from "../../engine/operators/operator.ts";
import { compile, job } from "./fixture.ts";
import type { Compiled } from "./fixture.ts";

const schema = (additional: boolean): string =>
  JSON.stringify({
    type: "object",
    properties: { k: { type: "string" }, amount: { type: "string", format: "decimal" } },
    ...(additional ? {} : { additionalProperties: false }),
  });

function behindSchema(last: readonly string[], additional: boolean, sinks?: string[]): Compiled {
  const steps = ["{ id: check, type: validate, schema: s.json }", ...last];
  return compile(job({ steps, ...(sinks === undefined ? {} : { sinks }) }), {
    "s.json": schema(additional),
  });
}

test("a fault in an expression is placed inside its text, through quotes", () => {
  const { findings } = compile(
    job({ steps: [`{ id: last, type: filter, where: "a = 'x' and $upercase(b) = 'y'" }`] }),
  );
  assert.deepEqual(
    findings.map(({ code, line, column, path }) => [code, line, column, path]),
    [["EXPRESSION_UNKNOWN_FUNCTION", 6, 51, "steps[0].where"]],
  );
});

test("kinds of faults have their own codes", () => {
  const cases: readonly [expression: string, code: string][] = [
    ["a = ", "EXPRESSION_SYNTAX"],
    ["$nowhere(a)", "EXPRESSION_UNKNOWN_FUNCTION"],
    ["$nowhere = 1", "EXPRESSION_UNKNOWN_VARIABLE"],
    ["$row('nowhere', a) = 1", "EXPRESSION_UNKNOWN_TABLE"],
    ["$param('nowhere') = 1", "EXPRESSION_UNKNOWN_PARAMETER"],
    ["$param('password') = 1", "EXPRESSION_SECRET"],
    ["$window.start = 1", "EXPRESSION_OUT_OF_SCOPE"],
    ["$uppercase(a, b, c) = 1", "EXPRESSION_ARGUMENTS"],
    ["$decimal('1') / 2 > 1", "EXPRESSION_DECIMAL_DIVISION"],
  ];
  for (const [expression, code] of cases) {
    const { codes } = compile(
      job({ steps: [`{ id: last, type: filter, where: ${JSON.stringify(expression)} }`] }),
      {},
      { password: { value: "hunter2", secret: true } },
    );
    assert.deepEqual(codes, [code], expression);
  }
});

test("a YAML number as an expression keeps its digits", () => {
  const { plan } = compile(job({ steps: ["{ id: last, type: filter, where: 0.10 }"] }));
  const where = plan?.steps[0]?.config["where"] as ExpressionSource | undefined;
  assert.deepEqual([where?.expression, where?.scope], ["0.10", "record"]);
});

test("a field that a closed schema does not list is an error, with an open one a warning", () => {
  for (const additional of [true, false]) {
    const { findings, plan } = behindSchema(
      [`{ id: last, type: filter, where: "k = 'amout' and amout > 1" }`],
      additional,
    );
    assert.deepEqual(
      findings.map(({ code, severity, column, suggestion }) => [
        code,
        severity,
        column,
        suggestion,
      ]),
      [
        [
          "EXPRESSION_UNKNOWN_FIELD",
          additional ? "warning" : "error",
          55,
          'did you mean "amount"?',
        ],
      ],
    );
    assert.equal(plan === undefined, !additional);
  }
});

test("known fields are followed: set adds, keep chooses, results have keys and aggregates", () => {
  const cases: readonly [steps: readonly string[], unknown: readonly string[]][] = [
    [["{ id: last, type: enrich, set: { a: amount, b: a } }"], []],
    [["{ id: last, type: enrich, set: { b: a, a: amount } }"], ["a"]],
    [
      [
        "{ id: slim, type: enrich, keep: [k], set: { a: amount } }",
        '{ id: last, type: filter, where: "a > 1 and amount > 1" }',
      ],
      ["amount"],
    ],
    [
      [
        "{ id: sums, type: aggregate, key: k, window: { type: tumbling, size: 5m }, aggregates: { total: { sum: amount } }, set: { twice: total * 2, thrice: twice + total, bad: amount } }",
        '{ id: last, type: filter, where: "total > 1 and thrice > 1 and amount > 1" }',
      ],
      ["amount", "amount"],
    ],
    [['{ id: last, type: filter, input: [check, in], where: "anything" }'], []],
    [['{ id: last, type: filter, input: check.rejected, where: "anything" }'], []],
  ];
  for (const [last, unknown] of cases) {
    const sinks = [
      "out: { type: file, path: o, input: [last, check] }",
      "dead: { type: file, path: d, input: errors }",
    ];
    const tail = last.some((step) => step.includes("sums")) ? "discard: [sums.late]" : undefined;
    const { findings } = compile(
      job({
        steps: ["{ id: check, type: validate, schema: s.json }", ...last],
        sinks,
        ...(tail === undefined ? {} : { tail }),
      }),
      { "s.json": schema(false) },
    );
    assert.deepEqual(
      findings.map(({ code, message }) => `${code} ${/"(\w+)"/.exec(message)?.[1]}`),
      unknown.map((name) => `EXPRESSION_UNKNOWN_FIELD ${name}`),
      JSON.stringify(last),
    );
  }
});

test("rules are judged behind the schema of their own step, sinks behind what they read", () => {
  const rules = compile(
    job({
      steps: ['{ id: last, type: validate, schema: s.json, rules: [{ assert: "amout > 1" }] }'],
      sinks: [
        "out: { type: file, path: o, input: last, key: kk, set: { a: amount } }",
        "dead: { type: file, path: d, input: errors, set: { anything: $error.code } }",
      ],
    }),
    { "s.json": schema(false) },
  );
  assert.deepEqual(rules.places, ["6 EXPRESSION_UNKNOWN_FIELD", "8 EXPRESSION_UNKNOWN_FIELD"]);
});

test("a schema's faults stand in the schema file", () => {
  const { findings } = compile(job({ steps: ["{ id: last, type: validate, schema: s.json }"] }), {
    "s.json": '{\n  "type": "object",\n  "propertys": {},\n  "type": "object"\n}',
  });
  assert.deepEqual(
    findings.map(({ file, line, column, code }) => `${file}:${line}:${column} ${code}`),
    ["jobs/s.json:3:3 SCHEMA_UNKNOWN_KEYWORD", "jobs/s.json:4:3 SCHEMA_KEY_REPEATED"],
  );
});

test("types of a schema and of earlier lines show faults that every record would have", () => {
  const faults: readonly [steps: string[], code: string, column: number][] = [
    [['{ id: last, type: filter, where: "amount / 2 > 1" }'], "EXPRESSION_DECIMAL_DIVISION", 46],
    [["{ id: last, type: filter, where: \"amount = '1'\" }"], "EXPRESSION_TYPE", 46],
    [['{ id: last, type: filter, where: "amount > k" }'], "EXPRESSION_TYPE", 46],
    [
      ['{ id: last, type: enrich, set: { half: amount * 0.5, third: "half / 3" } }'],
      "EXPRESSION_DECIMAL_DIVISION",
      71,
    ],
    [
      [
        "{ id: more, type: enrich, set: { tax: amount * 0.1 } }",
        '{ id: last, type: filter, where: "tax / 3 > 1" }',
      ],
      "EXPRESSION_DECIMAL_DIVISION",
      43,
    ],
  ];
  for (const [steps, code, column] of faults) {
    const { findings } = behindSchema(steps, true);
    assert.deepEqual(
      findings.map((finding) => [finding.code, finding.column]),
      [[code, column]],
      steps.join("; "),
    );
  }
  const { findings } = behindSchema(
    ["{ id: last, type: enrich, set: { amount: k, same: \"amount = 'x'\" } }"],
    true,
  );
  assert.deepEqual(findings, []);
});
