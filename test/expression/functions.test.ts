import assert from "node:assert/strict";
import { test } from "node:test";
import { NumberToken } from "../../engine/core/number-token.ts";
import type { Value } from "../../engine/core/value.ts";
import { compileExpression } from "../../engine/expression/compile.ts";
import { decimal, emptyContext, errorOf, evaluate } from "./context.ts";

const record = { text: "Hello World", list: [3, 1, 2], object: { a: 1, b: 2 }, id: "CUST-US-001" };

const rows: readonly (readonly [source: string, expected: Value | undefined])[] = [
  // Texts.
  ["$string(5)", "5"],
  ["$string(0.1 + 0.2)", "0.3"],
  ["$string(1e21)", "1e+21"],
  ["$string(true)", "true"],
  ["$string(null)", "null"],
  ["$string({'a': [1, 'x']})", '{"a":[1,"x"]}'],
  ["$string([1, {}], true)", "[\n  1,\n  {}\n]"],
  ["$string(missing)", undefined],
  ["$string($sum)", ""],
  ["$uppercase(text)", "HELLO WORLD"],
  ["$lowercase(text)", "hello world"],
  ["$lowercase(missing)", undefined],
  ["text.$uppercase()", "HELLO WORLD"],
  ["$length('a😀')", 2],
  ["$trim('  a \n b ')", "a b"],
  ["$substring(text, 6)", "World"],
  ["$substring(text, -5, 2)", "Wo"],
  ["$substring('a😀b', 1, 1)", "😀"],
  ["$substringBefore(text, ' ')", "Hello"],
  ["$substringAfter(text, ' ')", "World"],
  ["$substringAfter(text, 'x')", "Hello World"],
  ["$pad('7', -3, '0')", "007"],
  ["$pad('7', 3)", "7  "],
  ["$pad('7', 4, 'ab')", "7aba"],
  ["$pad('7', 6, '😀b')", "7😀b😀b😀"],
  ["$length($pad('', 3000000, '100é'))", 3_000_000],
  ["$contains(text, 'World')", true],
  ["$split(id, '-')", ["CUST", "US", "001"]],
  ["$split(id, '-', 2)", ["CUST", "US"]],
  ["$split(id, '-')[1]", "US"],
  ["$split(id, '-')[-1]", "001"],
  ["$split(id, '-')[9]", undefined],
  ["$split(missing, '-')[1]", undefined],
  ["$split('', '-')[0]", ""],
  ["$join(['a', 'b'], '+')", "a+b"],
  ["$join('a')", "a"],
  ["$replace('a-b-c', '-', '+', 1)", "a+b-c"],
  ["$replace('aaa', 'a', 'b')", "bbb"],
  // Numbers.
  ["$number('1.50')", 1.5],
  ["$number(true)", 1],
  ["$number('0x1F')", 31],
  ["$number(missing)", undefined],
  ["$abs(-2)", 2],
  ["$floor(-1.5)", -2],
  ["$ceil(1.2)", 2],
  ["$round(2.5)", 2],
  ["$round(3.5)", 4],
  ["$round(0.125, 2)", 0.12],
  ["$round(1234.5, -2)", 1200],
  ["$sqrt(9)", 3],
  ["$power(2, 10)", 1024],
  ["$sum(list)", 6],
  ["$sum(missing)", undefined],
  ["$sum([])", 0],
  ["$max(list)", 3],
  ["$min(list)", 1],
  ["$average(list)", 2],
  ["$count(list)", 3],
  ["$count(missing)", 0],
  ["$count('x')", 1],
  ["$formatNumber(1234.5, '#,##0.00')", "1,234.50"],
  ["$formatBase(255, 16)", "ff"],
  ["$formatInteger(7, '000')", "007"],
  ["$parseInteger('007', '000')", 7],
  // Booleans.
  ["$boolean('')", false],
  ["$boolean([0, 1])", true],
  ["$boolean({})", false],
  ["$not(missing)", undefined],
  ["$not(text = 'x')", true],
  ["$exists(missing)", false],
  ["$exists(text)", true],
  ["$type(1)", "number"],
  ["$type(null)", "null"],
  ["$type([])", "array"],
  ["$type({})", "object"],
  ["$type($sum)", "function"],
  ["$type(missing)", undefined],
  // Arrays and objects.
  ["$append([1], 2)", [1, 2]],
  ["$append(missing, 2)", 2],
  ["$sort(list)", [1, 2, 3]],
  ["$sort(list, function($a, $b){ $a < $b })", [3, 2, 1]],
  ["$sort(['b', 'a'])", ["a", "b"]],
  ["$reverse(list)", [2, 1, 3]],
  ["$distinct([1, 2, 1, 'a', 'a', [1], [1]])", [1, 2, "a", [1]]],
  [
    "$zip([1, 2], ['a', 'b', 'c'])",
    [
      [1, "a"],
      [2, "b"],
    ],
  ],
  ["$keys(object)", ["a", "b"]],
  ["$keys({'a': 1})", "a"],
  ["$lookup(object, 'b')", 2],
  ["$lookup([object, object], 'b')", [2, 2]],
  ["$merge([object, {'b': 3}])", { a: 1, b: 3 }],
  ["$spread(object)", [{ a: 1 }, { b: 2 }]],
  ["$each(object, function($v, $k){ $k & $v })", ["a1", "b2"]],
  ["$sift(object, function($v){ $v > 1 })", { b: 2 }],
  ["$map(list, function($v, $i){ $v * $i })", [0, 1, 4]],
  ["$map(list, $string)", ["3", "1", "2"]],
  ["$filter(list, function($v){ $v > 1 })", [3, 2]],
  ["$filter(list, function($v){ $v > 9 })", undefined],
  ["$reduce(list, function($a, $v){ $a + $v })", 6],
  ["$reduce(list, function($a, $v){ $a & $v }, '')", "312"],
  ["$single(list, function($v){ $v = 1 })", 1],
  ["$assert(true, 'no')", undefined],
  ["$base64encode('a')", "YQ=="],
  ["$encodeUrlComponent('a b')", "a%20b"],
  // Times.
  ["$now()", "2025-01-13T15:00:00.123Z"],
  ["$now('[Y0001]')", "2025"],
  ["$millis()", 1736780400123],
  ["$processing_time()", "2025-01-13T15:00:00.123Z"],
  ["$processing_time_ms()", 1736780400123],
  ["$event_time()", undefined],
  ["$event_time_ms()", undefined],
  ["$broker_time()", undefined],
  ["$fromMillis(0)", "1970-01-01T00:00:00.000Z"],
  ["$toMillis('1970-01-01T00:00:01Z')", 1000],
  ["$toMillis('1970-01-01T00:00:01')", 1000],
  ["$millis_between('2025-01-13T15:00:00Z', $processing_time())", 123],
  ["$millis_between(1000, 3500)", 2500],
  ["$millis_between(missing, 1)", undefined],
  // The job's own.
  ["$is_currency('EUR')", true],
  ["$is_currency('eur')", false],
  ["$is_currency('XXX')", false],
  ["$is_currency('XTS')", false],
  ["$is_currency(5)", false],
  ["$is_currency(missing)", false],
  ["$code_points('aé😀')", [97, 233, 128512]],
  ["$code_points(missing)", undefined],
  ["$sum($code_points(id)) % 100", 22],
  ["$param('name')", "orders"],
  ["$row('rates', 'us').region", "us"],
  ["$row('rates', 'xx')", undefined],
  ["$row('rates', missing)", undefined],
  ["$has_row('rates', 'us')", true],
  ["$has_row('rates', missing)", false],
  ["$has_row('rates', 5)", false],
];

const context = {
  parameters: new Map([["name", "orders"]]),
  tables: new Map([
    ["rates", { name: "rates", rows: new Map([["us", { region: "us", rate: decimal("0.08") }]]) }],
  ]),
};

test("functions give what the tables of jsonata and spec.md say", () => {
  for (const [source, expected] of rows) {
    assert.deepEqual(evaluate(source, record, context), expected, source);
  }
});

test("event time and the broker's time come from the evaluation", () => {
  const times = { eventTimeMs: 1000, brokerTimeMs: 2000 };
  assert.equal(evaluate("$event_time()", {}, {}, times), "1970-01-01T00:00:01.000Z");
  assert.equal(evaluate("$event_time_ms()", {}, {}, times), 1000);
  assert.equal(evaluate("$broker_time()", {}, {}, times), "1970-01-01T00:00:02.000Z");
});

test("generator functions take their randomness from the evaluation", () => {
  const generate = (source: string, random: number): unknown =>
    evaluate(source, {}, { scope: "generate" }, { index: 7, random: () => random });
  assert.equal(generate("$index()", 0), 7);
  assert.equal(generate("$pick(['a', 'b', 'c'])", 0.99), "c");
  assert.equal(generate("$uniform(10, 20)", 0.25), 12.5);
  assert.equal(generate("$chance(0.5)", 0.4), true);
  assert.equal(generate("$chance(0.5)", 0.5), false);
});

test("window, revision, error and late facts are read by their names", () => {
  const result = { window: { startMs: 0, endMs: 300_500 }, revision: 2, isFinal: false };
  const inResult = (source: string): unknown =>
    evaluate(source, {}, { scope: "result" }, { result });
  assert.equal(inResult("$window.start"), "1970-01-01T00:00:00Z");
  assert.equal(inResult("$window.end"), "1970-01-01T00:05:00.500Z");
  assert.equal(inResult("$window.end_ms - $window.start_ms"), 300_500);
  assert.equal(inResult("$revision"), 2);
  assert.equal(inResult("$is_final"), false);
  const late = { latenessMs: 5, window: { startMs: 0, endMs: 1000 } };
  const error = {
    type: "DUPLICATE",
    code: "DUPLICATE",
    message: "seen",
    step: "dedupe",
    original: "{}",
    encoding: "utf8",
    time: "t",
    record: { order_id: "O" },
  } as const;
  const inSink = (source: string): unknown =>
    evaluate(source, {}, { scope: "sink" }, { error, late });
  assert.equal(inSink("$error.type"), "DUPLICATE");
  assert.equal(inSink("$exists($error.record.order_id) ? $error.record.order_id : null"), "O");
  assert.equal(inSink("$late.lateness_ms"), 5);
  assert.equal(inSink("$late.window_end"), "1970-01-01T00:00:01Z");
  assert.equal(evaluate("$error.type", {}, { scope: "sink" }), undefined);
  assert.equal(evaluate("$late.window_start"), undefined);
});

test("number tokens compute as their doubles and are copied as they are", () => {
  const token = new NumberToken("0.10");
  const input = { n: token, big: new NumberToken("12345678901234567890") };
  assert.equal(evaluate("n", input), token);
  assert.equal((evaluate("{'a': n}", input) as Record<string, unknown>)["a"], token);
  for (const [source, expected] of [
    ["n + 1", 1.1],
    ["n = 0.1", true],
    ["n in [0.1]", true],
    ["n < 1", true],
    ["-n", -0.1],
    ["$type(n)", "number"],
    ["$string(n)", "0.1"],
    ["n & ''", "0.1"],
    ["$sum([n, n])", 0.2],
    ["$max([n, 0])", 0.1],
    ["$round(n, 0)", 0],
    ["n ? 1 : 2", 1],
    ["n.text", undefined],
    ["$sort([1, n])", [token, 1] as unknown as number],
  ] as const) {
    assert.deepEqual(evaluate(source, input), expected, source);
  }
});

test("functions fail with jsonata's codes", () => {
  for (const [source, reason] of [
    ["$uppercase(5)", "T0410"],
    ["5.$uppercase()", "S0213"],
    ["(5).$uppercase()", "T0411"],
    ["$sum(['a'])", "T0412"],
    ["$number('abc')", "D3030"],
    ["$sqrt(-1)", "D3060"],
    ["$power(10, 1000)", "D3061"],
    ["$sort([1, 'a'])", "D3070"],
    ["$single([1, 2])", "D3138"],
    ["$single([])", "D3139"],
    ["$reduce([1, 2], function($x){ $x })", "D3050"],
    ["$error('boom')", "D3137"],
    ["$assert(false, 'boom')", "D3141"],
    ["$replace('a', '', 'b')", "D3010"],
    ["$toMillis('yesterday')", "D3110"],
    ["$millis_between('yesterday', 1)", "INSTANT_INVALID"],
    ["$split('a', '-', -1)", "D3020"],
    ["$formatBase(1, 99)", "D3100"],
    ["[1] + 1", "T2001"],
    ["1 + text", "T2002"],
    ["text < 1", "T2009"],
    ["null < 1", "T2010"],
    ["-text", "D1002"],
    ["[1.5..2]", "T2003"],
    ["{5: 1}", "T1003"],
    ["{'a': 1, 'a': 2}", "D1009"],
    ["list^({})", "T2008"],
    ["('a')(1)", "T1006"],
    ["1 ~> 2", "T2006"],
  ] as const) {
    const error = errorOf(() => evaluate(source, record));
    assert.equal(error.reason, reason, source);
    assert.equal(error.code, "EXPRESSION_ERROR", source);
  }
});

test("the fields that an expression reads are known, or known to be unknown", () => {
  for (const [source, reads] of [
    ["a + b.c", ["a", "b"]],
    ["items[price > limit].sku", ["items"]],
    ["items[$$.limit > price]", ["items", "limit"]],
    ["$.a & $$.b", ["a", "b"]],
    ["{'x': a, 'y': [b, c]}", ["a", "b", "c"]],
    ["{a: b}", ["a", "b"]],
    ["($x := a; $f := function($y){ $y & b }; $f($x))", ["a", "b"]],
    ["a[]", ["a"]],
    ["a[0].b[]", ["a"]],
    ["$exists(a) ? b : c", ["a", "b", "c"]],
    ["$now()", []],
    ["a^(b)", ["a"]],
  ] as const) {
    const compiled = compileExpression(source, emptyContext);
    assert.deepEqual([...(compiled.reads ?? ["?"])].sort(), reads, source);
  }
  for (const source of ["$", "$$", "*", "**", "$string($)", "$keys()", "$lookup($, 'a')"]) {
    assert.equal(compileExpression(source, emptyContext).reads, undefined, source);
  }
});
