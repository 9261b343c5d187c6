import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Finding } from "../../engine/core/finding.ts";
import { unsupportedKeywords } from "../../engine/spec/schema-shape.ts";
import { codes, job, readText, sampleSchema } from "./sample-schema.ts";

function only(findings: readonly Finding[]): Finding {
  assert.equal(findings.length, 1, JSON.stringify(findings, undefined, 1));
  const [finding] = findings;
  assert.ok(finding);
  return finding;
}

const dedupe = (fields: string): string => job(`steps:`, `  - { id: d, type: dedupe, ${fields} }`);
const aggregate = (fields: string): string =>
  job(
    "steps:",
    "  - id: by_region",
    "    type: aggregate",
    "    key: region",
    "    aggregates: { n: { count: true } }",
    fields,
  );
const window = "    window: { type: tumbling, size: 5m }";

test("every keyword of the sample schema is checked, and others are named", () => {
  assert.deepEqual(unsupportedKeywords(sampleSchema), []);
  const odd = { properties: { a: { multipleOf: 2, not: {} }, enum: { format: "date" } } };
  assert.deepEqual(unsupportedKeywords(odd), ["multipleOf", "not", "format"]);
});

test("J8: an unknown field is named with its step, its place and what was meant", () => {
  const finding = only(readText(aggregate(`${window}\n    alowed_lateness: 0s`)).findings);
  assert.deepEqual(finding, {
    code: "SPEC_UNKNOWN_FIELD",
    severity: "error",
    message: 'unknown field "alowed_lateness" in step by_region',
    file: "jobs/job.yaml",
    line: 7,
    column: 5,
    end_line: 7,
    end_column: 20,
    path: "steps[0].alowed_lateness",
    suggestion: 'did you mean "allowed_lateness"?',
    related: [{ file: "jobs/job.yaml", line: 2, column: 5, message: "in this step" }],
  });
});

test("J8: a field that is one letter off is found with the field that was meant", () => {
  const fields: readonly (readonly [string, string])[] = [
    ["allowed_lateness", "0s"],
    ["window", "{ type: tumbling, size: 5m }"],
    ["aggregates", "{ n: { count: true } }"],
    ["emit", "final"],
  ];
  const slip = fc.tuple(fc.constantFrom(...fields), fc.nat(), fc.constantFrom("x", "q", ""));
  fc.assert(
    fc.property(slip, ([[name, value], seed, letter]) => {
      const at = 1 + (seed % (name.length - 1));
      const wrong = name.slice(0, at) + letter + name.slice(at + 1);
      const lines = fields
        .filter(([other]) => other !== name)
        .map(([other, text]) => `    ${other}: ${text}`);
      const text = job(
        "steps:",
        "  - id: a",
        "    type: aggregate",
        "    key: region",
        ...lines,
        `    ${wrong}: ${value}`,
      );
      const finding = only(readText(text).findings);
      assert.equal(finding.code, "SPEC_UNKNOWN_FIELD");
      assert.equal(finding.suggestion, `did you mean "${name}"?`);
      assert.equal(`${finding.line}:${finding.column}`, "8:5");
    }),
    { numRuns: 150, seed: 17 },
  );
});

test("J8: words of other systems get ours", () => {
  const rows: readonly [string, string, string][] = [
    ["Benthos output", job("output: { kafka: {} }"), 'did you mean "sinks"?'],
    ["Benthos processors", job("processors: []"), 'did you mean "steps"?'],
    ["Benthos pipeline", job("pipeline: { processors: [] }"), "`steps:`"],
    ["Benthos input", job("input: {}"), 'did you mean "sources"?'],
    ["Kafka Streams grace", aggregate(`${window}\n    grace: 5s`), '"allowed_lateness"'],
    [
      "Flink allowedLateness",
      aggregate(`${window}\n    allowedLateness: 5s`),
      '"allowed_lateness"',
    ],
    ["kebab case", aggregate(`${window}\n    allowed-lateness: 5s`), '"allowed_lateness"'],
    [
      "grace in the window",
      aggregate("    window: { type: tumbling, size: 5m, grace: 1s }"),
      "`allowed_lateness:`",
    ],
    [
      "Beam fixed",
      aggregate("    window: { type: tumbling, size: 5m, fixed: 1 }"),
      "type: tumbling",
    ],
    [
      "Flink delay",
      job("sources: { in: { type: kafka, topic: t, bounded_out_of_orderness: 5s } }"),
      "max_out_of_orderness",
    ],
    ["ksqlDB emit changes", aggregate(`${window}\n    emit_changes: true`), "`emit: updates`"],
    [
      "consumer group",
      job("sources: { in: { type: kafka, topic: t, group_id: g } }"),
      "no consumer groups",
    ],
    [
      "brokers at a sink",
      job("sinks: { o: { type: kafka, topic: t, input: in, seed_brokers: b } }"),
      "bootstrap_servers",
    ],
    ["ttl of Kafka Streams", dedupe("key: a, ttl: 1h, retention: 1h"), '"ttl"'],
    [
      "mean",
      job(
        "steps:",
        `  - { id: a, type: aggregate, key: k, window: { type: tumbling, size: 1m }, aggregates: { x: { mean: y } } }`,
      ),
      '"avg"',
    ],
    [
      "a block's field beside it",
      job("sources: { in: { type: kafka, topic: t, idle_timeout: 5s } }"),
      'belongs under "watermark"',
    ],
  ];
  for (const [name, text, expected] of rows) {
    const finding = readText(text).findings.find((found) => found.code === "SPEC_UNKNOWN_FIELD");
    assert.ok(finding?.suggestion?.includes(expected), `${name}: ${finding?.suggestion}`);
  }
});

test("J8: names of JavaScript objects are unknown fields like any other", () => {
  for (const name of ["toString", "valueOf", "hasOwnProperty"]) {
    assert.deepEqual(codes(readText(job(`${name}: 1`)).findings), ["1:1 SPEC_UNKNOWN_FIELD"]);
    assert.deepEqual(codes(readText(job(`sources: { in: { type: ${name} } }`)).findings), [
      "1:24 SPEC_UNKNOWN_TYPE",
    ]);
  }
});

test("words that are reserved say that they are not available yet", () => {
  const rows: readonly [string, string][] = [
    [job("steps: [{ id: a, type: join, left: x, on: y }]"), "1:24 SPEC_NOT_AVAILABLE"],
    [aggregate("    window: { type: session, size: 5m }"), "6:21 SPEC_NOT_AVAILABLE"],
    [aggregate(`${window}\n    inputs: [a, b]`), "7:5 SPEC_NOT_AVAILABLE"],
    [
      job("sinks: { o: { type: file, input: in, path: p, partition_by: x } }"),
      "1:47 SPEC_NOT_AVAILABLE",
    ],
    [
      job(
        "steps:",
        "  - { id: a, type: aggregate, key: k, window: { type: tumbling, size: 1m }, aggregates: { x: { count_distinct: y } } }",
      ),
      "2:96 SPEC_NOT_AVAILABLE",
    ],
  ];
  for (const [text, expected] of rows) assert.deepEqual(codes(readText(text).findings), [expected]);
});

test("a type that does not exist comes with the nearest, and hides no fault of the common fields", () => {
  const { findings, spec } = readText(
    job(
      "steps:",
      "  - { id: Bad, type: dedup, key: a, tl: 1h, input: 5 }",
      "  - { id: b, type: mapping }",
    ),
  );
  assert.deepEqual(codes(findings), [
    "2:11 SPEC_NAME",
    "2:22 SPEC_UNKNOWN_TYPE",
    "2:52 SPEC_WRONG_TYPE",
    "3:20 SPEC_UNKNOWN_TYPE",
  ]);
  assert.equal(findings[0]?.suggestion, "write bad");
  assert.equal(findings[1]?.suggestion, 'did you mean "dedupe"?');
  assert.equal(findings[3]?.suggestion, 'did you mean "enrich"?');
  assert.equal(JSON.stringify(spec?.root["steps"]), '[{"id":"Bad"},{"id":"b"}]', "indices stay");
});

test("what is missing is said at the id of the step, the key of anything else", () => {
  const text = job(
    "steps:",
    "  - type: dedupe",
    "    id: d",
    "  - dedupe: { key: a }",
    "  - { id: v, type: validate }",
    "  - { id: w, type: validate, rules: [{ message: m }] }",
    "sinks:",
    "  out: { type: file }",
    "tables:",
    "  t: {}",
  );
  assert.deepEqual(
    readText(text).findings.map(
      (found) => `${found.line}:${found.column} ${found.message}; ${found.suggestion}`,
    ),
    [
      '3:9 step d needs the field "key"; add `key:`',
      '3:9 step d needs the field "ttl"; add `ttl:` with a duration such as 10m',
      '4:5 steps[1] needs the field "type"; add `type: dedupe`, and its fields beside it',
      '4:5 steps[1] needs the field "id"; add `id:`',
      '5:11 step v needs "schema" or "rules"; undefined',
      '6:40 "rules[0]" of step w needs the field "assert"; add `assert:` with an expression',
      '8:3 sink out needs the field "input"; add `input:`',
      '8:3 sink out needs the field "path"; add `path:`',
      '10:3 table t needs the field "key"; add `key:`',
      '10:3 table t needs the field "values"; add `values:`',
    ],
  );
  const empty = readText("description: x\n").findings;
  assert.deepEqual(
    empty.map((found) => found.message),
    ["version", "name", "sources", "sinks"].map((name) => `the job needs the field "${name}"`),
  );
  assert.equal(empty[0]?.suggestion, "add `version: 1`");
});

test("exactly one function makes an aggregate", () => {
  const text = (fields: string): string =>
    job(
      "steps:",
      `  - { id: a, type: aggregate, key: k, window: { type: tumbling, size: 1m }, aggregates: { x: ${fields} } }`,
    );
  assert.deepEqual(readText(text("{ sum: y, scale: 2 }")).findings, []);
  assert.match(
    only(readText(text("{ scale: 2 }")).findings).message,
    /needs one of "count", "sum"/,
  );
  assert.match(only(readText(text("{ sum: a, avg: b }")).findings).message, /only one of them/);
});

test("J11: ids have a grammar, and errors is reserved", () => {
  const text = job(
    "name: My Job",
    "steps: [{ id: A-b, type: filter, where: x }, { id: errors, type: filter, where: x, was: '1' }]",
    "sinks: { errors: { type: file, input: in, path: p }, ö: { type: file, input: in, path: q } }",
  );
  const { spec, findings } = readText(text);
  assert.deepEqual(
    findings.map((found) => `${found.line}:${found.column} ${found.code} ${found.suggestion}`),
    [
      "1:7 SPEC_NAME write my-job",
      "2:15 SPEC_NAME write a_b",
      "2:52 SPEC_NAME as the input of a sink it means every error port that nothing else consumes",
      "2:89 SPEC_NAME undefined",
      "3:10 SPEC_NAME as the input of a sink it means every error port that nothing else consumes",
      "3:54 SPEC_NAME undefined",
    ],
  );
  assert.deepEqual(Object.keys(Object(spec?.root["sinks"])), ["ö"]);
});

test("J22: a spec of another version names both versions and is not judged further", () => {
  for (const [version, advice] of [
    ["2", /newer release/],
    ["0", /version: 1/],
    ["1.1", /newer/],
  ] as const) {
    const { spec, findings } = readText(job(`version: ${version}`, "streams: []"));
    assert.equal(spec, undefined);
    const finding = only(findings);
    assert.equal(finding.code, "SPEC_VERSION");
    assert.equal(finding.message, `the spec is of version ${version}; this engine reads version 1`);
    assert.match(finding.suggestion ?? "", advice);
    assert.equal(`${finding.line}:${finding.column}`, "1:10");
  }
  assert.deepEqual(codes(readText(job('version: "1"')).findings), ["1:10 SPEC_WRONG_TYPE"]);
});

test("all faults are found at once, in the order of the file", () => {
  const { findings } = readText(
    job(
      "nam: x",
      "kafka: { bootstrap_server: b }",
      "sources: { In: { type: kafka } }",
      "steps: [{ id: d, type: dedupe, ttl: 5 }]",
      "discard: 1",
    ),
  );
  assert.deepEqual(codes(findings), [
    "1:1 SPEC_UNKNOWN_FIELD",
    "2:10 SPEC_UNKNOWN_FIELD",
    "3:12 SPEC_MISSING_FIELD",
    "3:12 SPEC_NAME",
    "4:15 SPEC_MISSING_FIELD",
    "4:37 SPEC_BAD_DURATION",
    "5:10 SPEC_WRONG_TYPE",
  ]);
});

test("what is good of a faulty document stays; a list of texts with a bad one goes as a whole", () => {
  const { spec } = readText(
    job(
      "description: 5",
      "checkpoint: { interval: 10, max_records: 7 }",
      "sinks: { o: { type: file, input: [in, 5], path: p } }",
      "steps: [{ id: f, type: filter, where: 1 }, 5, { id: g, type: filter, where: 'a > 0' }]",
    ),
  );
  const { description, checkpoint, sinks, steps } = JSON.parse(JSON.stringify(spec?.root));
  assert.equal(description, undefined);
  assert.deepEqual(checkpoint, { max_records: 7 });
  assert.deepEqual(sinks, { o: { type: "file", path: "p" } });
  assert.deepEqual(steps, [
    { id: "f", type: "filter", where: 1 },
    {},
    { id: "g", type: "filter", where: "a > 0" },
  ]);
});
