import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { codes, job, readText } from "./sample-schema.ts";

const topicJob = (declaration: string, use = "${topic}"): string =>
  job(`parameters: { topic: ${declaration} }`, `sources: { in: { type: kafka, topic: "${use}" } }`);

function topicOf(text: string, parameters: Parameters<typeof readText>[1] = {}): unknown {
  const { spec, findings } = readText(text, parameters);
  assert.deepEqual(findings, []);
  const sources = JSON.parse(JSON.stringify(spec?.root["sources"])) as {
    in: { topic: unknown };
  };
  return sources.in.topic;
}

test("S15: arguments come before the parameters file, then the declared variable, then the default", () => {
  const text = topicJob("{ default: d, env: TOPIC }");
  const environment = { TOPIC: "e", topic: "not declared", OTHER: "x" };
  const file = { topic: "f" };
  const given = new Map([["topic", "a"]]);
  assert.equal(topicOf(text), "d");
  assert.equal(topicOf(text, { environment }), "e");
  assert.equal(topicOf(text, { environment, file }), "f");
  assert.equal(topicOf(text, { environment, file, arguments: given }), "a");
  assert.equal(topicOf(text, { environment: { TOPIC: "" } }), "d", "empty counts as not set");
  assert.equal(topicOf(topicJob("{ default: d }"), { environment }), "d");
  assert.equal(topicOf(topicJob("{ default: d, env: toString }"), { environment: {} }), "d");
});

test("the production form of a parameters file maps dots to underscores", () => {
  const text = job(
    "parameters: { bootstrap_servers: { default: embedded }, input_topic: { default: a } }",
    "kafka: { bootstrap_servers: '${bootstrap_servers}' }",
    "description: '${input_topic}'",
  );
  const file = {
    FlinkApplicationProperties: { "bootstrap.servers": "kafka:9092", "input.topic": "raw" },
  };
  const { spec, findings } = readText(text, { file });
  assert.deepEqual(findings, []);
  assert.equal(spec?.root["description"], "raw");
  assert.equal(JSON.stringify(spec?.root["kafka"]), '{"bootstrap_servers":"kafka:9092"}');
  assert.deepEqual(spec?.parameters.get("input_topic"), { value: "raw", secret: false });
});

test("names that the spec does not declare: an error for an argument, a warning for the file", () => {
  const text = topicJob("{ default: d }");
  const { findings } = readText(text, {
    arguments: new Map([["topc", "x"]]),
    file: { FlinkApplicationProperties: { "dlq.topic": "y" }, list: [1] },
  });
  assert.deepEqual(
    findings.map((finding) => `${finding.severity} ${finding.code} ${finding.message}`),
    [
      'error SPEC_PARAMETER_UNKNOWN --param sets "topc", which the spec does not declare',
      'warning SPEC_PARAMETER_UNKNOWN the parameters file sets "dlq_topic", which the spec does not declare',
      'error SPEC_WRONG_TYPE the parameters file holds no text, number or boolean under "list"',
    ],
  );
  assert.equal(findings[0]?.suggestion, 'did you mean "topic"?');
});

test("J18: an undefined parameter is an error at its place in the text, with the nearest name", () => {
  const { findings } = readText(topicJob("{ default: d }", "a-${topik}-${nowhere}"));
  assert.deepEqual(codes(findings), [
    "2:41 SPEC_PARAMETER_UNDEFINED",
    "2:50 SPEC_PARAMETER_UNDEFINED",
  ]);
  assert.equal(findings[0]?.suggestion, 'did you mean "topic"?');
  assert.equal(findings[0]?.end_column, 49);
});

test("J18: forms of other systems are no parameters", () => {
  for (const use of ["${TOPIC}", "${topic:-x}", "${env:TOPIC}", "${}", "${topic", "${ topic }"]) {
    const { findings } = readText(topicJob("{ default: d }", use));
    assert.deepEqual(codes(findings), ["2:39 SPEC_PARAMETER_UNDEFINED"], use);
  }
});

test("J18: what is put in is a scalar and never read again", () => {
  const hostile = "${topic}\n- a: [b]\n*x &y !!z {q: 1} # ''\"";
  const given = { arguments: new Map([["topic", hostile]]) };
  assert.equal(topicOf(topicJob("{ default: d }"), given), hostile);
  assert.equal(topicOf(topicJob("{ default: d }", "<${topic}>"), given), `<${hostile}>`);
  assert.equal(topicOf(topicJob("{ default: '${topic}' }")), "${topic}");
});

test("J18: any text put in comes out as it is, in a text of any length", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), (value) => {
      const given = { arguments: new Map([["topic", value]]) };
      assert.equal(topicOf(topicJob("{ default: d }", "a${topic}b"), given), `a${value}b`);
    }),
    { numRuns: 200, seed: 5 },
  );
});

test("a parameter that is the whole scalar takes the type of its field", () => {
  const text = (count: string, shuffle: string, rate = "1.5"): string =>
    job(
      `parameters: { n: { default: ${count} }, s: { default: ${shuffle} }, r: { default: ${rate} } }`,
      'sources: { in: { type: generate, count: "${n}", shuffle: "${s}", rate: "${r}" } }',
      "checkpoint: { interval: '${n}s' }",
    );
  const { spec, findings } = readText(text("10", "true"));
  assert.deepEqual(findings, []);
  const expected = '{"in":{"type":"generate","count":10,"shuffle":true,"rate":1.5}}';
  assert.equal(JSON.stringify(spec?.root["sources"]), expected);
  assert.equal(JSON.stringify(spec?.root["checkpoint"]), '{"interval":"10s"}');
  const texts = readText(text('"10"', '"true"', '"1.5"'));
  assert.equal(JSON.stringify(texts.spec?.root["sources"]), expected);
  const bad = readText(text("x", "yes", '"0x10"'));
  assert.deepEqual(codes(bad.findings), [
    "2:41 SPEC_WRONG_TYPE",
    "2:58 SPEC_WRONG_TYPE",
    "2:72 SPEC_WRONG_TYPE",
    "3:25 SPEC_BAD_DURATION",
  ]);
  assert.equal(bad.findings[1]?.suggestion, "write true");
});

test("J10: a number put into text keeps its digits", () => {
  assert.equal(topicOf(topicJob("{ default: 0.10 }", "v${topic}")), "v0.10");
});

test("overrides are read as the type of the default, or the declared one", () => {
  const text = job(
    "parameters:",
    "  n: { default: 1, env: N }",
    "  b: { default: false }",
    "  t: { default: 0.10, type: text }",
  );
  const read = (given: [string, string][], file?: Record<string, string | number | boolean>) =>
    readText(text, { arguments: new Map(given), file });
  const { spec } = read([["n", "2.5"]], { b: "true", t: 7 });
  assert.deepEqual(
    [...(spec?.parameters ?? [])],
    [
      ["n", { value: 2.5, secret: false }],
      ["b", { value: true, secret: false }],
      ["t", { value: "7", secret: false }],
    ],
  );
  assert.equal(readText(text).spec?.parameters.get("t")?.value, "0.10");
  const bad = read([["n", "many"]], { b: "yes" });
  assert.deepEqual(codes(bad.findings), ["2:3 SPEC_WRONG_TYPE", "3:3 SPEC_WRONG_TYPE"]);
  assert.equal(bad.spec?.parameters.has("n"), false);
});

test("a required parameter without a value is one finding, at its declaration", () => {
  const { findings } = readText(topicJob("{ env: TOPIC }", "${topic}${topic}"));
  assert.deepEqual(codes(findings), ["1:15 SPEC_PARAMETER_MISSING"]);
  assert.match(findings[0]?.suggestion ?? "", /--param topic=.*TOPIC/);
  assert.equal(topicOf(topicJob("{ env: TOPIC }"), { environment: { TOPIC: "t" } }), "t");
});

test("an expression is never substituted; a parameter in it is a warning", () => {
  const text = job(
    "parameters: { limit: { default: 5 } }",
    "steps: [{ id: f, type: filter, where: 'amount > ${limit} or x = \"${other}\"' }]",
  );
  const { spec, findings } = readText(text);
  assert.deepEqual(codes(findings), ["2:49 SPEC_PARAMETER_IN_EXPRESSION"]);
  assert.equal(findings[0]?.severity, "warning");
  assert.match(JSON.stringify(spec?.root["steps"]), /amount > \$\{limit\} or/);
});

test("S12: a secret stands in a spec only as a parameter that is marked secret", () => {
  const sasl = (password: string, declaration = "{ env: PW, secret: true }"): string =>
    job(
      `parameters: { pw: ${declaration} }`,
      `kafka: { sasl: { username: u, password: ${password} } }`,
    );
  const environment = { PW: "hunter2" };
  const good = readText(sasl('"${pw}"'), { environment });
  assert.deepEqual(good.findings, []);
  assert.equal(
    JSON.stringify(good.spec?.root["kafka"]),
    '{"sasl":{"username":"u","password":"hunter2"}}',
  );
  assert.deepEqual(good.spec?.parameters.get("pw"), { value: "hunter2", secret: true });
  const rows: readonly [string, string][] = [
    [sasl("hunter2"), "2:41 SPEC_SECRET_LITERAL"],
    [sasl('"x${pw}"'), "2:41 SPEC_SECRET_LITERAL"],
    [sasl('"${pw}"', "{ env: PW }"), "2:41 SPEC_SECRET_LITERAL"],
    [sasl('"${pw}"', "{ default: hunter2, secret: true }"), "1:30 SPEC_SECRET_LITERAL"],
  ];
  for (const [text, expected] of rows) {
    const { findings } = readText(text, { environment });
    assert.deepEqual(codes(findings), [expected], text);
    assert.ok(!JSON.stringify(findings).includes("hunter2"), "findings never show it");
  }
  const pem = '"-----BEGIN PRIVATE KEY-----\\nAAAA"';
  assert.deepEqual(codes(readText(job(`kafka: { tls: { key: ${pem} } }`)).findings), [
    "1:22 SPEC_SECRET_LITERAL",
  ]);
});

test("S12: the file of a secret is no secret", () => {
  const { findings } = readText(job("kafka: { sasl: { token_file: a, token_filed: b } }"));
  assert.deepEqual(
    codes(findings).filter((code) => code.endsWith("SECRET_LITERAL")),
    ["1:46 SPEC_SECRET_LITERAL"],
  );
});

test("S12: secret literals are found in fields that do not exist, too", () => {
  const { findings } = readText(
    job("kafka: { ssl: { key_password: a, truststore: { Passphrase: b } } }"),
  );
  assert.deepEqual(codes(findings), [
    "1:10 SPEC_UNKNOWN_FIELD",
    "1:31 SPEC_SECRET_LITERAL",
    "1:60 SPEC_SECRET_LITERAL",
  ]);
});

test("S13: a secret goes nowhere but into the kafka block, and messages do not show it", () => {
  const given = { environment: { T: "hunter2" } };
  const exposed = readText(topicJob("{ env: T, secret: true }"), given);
  assert.deepEqual(codes(exposed.findings), ["2:39 SPEC_SECRET_EXPOSED"]);
  const shown = readText(
    job(
      "parameters: { t: { env: T, secret: true }, n: { env: T, secret: true, type: number } }",
      'kafka: { sasl: { mechanism: "${t}" }, tls: "${t}", embedded: { partitions: "${t}" } }',
    ),
    given,
  );
  assert.equal(shown.findings.length, 4);
  assert.ok(!JSON.stringify(shown.findings).includes("hunter2"));
  const argued = readText(topicJob("{ secret: true }", "x"), {
    arguments: new Map([["topic", "hunter2"]]),
  });
  assert.deepEqual(codes(argued.findings), ["1:15 SPEC_SECRET_ARGUMENT"]);
  assert.equal(argued.findings[0]?.severity, "warning");
});

test("the block of parameters is checked like any other", () => {
  const text = job(
    "parameters:",
    "  Topic: { default: a }",
    "  errors: { default: a }",
    "  a: b",
    "  c: { default: [1], defualt: 2, secret: yes, type: int }",
    "description: '${a} ${Topic} ${c}'",
  );
  assert.deepEqual(codes(readText(text).findings), [
    "2:3 SPEC_NAME",
    "3:3 SPEC_NAME",
    "4:6 SPEC_WRONG_TYPE",
    "5:17 SPEC_WRONG_TYPE",
    "5:22 SPEC_UNKNOWN_FIELD",
    "5:42 SPEC_WRONG_TYPE",
    "5:53 SPEC_BAD_VALUE",
  ]);
});
