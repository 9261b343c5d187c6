import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../engine/core/json.ts";
import { Decimal } from "../../engine/core/decimal.ts";
import { validate } from "../../engine/operators/validate.ts";
import { makeStep, resolveStep } from "./harness.ts";

const schema: JsonObject = {
  type: "object",
  required: ["amount"],
  properties: { amount: { type: ["string", "number"], format: "decimal" } },
};

test("a valid record passes with its decimals exact and leaves as it came", () => {
  const step = makeStep(validate, { schema: "s" }, undefined, { s: schema });
  assert.deepEqual(step.record('{"amount":12.10,"x":1}'), ['main {"amount":12.10,"x":1}']);
  assert.ok(step.last.value["amount"] instanceof Decimal);
  assert.equal(step.last.record?.exact, true);
});

test("the schema speaks before the rules, and rules in their order", () => {
  const step = makeStep(
    validate,
    {
      schema: "s",
      rules: [
        { assert: "amount > 0", message: "Amount must be > 0" },
        { assert: "amount <= 10", message: "Amount must be <= 10" },
        { assert: "status = 'new'" },
      ],
    },
    undefined,
    { s: schema },
  );
  const rows: readonly [string, string, string][] = [
    ['{"amount":null}', "SCHEMA_VIOLATION", "amount must be a string or a number, found null"],
    ['{"amount":"0.00"}', "RULE_VIOLATION", "Amount must be > 0"],
    ['{"amount":"10.01","status":"old"}', "RULE_VIOLATION", "Amount must be <= 10"],
    ['{"amount":"10.00","status":"old"}', "RULE_VIOLATION", "does not hold: status = 'new'"],
  ];
  for (const [text, code, message] of rows) {
    assert.deepEqual(step.record(text), [`rejected ${code}`]);
    assert.equal(step.last.fault?.message, message);
    assert.equal(step.last.text, text, "the record leaves as it came");
  }
  assert.deepEqual(step.record('{"amount":"10.00","status":"new"}'), [
    'main {"amount":"10.00","status":"new"}',
  ]);
});

test("a rule that fails or is no boolean is violated, with EXPRESSION_ERROR in the message; absent is false", () => {
  const step = makeStep(validate, { rules: [{ assert: "a < b", message: "a first" }] });
  assert.deepEqual(step.record('{"a":1,"b":"x"}'), ["rejected RULE_VIOLATION"]);
  assert.match(step.last.fault?.message ?? "", /^a first \(EXPRESSION_ERROR: a < b: /);
  assert.deepEqual(step.record('{"a":1}'), ["rejected RULE_VIOLATION"]);
  assert.equal(step.last.fault?.message, "a first");
  const odd = makeStep(validate, { rules: [{ assert: "a", message: "must be" }] });
  assert.deepEqual(odd.record('{"a":"yes"}'), ["rejected RULE_VIOLATION"]);
  assert.equal(
    odd.last.fault?.message,
    'must be (EXPRESSION_ERROR: a: must be true or false, found "yes")',
  );
});

test("a record without anything to make exact passes as the same object", () => {
  const step = makeStep(validate, { rules: [{ assert: true }] });
  const value = { a: 1 };
  step.record(value);
  assert.equal(step.last.value, value);
});

test("validate needs a schema or rules, and names faulty parts", () => {
  const rows: readonly [JsonObject, string, string][] = [
    [{}, "SPEC_MISSING_FIELD", ""],
    [{ schema: "none" }, "SPEC_FILE", "schema"],
    [{ rules: [{ assert: "true" }, { assert: "(" }] }, "SPEC_EXPRESSION", "rules.1.assert"],
  ];
  for (const [raw, code, path] of rows) {
    const { config, findings } = resolveStep(validate, raw);
    assert.equal(config, undefined);
    assert.deepEqual(
      findings.map((finding) => [finding.code, finding.path]),
      [[code, path]],
    );
  }
});
