import assert from "node:assert/strict";
import { test } from "node:test";
import { codes, job, readText } from "./sample-schema.ts";

function messages(text: string): readonly string[] {
  return readText(text).findings.map(
    (finding) => `${finding.line}:${finding.column} ${finding.code} ${finding.message}`,
  );
}

test("J1: an alias bomb is stopped by the node budget, at the alias that breaks it", () => {
  const levels = Array.from({ length: 9 }, (_, level) => {
    const item = level === 0 ? "x" : `*a${level - 1}`;
    return `a${level}: &a${level} [${Array.from({ length: 10 }, () => item).join(", ")}]`;
  });
  const { spec, findings } = readText(levels.join("\n"));
  assert.equal(spec, undefined);
  assert.deepEqual(codes(findings), ["5:10 SPEC_ALIAS"]);
});

test("J1: an alias to itself, to nothing, or as a key is an error", () => {
  assert.deepEqual(codes(readText(job("discard: &a [*a]")).findings), [
    "1:14 SPEC_ALIAS",
    "1:14 SPEC_WRONG_TYPE",
  ]);
  assert.deepEqual(codes(readText(job("description: *nowhere")).findings).slice(0, 1), [
    "1:14 SPEC_ALIAS",
  ]);
  assert.ok(codes(readText(job("description: &d x\n*d : y")).findings).includes("2:1 SPEC_ALIAS"));
});

test("aliases within the budget stand for what they name", () => {
  const { spec, findings } = readText(
    job("description: &d 'it''s'", "tables:", "  t: { key: *d, values: { v: text } }"),
  );
  assert.deepEqual(findings, []);
  assert.equal(JSON.stringify(spec?.root["tables"]), `{"t":{"key":"it's","values":{"v":"text"}}}`);
});

test("an alias stands for the latest anchor of its name above it", () => {
  const { spec } = readText(
    job("discard: [&a x, *a, &a y, *a]", "tables: { t: { key: *a, values: {} } }"),
  );
  assert.deepEqual(spec?.root["discard"], ["x", "x", "y", "y"]);
});

test("J2: merge keys are not supported", () => {
  const text = job("description: &d {a: 1}", "checkpoint:", "  <<: *d", "  interval: 10s");
  const found = messages(text).find((message) => message.includes("SPEC_MERGE_KEY"));
  assert.equal(found, "3:3 SPEC_MERGE_KEY merge keys (<<) are not supported");
});

test("J3: a duplicate key names both places", () => {
  const { findings } = readText(job("name: a", "kafka: {}", "name: b"));
  assert.deepEqual(codes(findings), ["3:1 SPEC_DUPLICATE_KEY"]);
  assert.deepEqual(findings[0]?.related, [
    { file: "jobs/job.yaml", line: 1, column: 1, message: "first here" },
  ]);
});

test("J3: keys that are the same text are duplicates however they are written", () => {
  const text = job(`decimal: { rounding: down, "round\\x69ng": down, 'rounding': down }`);
  assert.deepEqual(codes(readText(text).findings), [
    "1:28 SPEC_DUPLICATE_KEY",
    "1:49 SPEC_DUPLICATE_KEY",
  ]);
});

test("J5: too many keys and values, too deep, too many words: refused while reading", () => {
  const rows: readonly [string, string][] = [
    ["20,001 items", `[${"x,".repeat(20_001)}]`],
    ["7,000 keys with lists", "k: [a, b]\n".repeat(7_000)],
    ["65 flow lists", `a: ${"[".repeat(65)}${"]".repeat(65)}`],
    ["100,000 flow lists", "[".repeat(100_000)],
    ["100,000 flow maps", "{a: ".repeat(100_000)],
    ["block lists in one line", "- ".repeat(5_000)],
    ["explicit keys", "? ".repeat(5_000)],
    ["block maps", Array.from({ length: 70 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")],
    ["half a million comments", "#\n".repeat(400_000)],
    ["anchors without end", "&a ".repeat(300_000)],
  ];
  for (const [name, text] of rows) {
    const { spec, findings } = readText(text);
    assert.equal(spec, undefined, name);
    assert.deepEqual(
      findings.map((finding) => finding.code),
      ["SPEC_TOO_LARGE"],
      name,
    );
  }
});

test("J5: 64 levels and 19,000 values are read", () => {
  const deep = `description: ${"[".repeat(63)}x${"]".repeat(63)}`;
  assert.deepEqual(codes(readText(job(deep)).findings), ["1:14 SPEC_WRONG_TYPE"]);
  const { spec, findings } = readText(job(`discard: [${"x, ".repeat(19_000)}]`));
  assert.deepEqual(findings, []);
  assert.ok(spec);
});

test("J7: tags that are not of the core schema are errors at the tag", () => {
  const text = job(
    "description: !!js/function 'function () {}'",
    "kafka: !!binary aGVsbG8=",
    "decimal: !foo { rounding: down }",
    "discard: !!omap [ a: 1 ]",
    "tables: !!js/undefined ''",
    "checkpoint: !x!y { interval: 1s }",
  );
  const tagged = codes(readText(text).findings).filter((code) => code.endsWith("SPEC_TAG"));
  assert.deepEqual(tagged, [
    "1:14 SPEC_TAG",
    "2:8 SPEC_TAG",
    "3:10 SPEC_TAG",
    "4:10 SPEC_TAG",
    "5:9 SPEC_TAG",
    "6:13 SPEC_TAG",
  ]);
});

test("a tag of the core schema is understood", () => {
  const { spec, findings } = readText(job("description: !!str 2025"));
  assert.deepEqual(findings, []);
  assert.equal(spec?.root["description"], "2025");
});

test("directives and further documents are refused", () => {
  const { findings } = readText(`%YAML 1.1\n%TAG !e! tag:x,2000:\n---\n${job()}---\nb: 1\n`);
  assert.deepEqual(codes(findings), [
    "1:1 SPEC_DIRECTIVE",
    "2:1 SPEC_DIRECTIVE",
    "8:1 SPEC_SEVERAL_DOCUMENTS",
  ]);
  assert.deepEqual(readText(`---\n${job()}...\n`).findings, []);
});

test("syntax errors have a place and say what to write", () => {
  const rows: readonly [string, string, RegExp][] = [
    ["a: b: c", "1:4 SPEC_SYNTAX", /quotes/],
    ["a:\n\tb: 1", "2:1 SPEC_SYNTAX", /spaces/],
    ["a: [1\nb: 2", "2:1 SPEC_SYNTAX", /close it with \]/],
    ["a: { k: [v, w: 1 }", "1:18 SPEC_SYNTAX", /close it with \]/],
    ["a: { where: x ? y : z }", "1:13 SPEC_SYNTAX", /quotes if it holds a question mark/],
    ["a: 'x", "1:6 SPEC_SYNTAX", /undefined/],
    ['a: "\\q"', "1:5 SPEC_SYNTAX", /backslash/],
    ["a: @x", "1:4 SPEC_SYNTAX", /quotes/],
    ["kafka: { bootstrap_servers: ${x} }", "1:30 SPEC_SYNTAX", /"\$\{name\}" in quotes/],
  ];
  for (const [text, place, suggestion] of rows) {
    const { spec, findings } = readText(text);
    assert.equal(spec, undefined, text);
    assert.deepEqual(codes(findings), [place], text);
    assert.match(String(findings[0]?.suggestion), suggestion, text);
  }
});

test("a file without a job, and one that is no map, say so", () => {
  for (const text of ["", "\n\n", "# nothing\n", "---\n", "null\n"]) {
    const { spec, findings } = readText(text);
    assert.equal(spec, undefined, text);
    assert.deepEqual(
      findings.map((finding) => finding.code),
      ["SPEC_EMPTY"],
      text,
    );
  }
  assert.deepEqual(codes(readText("- a\n- b\n").findings), ["1:1 SPEC_WRONG_TYPE"]);
  assert.deepEqual(codes(readText("hello\n").findings), ["1:1 SPEC_WRONG_TYPE"]);
});

test("keys must be text", () => {
  const text = job(
    "tables:",
    "  t:",
    "    key: id",
    "    values: { v: text }",
    "    rows:",
    "      1: { v: a }",
    "      true: { v: b }",
    "      ? [x]",
    "      : { v: c }",
    "      no: { v: d }",
    '      "2": { v: e }',
  );
  const { spec, findings } = readText(text);
  assert.deepEqual(codes(findings), [
    "6:7 SPEC_KEY_NOT_TEXT",
    "7:7 SPEC_KEY_NOT_TEXT",
    "8:9 SPEC_KEY_NOT_TEXT",
  ]);
  assert.equal(findings[0]?.suggestion, 'write "1" in quotes');
  assert.match(
    JSON.stringify(spec?.root["tables"]),
    /"rows":\{"no":\{"v":"d"\},"2":|"rows":\{"2":/,
  );
});

test("J11: __proto__, constructor and prototype are no ids, fields or rows, and no prototype is touched", () => {
  const text = job(
    "steps:",
    "  - { id: a, type: enrich, set: { __proto__: 1, ok: 2 } }",
    "constructor: x",
    "tables: { prototype: { key: k, values: { constructor: text } } }",
  );
  const { spec, findings } = readText(text);
  assert.deepEqual(codes(findings), [
    "2:35 SPEC_NAME",
    "3:1 SPEC_NAME",
    "4:11 SPEC_NAME",
    "4:42 SPEC_NAME",
  ]);
  assert.equal(spec?.root["constructor"], undefined);
  assert.equal(spec?.root["toString"], undefined);
  assert.equal(JSON.stringify(spec?.root["steps"]), '[{"id":"a","type":"enrich","set":{"ok":2}}]');
  assert.equal(({} as Record<string, unknown>)["ok"], undefined);
});

test("infinities and not-a-number are no values of JSON", () => {
  const text = job("checkpoint: { max_records: .inf }", "description: .nan");
  assert.deepEqual(
    codes(readText(text).findings).filter((code) => code.endsWith("BAD_VALUE")),
    ["1:28 SPEC_BAD_VALUE", "2:14 SPEC_BAD_VALUE"],
  );
});
