import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../engine/core/json.ts";
import { enrich } from "../../engine/operators/enrich.ts";
import { makeStep, resolveStep } from "./harness.ts";

test("lines run in order and see earlier ones; places follow the rules", () => {
  const rows: readonly [JsonObject, string, string][] = [
    [{ set: { b: "a + 1", c: "b * 2" } }, '{"a":1}', '{"a":1,"b":2,"c":4}'],
    [{ set: { a: "a + 1", d: "a" } }, '{"a":1,"b":0}', '{"a":2,"b":0,"d":2}'],
    [{ set: { a: "none" } }, '{"a":1,"b":2}', '{"b":2}'],
    [{ set: { c: "none" } }, '{"a":1}', '{"a":1}'],
    [{ set: { a: "none", b: "a" } }, '{"a":1,"b":2,"c":3}', '{"c":3}'],
    [{ keep: ["c", "a", "x"] }, '{"a":1,"b":2,"c":3}', '{"a":1,"c":3}'],
    [{ keep: ["c"], set: { a: "b", d: "c" } }, '{"a":1,"b":2,"c":3}', '{"a":2,"c":3,"d":3}'],
    [{ keep: [] }, '{"a":1}', "{}"],
    [{ set: { a: 5, b: "null", c: true } }, "{}", '{"a":5,"b":null,"c":true}'],
    [{ set: { copy: "price" } }, '{"price":0.10}', '{"price":0.10,"copy":0.10}'],
  ];
  for (const [raw, input, expected] of rows) {
    assert.deepEqual(makeStep(enrich, raw).record(input), [`main ${expected}`]);
  }
});

test("a line that takes the whole record takes it as it was then", () => {
  const step = makeStep(enrich, { set: { before: "$", pair: "[$, $]", a: "2", end: "before.a" } });
  assert.deepEqual(step.record('{"a":1}'), [
    'main {"a":2,"before":{"a":1},"pair":[{"a":1,"before":{"a":1}},{"a":1,"before":{"a":1}}],"end":1}',
  ]);
});

test("a failing line leaves the original record, untouched, with its field in the message", () => {
  const step = makeStep(enrich, { set: { a: "2", b: "$uppercase(a)" } });
  const value = { a: 1 };
  assert.deepEqual(step.record(value), ["failed EXPRESSION_ERROR"]);
  assert.equal(step.last.value, value);
  assert.equal(step.last.text, '{"a":1}');
  assert.match(step.last.fault?.message ?? "", /^b: ./);
});

test("exactness is known: plain results leave a plain record plain", () => {
  const step = makeStep(enrich, { set: { b: "a & 'x'", c: "1" } });
  step.record('{"a":"1"}');
  assert.equal(step.last.record?.exact, false);
  const decimals = makeStep(enrich, { set: { b: "$decimal(a)" } });
  decimals.record('{"a":"1.50"}');
  assert.equal(decimals.last.record?.exact, true);
  assert.equal(decimals.last.text, '{"a":"1.50","b":"1.50"}');
});

test("the text a record came as holds while lines only add", () => {
  const rows: readonly [JsonObject, string | undefined, number][] = [
    [{ set: { c: "1", d: "c" } }, "kept", 2],
    [{ set: { c: "none" } }, "kept", 0],
    [{ set: { c: "$", d: "1" } }, "kept", 2],
    [{ set: { a: "3" } }, undefined, 0],
    [{ set: { a: "none" } }, undefined, 0],
    [{ set: { a: "none", c: "1" } }, undefined, 0],
    [{ set: { a: "none", c: "1", d: "2" } }, undefined, 0],
    [{ keep: ["a", "b"] }, undefined, 0],
  ];
  const input = '{"a":1,"b":2}';
  for (const [raw, text, added] of rows) {
    const step = makeStep(enrich, raw);
    step.record(input);
    const { record } = step.last;
    assert.equal(record?.text, text === undefined ? undefined : input, JSON.stringify(raw));
    assert.equal(record?.added, added, JSON.stringify(raw));
  }
});

test("__proto__ in data stays data", () => {
  const step = makeStep(enrich, { set: { b: "none", a: "1" } });
  assert.deepEqual(step.record('{"__proto__":{"x":1},"b":2}'), [
    'main {"__proto__":{"x":1},"a":1}',
  ]);
  const keep = makeStep(enrich, { keep: ["x"] });
  assert.deepEqual(keep.record('{"__proto__":{"x":1},"b":2}'), ["main {}"]);
});

test("faults of the config are found, each at its place", () => {
  const rows: readonly [JsonObject, readonly [string, string][]][] = [
    [{}, [["SPEC_MISSING_FIELD", ""]]],
    [
      JSON.parse('{"set":{"__proto__":"1","constructor":"1","":"1","ok":"1"}}') as JsonObject,
      [
        ["SPEC_FIELD_NAME", "set.__proto__"],
        ["SPEC_FIELD_NAME", "set.constructor"],
        ["SPEC_FIELD_NAME", "set."],
      ],
    ],
    [{ keep: ["prototype"] }, [["SPEC_FIELD_NAME", "keep.0"]]],
    [{ keep: ["a", "b", "a"] }, [["SPEC_FIELD_REPEATED", "keep.2"]]],
    [
      { set: { a: "(", b: "1", c: ")" } },
      [
        ["SPEC_EXPRESSION", "set.a"],
        ["SPEC_EXPRESSION", "set.c"],
      ],
    ],
  ];
  for (const [raw, expected] of rows) {
    const { config, findings } = resolveStep(enrich, raw);
    assert.equal(config, undefined);
    assert.deepEqual(
      findings.map(({ code, path }) => [code, path]),
      expected,
    );
  }
});
