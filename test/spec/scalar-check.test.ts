import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding } from "../../engine/core/finding.ts";
import { job, readText } from "./sample-schema.ts";

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

test("values of the wrong type are named, with what to write", () => {
  const rows: readonly [string, string, string | undefined][] = [
    [job("description: 5"), '"description" must be text, not a number', 'write "5" in quotes'],
    [
      job("description: true"),
      '"description" must be text, not true or false',
      'write "true" in quotes',
    ],
    [job("description: [a]"), '"description" must be text, not a list', undefined],
    [job("description:"), '"description" has no value; it must be text', undefined],
    [job("kafka: 5"), '"kafka" must be a map, not a number', undefined],
    [job("discard: a.b"), '"discard" must be a list, not text', "write a list: [a.b]"],
    [
      job('checkpoint: { max_records: "5" }'),
      '"checkpoint.max_records" must be a whole number, not text',
      "write 5 without quotes",
    ],
    [
      job("checkpoint: { max_records: 1.5 }"),
      '"checkpoint.max_records" must be a whole number, not a fraction or a number too large to count',
      undefined,
    ],
    [
      job("checkpoint: { max_records: 99999999999999999999 }"),
      '"checkpoint.max_records" must be a whole number, not a fraction or a number too large to count',
      undefined,
    ],
    [dedupe("ttl: 1h, key: { a: [x] }"), '"key.a" of step d must be text, not a list', undefined],
    [job("steps: { a: b }"), '"steps" must be a list, not a map', undefined],
    [job("steps: [a]"), "steps[0] must be a map, not text", undefined],
    [job("sources: { in: 5 }"), "source in must be a map, not a number", undefined],
  ];
  for (const [text, message, suggestion] of rows) {
    const finding = only(readText(text).findings);
    assert.equal(finding.code, "SPEC_WRONG_TYPE", text);
    assert.equal(finding.message, message);
    assert.equal(finding.suggestion, suggestion, text);
  }
});

test("J6: no, on and yes are text in YAML 1.2; where a boolean belongs, true or false is asked for", () => {
  for (const [word, meant] of [
    ["no", "false"],
    ["on", "true"],
    ["Yes", "true"],
    ["OFF", "false"],
    ["y", "true"],
  ]) {
    const finding = only(
      readText(job(`sources: { in: { type: generate, count: 1, shuffle: ${word} } }`)).findings,
    );
    assert.equal(finding.code, "SPEC_WRONG_TYPE");
    assert.equal(finding.suggestion, `write ${meant}`);
  }
  const quoted = only(
    readText(job("sources: { in: { type: generate, count: 1, shuffle: 'true' } }")).findings,
  );
  assert.equal(quoted.suggestion, "write true without quotes");
  assert.deepEqual(readText(job("description: no")).findings, []);
});

test("J9: durations have one unit and a range; the message shows what was read", () => {
  const rows: readonly [string, RegExp, RegExp][] = [
    ["60", /60 has no unit/, /"60s" if seconds/],
    ["'60'", /60 has no unit/, /"60s" if seconds/],
    ["10 min", /"10 min" is no duration/, /"10m"/],
    ["1h30m", /is no duration/, /"90m"/],
    ["1.5h", /is no duration/, /"90m"/],
    ["PT5M", /is no duration/, /"5m"/],
    ["10S", /is no duration/, /"10s"/],
    ["2 weeks", /is no duration/, /"14d"/],
    ["-1s", /is negative/, /0s or longer/],
    ["1e9h", /\(41666666d\)|is out of range/, /100 years/],
    ["99999d", /"99999d" \(99999d\) is out of range/, /100 years/],
    ["0.1ms", /is out of range/, /whole milliseconds/],
    ["0s", /must be at least 1ms, not 0s/, /undefined/],
    ["soon", /"soon" is no duration/, /unit/],
    ["''", /"" is no duration/, /unit/],
    ["true", /must be a duration/, /undefined/],
    ["", /must be a duration/, /undefined/],
  ];
  for (const [value, message, suggestion] of rows) {
    const finding = only(readText(dedupe(`key: a, ttl: ${value}`)).findings);
    assert.equal(finding.code, "SPEC_BAD_DURATION", value);
    assert.match(finding.message, message);
    assert.match(String(finding.suggestion), suggestion);
    if (value !== "") assert.equal(`${finding.line}:${finding.column}`, "2:41", value);
  }
  assert.deepEqual(readText(aggregate(`${window}\n    allowed_lateness: 0s`)).findings, []);
});

test("values out of range or not among the choices are named", () => {
  const rows: readonly [string, string][] = [
    [job("checkpoint: { max_records: 0 }"), '"checkpoint.max_records" must be at least 1, not 0'],
    [
      job("sources: { in: { type: generate, count: 1, rate: 0 } }"),
      '"rate" of source in must be more than 0, not 0',
    ],
    [
      job("kafka: { embedded: { partitions: 1001 } }"),
      '"kafka.embedded.partitions" must be at most 1000, not 1001',
    ],
    [
      job("decimal: { rounding: half_upp }"),
      '"decimal.rounding" must be one of half_up, half_even, down, not "half_upp"',
    ],
    [job("sources: { in: { type: kafka, topic: '' } }"), '"topic" of source in must not be empty'],
    [
      job("sinks: { o: { type: file, input: [], path: p } }"),
      '"input" of sink o must not be empty',
    ],
    [job("steps: [{ id: v, type: validate, rules: [] }]"), '"rules" of step v must not be empty'],
    [job(`name: ${"a".repeat(101)}`), '"name" must have at most 100 characters'],
  ];
  for (const [text, message] of rows) {
    const finding = only(readText(text).findings);
    assert.equal(finding.code, "SPEC_BAD_VALUE");
    assert.equal(finding.message, message);
  }
});
