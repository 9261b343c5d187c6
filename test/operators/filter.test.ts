import assert from "node:assert/strict";
import { test } from "node:test";
import { filter } from "../../engine/operators/filter.ts";
import { makeStep, resolveStep } from "./harness.ts";

test("a filter keeps what is true, drops what is false or absent, and fails on the rest", () => {
  const step = makeStep(filter, { where: "a > 1" });
  const rows: readonly [string, string][] = [
    ['{"a":2}', 'main {"a":2}'],
    ['{"a":1}', 'dropped {"a":1}'],
    ["{}", "dropped {}"],
    ['{"a":"2"}', "failed EXPRESSION_ERROR"],
  ];
  for (const [text, expected] of rows) assert.deepEqual(step.record(text), [expected]);
});

test("a condition that is no boolean fails, whatever it would count as elsewhere", () => {
  const step = makeStep(filter, { where: "a" });
  for (const text of ['{"a":1}', '{"a":null}', '{"a":"true"}', '{"a":[true]}', '{"a":{}}']) {
    assert.deepEqual(step.record(text), ["failed EXPRESSION_ERROR"], text);
    assert.match(step.last.fault?.message ?? "", /^where: must be true or false, found /);
  }
});

test("a filter without a sound condition has no config", () => {
  assert.equal(resolveStep(filter, {}).config, undefined);
  assert.equal(resolveStep(filter, { where: "a >" }).config, undefined);
});
