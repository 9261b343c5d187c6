import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { catalog } from "../../engine/catalog.ts";
import * as fc from "fast-check";
import type { Finding } from "../../engine/core/finding.ts";
import { compileJob } from "../../engine/plan/compile-job.ts";
import { explainPlan } from "../../engine/plan/explain.ts";
import { jobSchema } from "../../engine/plan/job-schema.ts";
import type { Plan } from "../../engine/plan/plan.ts";
import { readSpec } from "../../engine/spec/read-spec.ts";

const projectFolder = new URL("../../", import.meta.url);
const jobText = readFileSync(new URL("jobs/orders.yaml", projectFolder), "utf8");
const schemaText = readFileSync(new URL("schemas/order-event.schema.json", projectFolder), "utf8");
const schema = jobSchema(catalog);

interface Compiled {
  readonly plan: Plan | undefined;
  readonly findings: readonly Finding[];
}

function compile(text: string | Uint8Array): Compiled {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const parameters = { arguments: new Map<string, string>(), file: undefined, environment: {} };
  const read = readSpec("jobs/orders.yaml", bytes, { jobSchema: schema, parameters });
  if (read.spec === undefined) return { plan: undefined, findings: read.findings };
  const { plan, findings } = compileJob(read.spec, {
    catalog,
    isInside: () => true,
    readFile: (path) =>
      path === "../schemas/order-event.schema.json"
        ? { file: "schemas/order-event.schema.json", text: schemaText }
        : { error: "missing" },
  });
  return { plan, findings: [...read.findings, ...findings] };
}

function orders(): Plan {
  const { plan, findings } = compile(jobText);
  assert.deepEqual(findings, []);
  assert.ok(plan);
  return plan;
}

test("the orders job compiles without findings", () => {
  const plan = orders();
  assert.equal(plan.job, "orders");
  assert.deepEqual(plan.checkpoint, {
    intervalMs: 60_000,
    maxBytes: 67_108_864,
    maxRecords: 500_000,
  });
  assert.deepEqual(
    plan.steps.map(({ id, stage }) => `${id} ${stage}`),
    ["validate intake", "enrich intake", "dedupe state", "by_region state"],
  );
  assert.deepEqual(
    plan.sinks.find(({ id }) => id === "dlq")?.inputs.map(({ node, port }) => `${node}.${port}`),
    [
      "orders.rejected",
      "validate.rejected",
      "enrich.failed",
      "dedupe.failed",
      "by_region.failed",
      "sinks.processed.rejected",
      "sinks.aggregations.rejected",
      "sinks.late.rejected",
      "dedupe.duplicates",
    ],
  );
  assert.equal(plan.sources[0]?.config["topic"], "ecommerce.orders.raw");
});

test("a plan is plain JSON, frozen all the way down, and the same each time", () => {
  const plan = orders();
  assert.deepStrictEqual(JSON.parse(JSON.stringify(plan)), plan);
  assert.equal(JSON.stringify(orders()), JSON.stringify(plan));
  const open: unknown[] = [plan];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    assert.ok(Object.isFrozen(value));
    for (const member of Object.values(value as object)) {
      if (typeof member === "object" && member !== null) open.push(member);
    }
  }
});

test("explain shows every node, every default, and the worked example of the orders job", () => {
  const text = explainPlan(orders(), "text");
  for (const part of [
    "checkpoint every 1m",
    "source orders (kafka, never ends)",
    "idle_timeout: none",
    "max_record_bytes: 1048576",
    "step validate (validate, intake: stateless, may run on a second thread)",
    "step dedupe (dedupe, state: keeps state)",
    "granularity: 15m",
    "sink dlq (kafka)",
    "a record of 15:20:00 belongs to the window [15:20:00, 15:25:00)",
    "when a record of 15:35:00 or later has come",
    "the largest event time is 15:35:05, so the watermark is 15:25:05: the record of 15:20:00 is late by 5s",
    "a repeat with an event time before 2025-01-14 15:30:00 is a duplicate",
    "without records holds the watermark back",
  ]) {
    assert.ok(text.includes(part), part);
  }
});

test("explain says that an idle timeout ties results to the wall clock", () => {
  const { plan } = compile(jobText.replace("max_future_skew: 24h", "idle_timeout: 1m"));
  assert.ok(plan);
  const text = explainPlan(plan, "text");
  assert.match(text, /idle_timeout of 1m: results then depend on the wall clock/);
  assert.match(text, /no max_future_skew/);
});

test("explain as JSON is the plan with its edges and timelines", () => {
  const plan = orders();
  const explained = JSON.parse(explainPlan(plan, "json")) as Record<string, unknown>;
  assert.deepEqual(explained["plan"], plan);
  assert.deepEqual(Object.keys(explained), [
    "plan",
    "edges",
    "state_layout_hash",
    "timelines",
    "notes",
  ]);
});

test("a fault of the structure causes no further findings about what hangs on it", () => {
  const cases: readonly [from: string, to: string, codes: readonly string[]][] = [
    ["    ttl: 24h", "    ttl: 10 min", ["SPEC_BAD_DURATION"]],
    ["    input: orders\n", "    input: 5\n", ["SPEC_WRONG_TYPE"]],
    ["input: dedupe, topic", "imput: dedupe, topic", ["SPEC_UNKNOWN_FIELD"]],
    ["    type: enrich ", "    type: enirch ", ["SPEC_UNKNOWN_TYPE"]],
    ["format: rfc3339 }", "format: rfc }", ["SPEC_BAD_VALUE"]],
    ["event_time: { field: timestamp, format: rfc3339 }", "event_time: 5", ["SPEC_WRONG_TYPE"]],
    ["\nsinks:\n", "\nsinks: 5\nrest:\n", ["SPEC_WRONG_TYPE", "SPEC_UNKNOWN_FIELD"]],
    ["    schema: ../schemas", "    schemas: ../schemas", ["SPEC_UNKNOWN_FIELD"]],
    ["  - id: dedupe\n", "  - di: dedupe\n", ["SPEC_MISSING_FIELD", "SPEC_UNKNOWN_FIELD"]],
  ];
  for (const [from, to, codes] of cases) {
    assert.ok(jobText.includes(from), from);
    const { findings } = compile(jobText.replace(from, to));
    assert.deepEqual(
      findings.map(({ code }) => code),
      codes,
      to + JSON.stringify(findings, undefined, 1),
    );
  }
});

test("a typo of one letter in a wired name, a field or a function is found where it stands", () => {
  const cases: readonly [from: string, to: string, code: string][] = [
    ["input: by_region.late", "input: by_region.lat", "SPEC_PORT_UNKNOWN"],
    ["input: dedupe,", "input: dedupes,", "SPEC_INPUT_UNKNOWN"],
    ["$lowercase(", "$lowercas(", "EXPRESSION_UNKNOWN_FUNCTION"],
    ["'tax_rates', region", "'tax_rate', region", "EXPRESSION_UNKNOWN_TABLE"],
    ["$round(amount *", "$round(amont *", "EXPRESSION_UNKNOWN_FIELD"],
    ["order-event.schema.json", "order-event.shema.json", "SPEC_FILE_MISSING"],
  ];
  for (const [from, to, code] of cases) {
    const line = jobText.slice(0, jobText.indexOf(from)).split("\n").length;
    const { findings } = compile(jobText.replace(from, to));
    const found = findings.find((finding) => finding.code === code);
    assert.equal(found?.line, line, to + JSON.stringify(findings, undefined, 1));
  }
});

test("whatever happens to the text, compiling gives findings or a plan and throws nothing", () => {
  const change = fc.record({
    at: fc.nat(jobText.length),
    removed: fc.nat(12),
    added: fc.oneof(
      fc.constantFrom(
        "",
        "\n",
        "  ",
        ": ",
        "- ",
        "{",
        "]",
        "'",
        '"',
        "errors",
        "5",
        "null",
        "$",
        "&a",
        "*a",
      ),
      fc.string({ maxLength: 5 }),
    ),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      let text = jobText;
      for (const { at, removed, added } of changes) {
        text = text.slice(0, at) + added + text.slice(at + removed);
      }
      const { plan, findings } = compile(text);
      const failed = findings.some(({ severity }) => severity === "error");
      assert.ok(failed || plan !== undefined, "neither a plan nor an error");
    }),
    { seed: 23, numRuns: 120 },
  );
});
