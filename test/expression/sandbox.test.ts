import assert from "node:assert/strict";
import { test } from "node:test";
import type { Value, ValueObject } from "../../engine/core/value.ts";
import { compileExpression } from "../../engine/expression/compile.ts";
import { emptyContext, emptyEvaluation, errorOf, evaluate } from "./context.ts";

const inherited = [
  "constructor",
  "__proto__",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "__defineGetter__",
  "length",
  "items",
  "keepSingleton",
  "parameterCount",
  "invoke",
];

test("no path reaches what is not the data's own", () => {
  const record = { text: "abc", list: [1, 2], object: {}, number: 5 };
  for (const name of inherited) {
    const quoted = `\`${name}\``;
    for (const source of [
      quoted,
      `object.${quoted}`,
      `text.${quoted}`,
      `list.${quoted}`,
      `number.${quoted}`,
      `$sum.${quoted}`,
      `($f := function($x){ $x }; $f.${quoted})`,
      `(list[$ > 0]).${quoted}`,
      `list[$ > 0].${quoted}`,
      `$map(list, function($x){ $x }).${quoted}`,
      `$lookup(object, '${name}')`,
      `$lookup($sum, '${name}')`,
      `{}.${quoted}`,
      `object.${quoted}.${quoted}`,
    ]) {
      assert.equal(evaluate(source, record), undefined, source);
    }
  }
});

test("data may have such names as its own", () => {
  for (const name of inherited) {
    const record = JSON.parse(
      `{${JSON.stringify(name)}: {${JSON.stringify(name)}: 7}}`,
    ) as ValueObject;
    assert.equal(evaluate(`\`${name}\`.\`${name}\``, record), 7, name);
    assert.equal(evaluate(`$lookup($, '${name}').\`${name}\``, record), 7, name);
    const copy = evaluate(`{'${name}': 1, 'other': 2}`, record) as ValueObject;
    assert.deepEqual(Object.keys(copy), [name, "other"]);
    assert.equal(Object.getPrototypeOf(copy), Object.prototype);
    const computed = evaluate(`$merge([{'x': 1}, {$string('${name}'): 2}])`, record) as ValueObject;
    assert.deepEqual(Object.keys(computed), ["x", name]);
    assert.equal(Object.getPrototypeOf(computed), Object.prototype);
  }
  assert.equal(({} as Record<string, unknown>)["other"], undefined);
});

test("data cannot pass for the engine's own marks", () => {
  const marks = {
    outerWrapper: true,
    _jsonata_lambda: true,
    _jsonata_function: true,
    sequence: true,
    keepSingleton: true,
    cons: true,
    tupleStream: true,
    a: 1,
  };
  assert.equal(evaluate("a", marks), 1);
  assert.equal(evaluate("$.a", marks), 1);
  assert.equal(evaluate("$type($)", marks), "object");
  assert.deepEqual(evaluate("[m].a", { m: marks }), 1);
  assert.equal(evaluate("$exists(m) and $boolean(m)", { m: marks }), true);
});

test("hostile names and texts stay data in the generated source", () => {
  const hostile = [
    '"];throw 1;//',
    "`${process.exit(1)}`",
    "\u2028\u2029\u0000",
    "');globalThis.hacked=1;('",
    "*/ throw 1 /*",
    "</script>\\",
  ];
  for (const text of hostile) {
    const record = { [text]: { [text]: text } };
    if (!text.includes("`")) {
      assert.equal(evaluate(`\`${text}\`.\`${text}\``, record), text);
      assert.deepEqual(evaluate(`{${JSON.stringify(text)}: 1}`, record), { [text]: 1 });
    }
    const literal = JSON.stringify(text);
    assert.equal(evaluate(literal, record), text);
    assert.equal(evaluate(`x = ${literal}`, { x: text }), true);
    assert.equal(evaluate(`x in [${literal}, 'b']`, { x: text }), true);
    assert.equal(evaluate(`$split(x, ${literal})[0]`, { x: `a${text}b` }), "a");
    assert.equal(evaluate(`$lookup($, ${literal}).${literal}`, record), text);
  }
  assert.equal((globalThis as Record<string, unknown>)["hacked"], undefined);
  const odd = "($π_ := 1; $`a := 2; $π_ + $`a)";
  assert.equal(evaluate(odd), 3);
});

test("inputs are never changed", () => {
  const record = { list: [3, 1, 2], object: { a: { b: 1 } }, empty: [] };
  const before = JSON.stringify(record);
  // `evaluate` freezes: any write to the input would throw.
  for (const source of [
    "$sort(list)",
    "$reverse(list)",
    "$append(list, 4)",
    "$append(empty, list)",
    "$merge([object, {'a': 2}])",
    "object ~> |$$.object|{'x': 1}, 'a'|",
    "object ~> |$$|{'x': 1}|",
    "[object, object.a] ~> |$|{'x': $$.list}|",
    "list@$l#$i[$i > 0].{'l': $l}",
    "list[]",
    "empty{'a': $}",
    "empty[]",
    "list^(>$)",
    "object.a[]",
    "$sift(object, function($v){ false })",
    "$spread(object)",
    "$distinct(list)",
    "($x := list; $x := $append($x, 1); $x)",
    "$map(list, function($v, $i, $a){ $append($a, $v) })",
  ]) {
    evaluate(source, record);
  }
  assert.equal(JSON.stringify(record), before);
});

test("work, depth, texts and arrays are limited, the same way each time", () => {
  const rows: readonly (readonly [source: string, reason: string])[] = [
    ["($f := function($n){ $f($n + 1) }; $f(0))", "FUEL"],
    ["($f := function($n){ 1 + $f($n + 1) }; $f(0))", "D1011"],
    ["($f := function($n){ $map([1], function($x){ $f($n + 1) })[0] }; $f(0))", "D1011"],
    ["[1..2000000]", "D2015"],
    ["[1..1000].([1..1000].([1..1000]))", "FUEL"],
    ["$sum([1..500000].([1..500000]))", "FUEL"],
    ["$map([1..2000], function($x){ $map([1..2000], function($y){ $y }) })", "FUEL"],
    ["$reduce([1..40], function($s, $i){ $s & $s }, 'x')", "TEXT_LENGTH"],
    ["$pad('', 100000000)", "TEXT_LENGTH"],
    ["$join($map([1..12000], function($i){ $pad('', 1000) }))", "TEXT_LENGTH"],
    ["$replace($pad('', 100000, 'a'), 'a', $pad('', 1000, 'b'))", "TEXT_LENGTH"],
    [
      "$reduce([1..600], function($a, $i){ [[$a]] }, []) = 1 or $string($reduce([1..600], function($a, $i){ {'a': $a} }, {}))",
      "D1011",
    ],
    ["$sort([1..200000], function($a, $b){ $sum([1..100]) > 0 })", "FUEL"],
  ];
  for (const [source, reason] of rows) {
    const first = errorOf(() => evaluate(source));
    assert.deepEqual(
      [first.code, first.reason],
      ["EXPRESSION_LIMIT", reason],
      `${source}: ${first.message}`,
    );
    assert.equal(errorOf(() => evaluate(source)).message, first.message);
  }
});

test("an expression that hit a limit works again on the next record", () => {
  const compiled = compileExpression("$sum([1..n])", emptyContext);
  errorOf(() => compiled.evaluate({ n: 5_000_000 }, emptyEvaluation));
  assert.equal(compiled.evaluate({ n: 3 }, emptyEvaluation), 6);
  const deep = compileExpression(
    "($f := function($n){ $n = 0 ? 0 : 1 + $f($n - 1) }; $f(n))",
    emptyContext,
  );
  for (let round = 0; round < 3; round++) {
    assert.equal(errorOf(() => deep.evaluate({ n: 1000 }, emptyEvaluation)).reason, "D1011");
    assert.equal(deep.evaluate({ n: 300 }, emptyEvaluation), 300);
  }
});

test("what one evaluation leaves of its steps is nothing to the next compilation", () => {
  const endless = compileExpression("($f := function($n){ $f($n + 1) }; $f(0))", emptyContext);
  errorOf(() => endless.evaluate({}, emptyEvaluation));
  const picture = "[Y,99-99]".repeat(20);
  const compiled = compileExpression(`$length($fromMillis(0, '${picture}'))`, emptyContext);
  assert.equal(compiled.evaluate({}, emptyEvaluation), 99 * 20);
});

test("results are plain data", () => {
  const record = { list: [{ a: 1 }, { a: 2 }] };
  const plainObjects = (value: Value | undefined): boolean =>
    typeof value !== "object" ||
    value === null ||
    ([Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value) as object) &&
      Object.values(value).every((entry) => plainObjects(entry as Value)));
  for (const source of [
    "list.a",
    "list",
    "{'a': list.a, 'b': list[a > 0]}",
    "[list.a]",
    "list{$string(a): $}",
    "$map(list, function($x){ $keys($x) })",
    "$map(list, function($x){ list.a })",
    "$each({'x': 1}, function($v, $k){ {'k': list.a} })",
    "$reduce(list, function($x, $y){ [$x, list.a] })",
    "$zip(list.a, list.a)",
    "list.a[]",
    "$merge(list)",
    "($x := list.a; {'y': $x})",
    "$append(list.a, list.a)",
    "list.{'a': $$.list.a}",
  ]) {
    assert.ok(plainObjects(evaluate(source, record)), source);
  }
  for (const source of [
    "$sum",
    "function($x){ $x }",
    "[$sum]",
    "{'f': function(){ 1 }}",
    "$append([1], $uppercase)",
    "$substring(?, 1)",
    "1 / 0",
    "0 / 0",
    "[1, 5 % 0]",
    "{'a': {'b': -1 / 0}}",
    "1e308 * 10",
    "$sum([1e308, 1e308])",
  ]) {
    const error = errorOf(() => evaluate(source, record));
    assert.deepEqual([error.code, error.reason], ["EXPRESSION_ERROR", "OUTPUT_INVALID"], source);
  }
});
