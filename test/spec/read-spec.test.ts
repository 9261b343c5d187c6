import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as fc from "fast-check";
import type { SpecPath } from "../../engine/spec/job-spec.ts";
import { readText } from "./sample-schema.ts";

const orders = readFileSync(new URL("../../jobs/orders.yaml", import.meta.url), "utf8");

test("the orders job is read without a finding, parameters put in, expressions as they are", () => {
  const { spec, findings } = readText(orders, {
    environment: { KAFKA_BOOTSTRAP_SERVERS: "kafka:9092" },
    file: { late_topic: "late" },
    arguments: new Map([["input_topic", "raw"]]),
  });
  assert.deepEqual(findings, []);
  assert.ok(spec);
  const root = JSON.parse(JSON.stringify(spec.root));
  assert.deepEqual(Object.keys(root), [
    "version",
    "name",
    "description",
    "parameters",
    "kafka",
    "checkpoint",
    "decimal",
    "sources",
    "tables",
    "steps",
    "sinks",
  ]);
  assert.equal(root.kafka.bootstrap_servers, "kafka:9092");
  assert.equal(root.sources.orders.topic, "raw");
  assert.equal(root.sinks.late.topic, "late");
  assert.equal(root.sinks.dlq.topic, "ecommerce.orders.dlq");
  assert.deepEqual(root.sinks.dlq.input, ["errors", "dedupe.duplicates"]);
  assert.equal(root.steps[0].rules[0].assert, "amount > 0");
  assert.deepEqual(Object.keys(root.steps[1].set).slice(0, 2), ["region", "tax"]);
  assert.deepEqual(root.steps[3].aggregates.total_orders, { count: true });
  assert.equal(spec.parameters.size, 6);
});

test("every text of the orders job has its place: inside it stands what the file shows there", () => {
  const { spec } = readText(orders);
  assert.ok(spec);
  const { positions } = spec;
  const lines = orders.split("\n").map((line) => Array.from(line));
  let places = 0;
  const walk = (value: unknown, path: SpecPath): void => {
    if (typeof value === "object" && value !== null) {
      const isList = Array.isArray(value);
      for (const [name, inner] of Object.entries(value)) {
        walk(inner, [...path, isList ? Number(name) : name]);
      }
      return;
    }
    const text = positions.sourceText(path) ?? "";
    for (let offset = 0; offset < text.length; offset += 1) {
      const span = positions.inside(path, offset);
      assert.equal(lines[span.line - 1]?.[span.column - 1], text[offset], path.join("."));
      places += 1;
    }
  };
  walk(spec.root, []);
  assert.equal(places > 1_000, true, `${places}`);
});

/** What must hold for any bytes at all. */
function check(bytes: Uint8Array): void {
  const before = process.cpuUsage();
  const { spec, findings } = readText(bytes);
  // Processor time, since the machine may have other things to do.
  assert.equal(process.cpuUsage(before).user < 1_000_000, true, "within a second");
  const lines = new TextDecoder().decode(bytes).split("\n").length;
  for (const finding of findings) {
    assert.match(finding.code, /^SPEC_[A-Z_]+$/);
    assert.ok(finding.line >= 1 && finding.line <= lines + 1);
    assert.ok(finding.column >= 1);
    assert.ok(
      finding.end_line > finding.line || finding.end_column > finding.column,
      JSON.stringify(finding),
    );
    assert.doesNotMatch(finding.message, /\n\s+at |node:internal|undefined|\[object/);
    assert.ok(finding.message.length < 1_000);
  }
  const broken = findings.some((finding) => finding.severity === "error");
  assert.equal(spec !== undefined || broken, true, "a spec or the reason why there is none");
  if (spec !== undefined) JSON.stringify(spec.root);
  assert.deepEqual(Object.keys(Object.prototype), []);
}

test("J23: random bytes give findings, never an exception", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 400, seed: 21 });
});

const sign = fc.constantFrom(
  ...[
    "\n",
    "  ",
    "- ",
    ": ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "'",
    '"',
    "|\n",
    ">\n",
    "#",
    "&a ",
    "*a",
  ],
  ...[
    "!!x ",
    "%",
    "---\n",
    "...\n",
    "<<: ",
    "${",
    "${x}",
    "\\",
    "\t",
    "\r\n",
    "a",
    "steps:\n",
    "id",
  ],
  ...["type: ", "dedupe", "version: 1\n", "sinks:\n  ", "null", "0x1", ".nan", "😀", "__proto__: "],
);

test("J23: random signs of YAML give findings, never an exception", () => {
  fc.assert(
    fc.property(fc.array(sign, { maxLength: 60 }), (signs) =>
      check(new TextEncoder().encode(signs.join(""))),
    ),
    { numRuns: 1_500, seed: 22 },
  );
});

test("J23: the orders job with pieces cut, doubled, swapped and put in gives findings, never an exception", () => {
  const edit = fc.record({
    at: fc.nat(orders.length),
    length: fc.nat(40),
    put: fc.oneof(sign, fc.constant(""), fc.string({ maxLength: 4 })),
    from: fc.nat(orders.length),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 5 }), fc.boolean(), (edits, copy) => {
      let text = orders;
      for (const { at, length, put, from } of edits) {
        const piece = copy ? text.slice(from, from + length) + put : put;
        text = text.slice(0, at) + piece + text.slice(at + length);
      }
      check(new TextEncoder().encode(text));
    }),
    { numRuns: 250, seed: 23 },
  );
});

test("J23: a megabyte of any short pattern gives findings within a second", () => {
  const patterns = ["a\n", "'", "x: [#\n", "${a}", "|\n \n", "- - #\n", "a: &a\n", '"\\\\', "%a\n"];
  for (const pattern of patterns) {
    const bytes = new TextEncoder().encode(pattern.repeat(Math.floor(999_000 / pattern.length)));
    check(bytes);
    assert.equal(readText(bytes).spec, undefined, pattern);
  }
});
