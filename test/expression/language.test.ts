import assert from "node:assert/strict";
import { test } from "node:test";
import type { Value } from "../../engine/core/value.ts";
import { evaluate } from "./context.ts";

const record = {
  order_id: "ORD-1",
  region: "us",
  status: "shipped",
  count: 3,
  paid: true,
  nothing: null,
  tags: ["new"],
  customer: { name: "Ada", "home address": { city: "London" } },
  items: [
    { sku: "b", price: 5, quantity: 2, notes: ["x", "y"] },
    { sku: "a", price: 20, quantity: 1 },
    { sku: "c", price: 5, quantity: 4, notes: ["z"] },
  ],
  matrix: [
    [1, 2],
    [3, 4],
  ],
};

const rows: readonly (readonly [source: string, expected: Value | undefined])[] = [
  // Paths: one result is itself, many are an array, an array of the data stays one.
  ["order_id", "ORD-1"],
  ["customer.name", "Ada"],
  ["customer.`home address`.city", "London"],
  ['customer."home address".city', "London"],
  ["missing", undefined],
  ["missing.deeper", undefined],
  ["order_id.deeper", undefined],
  ["nothing", null],
  ["nothing.deeper", undefined],
  ["tags", ["new"]],
  ["items.sku", ["b", "a", "c"]],
  ["items.notes", ["x", "y", "z"]],
  ["items[0].sku", "b"],
  ["items[-1].sku", "c"],
  ["items.sku[0]", ["b", "a", "c"]],
  ["(items.sku)[0]", "b"],
  ["items[price > 10].sku", "a"],
  ["items[price > 10].sku[]", ["a"]],
  ["items[price = 5].sku", ["b", "c"]],
  ["items[[0, 2]].sku", ["b", "c"]],
  ["items[price > 100]", undefined],
  ["items.(price * quantity)", [10, 20, 20]],
  [
    "items.[sku, price]",
    [
      ["b", 5],
      ["a", 20],
      ["c", 5],
    ],
  ],
  ['items.{"s": sku}', [{ s: "b" }, { s: "a" }, { s: "c" }]],
  [
    "matrix",
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ["matrix[0]", [1, 2]],
  ["customer.*", ["Ada", { city: "London" }]],
  ["$count(**) > 10", true],
  ["$.order_id", "ORD-1"],
  ["items.$$.order_id", ["ORD-1", "ORD-1", "ORD-1"]],
  // Order-by and group-by.
  ["items^(price, >sku).sku", ["c", "b", "a"]],
  ["items^(>price)[0].sku", "a"],
  ["items{sku: price}", { b: 5, a: 20, c: 5 }],
  ["items{$string(price): sku}", { "5": ["b", "c"], "20": "a" }],
  // Operators.
  ["count + 1", 4],
  ["count - 5", -2],
  ["count * 2", 6],
  ["count / 2", 1.5],
  ["count % 2", 1],
  ["-count", -3],
  ["missing + 1", undefined],
  ["0.1 + 0.2", 0.30000000000000004],
  ["count > 2", true],
  ["count <= 2", false],
  ["missing > 2", undefined],
  ["status > 'a'", true],
  ["status = 'shipped'", true],
  ["status != 'shipped'", false],
  ["missing = 1", false],
  ["missing != 1", false],
  ["nothing = null", true],
  ["tags = ['new']", true],
  ["{'a': [1, {'b': 2}]} = {'a': [1, {'b': 2}]}", true],
  ["region in ['us', 'eu']", true],
  ["region in ['xx']", false],
  ["count in [1, 2, 3]", true],
  ["count in [1, 2]", false],
  ["'new' in tags", true],
  ["missing in ['us']", false],
  ["region in 'us'", true],
  ["region in ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'a9', 'us']", true],
  ["paid and count > 1", true],
  ["paid and missing", false],
  ["missing or paid", true],
  ["status & '-' & count & missing & paid", "shipped-3true"],
  ["'a' & [1, 2]", "a[1,2]"],
  ["[1..3]", [1, 2, 3]],
  ["[3..1]", []],
  ["$sum([1..count])", 6],
  // Conditions and defaults.
  ["count > 2 ? 'many' : 'few'", "many"],
  ["count > 5 ? 'many'", undefined],
  ["missing ?: 'none'", "none"],
  ["'' ?: 'none'", "none"],
  ["'' ?? 'none'", ""],
  ["missing ?? 'none'", "none"],
  ["nothing ?? 'none'", null],
  // Constructors: absent members vanish.
  ["[1, missing, tags, [2]]", [1, "new", [2]]],
  ['{"a": 1, "b": missing}', { a: 1 }],
  ['{"a": [1], "b": {"c": region}}', { a: [1], b: { c: "us" } }],
  ["{region: count}", { us: 3 }],
  ["[]", []],
  ["{}", {}],
  // Blocks and variables.
  ["($a := 1; $b := $a + 1; $a + $b)", 3],
  ["($a := 1; ($a := 2; $a) + $a)", 3],
  ["($a := 1; (paid ? $a := 5 : 0); $a)", 1],
  ["($a := 1; paid ? $a := 5 : 0; $a)", 5],
  ["($a := 1; $f := function(){ $a }; $a := 2; $f())", 2],
  ["($a := 1; ($b := $a; $a := 5; $b))", 1],
  ["($sum := 5; $sum)", 5],
  ["()", undefined],
  ["/* a note */ count", 3],
  // Functions of one's own.
  ["function($x){ $x * 2 }(4)", 8],
  ["($twice := function($x){ $x * 2 }; $map([1, 2], $twice))", [2, 4]],
  ["($add := function($x){ function($y){ $x + $y } }; $add(2)(3))", 5],
  ["($fact := function($n){ $n <= 1 ? 1 : $n * $fact($n - 1) }; $fact(5))", 120],
  [
    "($loop := function($n, $sum){ $n = 0 ? $sum : $loop($n - 1, $sum + $n) }; $loop(10000, 0))",
    50005000,
  ],
  ["($f := function($x, $y){ $x - $y }; $g := $f(10, ?); $g(3))", 7],
  ["($half := $substring(?, 0, 2); $half('abcd'))", "ab"],
  ["function($x)<n:n>{ $x + 1 }(1)", 2],
  ["region ~> $uppercase", "US"],
  ["region ~> $pad(4, '.')", "us.."],
  ["($both := $uppercase ~> $length; $both('abc'))", 3],
  ["items.price ~> $sum", 30],
  ["$map(items, function($i, $n){ $n & $i.sku })", ["0b", "1a", "2c"]],
  ["items.($p := price; $p + 1)", [6, 21, 6]],
];

test("constructs of the language", () => {
  for (const [source, expected] of rows) {
    assert.deepEqual(evaluate(source, record), expected, source);
  }
});

test("members are written as jsonata writes them, in order", () => {
  assert.equal(
    JSON.stringify(evaluate('{"z": 1, "a": [2, {"y": null}], "m": items[0].sku}', record)),
    '{"z":1,"a":[2,{"y":null}],"m":"b"}',
  );
});

test("an input that is no object works like jsonata's", () => {
  const onArray = (source: string): unknown => evaluate(source, [{ a: 1 }, { a: 2 }] as never);
  assert.deepEqual(onArray("a"), [1, 2]);
  assert.deepEqual(onArray("$"), [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(onArray("$[a = 2]"), { a: 2 });
});
