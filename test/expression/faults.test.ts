import assert from "node:assert/strict";
import { test } from "node:test";
import { compileExpression } from "../../engine/expression/compile.ts";
import type { ExpressionError, ExpressionScope } from "../../engine/expression/expression.ts";
import { emptyContext, errorOf, evaluate } from "./context.ts";

const context = {
  ...emptyContext,
  tables: new Map([["tax_rates", { name: "tax_rates", rows: new Map() }]]),
  parameters: new Map([["input_topic", "x"]]),
};

function loadError(source: string, scope: ExpressionScope = "record"): ExpressionError {
  return errorOf(() => compileExpression(source, { ...context, scope }));
}

const rows: readonly (readonly [source: string, reason: string, token: string])[] = [
  ["amount > ", "S0207", ""],
  ["a + * + b )", "S0201", ")"],
  ["(a; b", "S0203", ""],
  ["{'a': 1, 'b' 2}", "S0202", "2"],
  ["a b", "S0201", "b"],
  ["$x := ", "S0207", ""],
  ["5 := 1", "S0212", "5"],
  ["'open", "S0101", ""],
  ["a.5", "S0213", "5"],
  ["1 + %.a", "S0217", "%"],
  ["$.%", "S0217", "%"],
  ["1 + $foo(2)", "T1006", "$foo"],
  ["1 + $lenght(a)", "T1006", "$lenght"],
  ["1 + sum(a)", "T1005", "sum"],
  ["a & $unknown & b", "UNKNOWN_VARIABLE", "$unknown"],
  ["($total := 1; $totl)", "UNKNOWN_VARIABLE", "$totl"],
  ["(($x := 1); $x)", "UNKNOWN_VARIABLE", "$x)"],
  ["a & $uppercase(b, c)", "T0410", "$uppercase"],
  ["a & $substring()", "T0410", "$substring"],
  ["a ~> $not(b)", "T0410", "$not"],
  ["$exists()", "T0410", "$exists"],
  ["a & $row('tax_rate', b).rate", "UNKNOWN_TABLE", "'tax_rate'"],
  ["$has_row('nothing', b)", "UNKNOWN_TABLE", "'nothing'"],
  ["$param('input_topics')", "UNKNOWN_PARAMETER", "'input_topics'"],
  ["a + 'x'", "T2002", "'x'"],
  ["true + a", "T2001", "true"],
  ["a & $eval('1')", "UNSUPPORTED", "$eval"],
  ["a & $random()", "UNSUPPORTED", "$random"],
  ["$shuffle(a)", "UNSUPPORTED", "$shuffle"],
  ["$contains(a, /(?=x)/i)", "UNSUPPORTED", "/(?=x)/i"],
  ["a ~> /(b)\\1/", "UNSUPPORTED", "/(b)"],
  ["a ~> /b{1,2000}/", "UNSUPPORTED", "/b{"],
  ["$toMillis(a, b)", "UNSUPPORTED", "b"],
  ["$fromMillis(a, '[' & b)", "UNSUPPORTED", "&"],
  ["a ~> $toMillis(b)", "UNSUPPORTED", "b"],
  ["$map(a, $toMillis(?, b))", "UNSUPPORTED", "b"],
  ["$now(b)", "UNSUPPORTED", "b"],
  ["$toMillis(a, '[Y')", "D3135", "'[Y'"],
  ["$toMillis(a, '[q]')", "D3132", "'[q]'"],
  ["$fromMillis(a, '[YN]')", "D3133", "'[YN]'"],
  ["$toMillis(a, '[Y,1-99999999]')", "PICTURE_LIMIT", "'[Y"],
  ["1 + $window.start", "OUT_OF_SCOPE", "$window"],
  ["$index()", "OUT_OF_SCOPE", "$index"],
  ["$now2", "UNKNOWN_VARIABLE", "$now2"],
];

test("faults of the text are found when it is compiled, at the start of the token", () => {
  for (const [source, reason, token] of rows) {
    const error = loadError(source);
    assert.equal(error.reason, reason, `${source}: ${error.message}`);
    const offset = token === "" ? source.length : source.lastIndexOf(token);
    assert.equal(error.offset, offset, `${source}: ${error.message}`);
  }
});

test("messages suggest the name that was meant", () => {
  for (const [source, suggestion] of [
    ["$lenght(a)", "did you mean $length?"],
    ["sum(a)", "did you mean $sum?"],
    ["($total := 1; $totl)", "did you mean $total?"],
    ["$row('tax_rate', b)", 'did you mean "tax_rates"?'],
    ["$param('input_topics')", 'did you mean "input_topic"?'],
    ["$is_curency(a)", "did you mean $is_currency?"],
    ["1 + lenth(a)", "lenth is a field, no function"],
    ["lenth(a)", "did you mean $length?"],
    ["a == 1", "a single ="],
    ["a && b", '"and"'],
    ["a || b", '"or"'],
    ["a <> b", "write !="],
    ["!a", "$not"],
    ["if a then b", "condition ? value"],
    ["$match(a, /b/g)", "flags i and m"],
    ["a > .5", "0.5"],
    ["${a}", "without a mark"],
  ] as const) {
    assert.match(loadError(source).message, new RegExp(suggestion.replaceAll(/[$?.]/g, "\\$&")));
  }
});

test("variables and functions are known only where their facts exist", () => {
  const compiles = (source: string, scope: ExpressionScope): boolean => {
    try {
      compileExpression(source, { ...context, scope });
      return true;
    } catch {
      return false;
    }
  };
  const where = (source: string): readonly string[] =>
    (["record", "sink", "result", "generate"] as const).filter((scope) => compiles(source, scope));
  assert.deepEqual(where("$window.start"), ["result"]);
  assert.deepEqual(where("$revision"), ["result"]);
  assert.deepEqual(where("$is_final"), ["result"]);
  assert.deepEqual(where("$error.type"), ["record", "sink"]);
  assert.deepEqual(where("$late.lateness_ms"), ["record", "sink"]);
  assert.deepEqual(where("$index()"), ["generate"]);
  assert.deepEqual(where("$pick([1])"), ["generate"]);
  assert.deepEqual(where("$error('x')"), ["record", "sink", "result", "generate"]);
  assert.deepEqual(where("$event_time()"), ["record", "sink", "result", "generate"]);
});

test("faults of a record point at the inner cause", () => {
  const record = { a: "x", items: [{ p: 1 }, { p: "y" }] };
  for (const [source, offset] of [
    ["1 + (2 * a)", 7],
    ["$map(items, function($i){ $i.p * 2 })", 31],
    ["items.(p - 1)", 9],
    ["$sum(items.p)", 0],
    ["($f := function($x){ $uppercase($x) }; $f(5))", 21],
    ["a ~> $round(2)", 5],
  ] as const) {
    assert.equal(errorOf(() => evaluate(source, record)).offset, offset, source);
  }
});

test("too long, too nested and doubling texts are refused before they are parsed", () => {
  const nested = (depth: number): string => "(".repeat(depth) + "a" + ")".repeat(depth);
  const defaults = (depth: number): string => {
    let text = "a";
    for (let level = 0; level < depth; level++) text = `(${text} ?: b)`;
    return text;
  };
  assert.equal(evaluate(nested(45), { a: 1 }), 1);
  assert.equal(evaluate(defaults(6), { b: 2 }), 2);
  for (const source of [
    nested(65),
    defaults(20),
    defaults(20).replaceAll("?:", "??"),
    `")" & (")" & ${nested(100)})`,
    `/* ( */ ${defaults(7)} /* ) */`,
    "a".repeat(20_001),
    `${"a&".repeat(9_999)}a`.replace("a", "[".repeat(101)),
  ]) {
    const error = loadError(source);
    assert.deepEqual(
      [error.code, error.reason],
      ["EXPRESSION_LIMIT", "SOURCE_LIMIT"],
      source.slice(0, 60),
    );
  }
  // Brackets within texts and names do not count.
  assert.equal(evaluate(`'${"(".repeat(200)}' & \`${"[".repeat(200)}\``, {}), "(".repeat(200));
});
