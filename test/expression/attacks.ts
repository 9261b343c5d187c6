import type { ValueObject } from "../../engine/core/value.ts";
import { compileExpression } from "../../engine/expression/compile.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import { emptyContext, emptyEvaluation } from "./context.ts";
import { workAttacks } from "./work-attacks.ts";
import type { Attack } from "./work-attacks.ts";

function nested(depth: number, wrap: (inner: string) => string): string {
  let text = "a";
  for (let level = 0; level < depth; level++) text = wrap(text);
  return text;
}

const brackets = (count: number): unknown =>
  JSON.parse("[".repeat(count) + "]".repeat(count)) as unknown;

export const hostileRecord = {
  a: 1,
  text: "a".repeat(1_000_000),
  // Equal to `text`, but not the same object: only looking at all of it tells.
  other: ["a", "a".repeat(999_999)].join(""),
  near: `${"a".repeat(250_000)}b${"a".repeat(250_000)}`,
  wide: "é😀".repeat(300_000),
  sharp: "ſ".repeat(200_000),
  words: "abc ".repeat(50_000),
  digits: "1".repeat(1_000_000),
  members: Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`m${index}`, index])),
  picture: "#,".repeat(200_000),
  list: Array.from({ length: 20_000 }, (_, index) => ({ n: index % 1000, s: `s${index}` })),
  deep: brackets(3000),
} as unknown as ValueObject;

/** Calls that nest without end, by all that calls; the last ones with large frames. */
const recursions: readonly string[] = [
  "$map([1], function($x){ 1 + $f($n + 1) })[0]",
  "$filter([1], function($x){ $f($n + 1) })[0]",
  "$sort([1, 2], function($x, $y){ $not($f($n + 1)) })[0]",
  "$reduce([1, 2], function($x, $y){ 1 + $f($n + 1) })",
  "$replace('a', /a/, function($m){ 'a' & $f($n + 1) })",
  "$each({'a': 1}, function($v){ 1 + $f($n + 1) })",
  "$sift({'a': 1}, function($v){ $f($n + 1) })",
  "$single([1], function($v){ $f($n + 1) })",
  "1 + ($n + 1 ~> ($f ~> $abs))",
  "1 + ($h := $f(?); $h($n + 1))",
  "$keys([1].{'x': 1}{$f($n + 1): 1})",
  "1 + [1].[2].(3).$f($n + 1)",
  "[1][[1][[1][$f($n + 1) = 0] = 1] = 1]",
  "([1, 2]^($f($n + 1)))[0]",
  "([1]@$i#$k[$f($n + 1) = 0].$i)",
  "({'a': 1} ~> |$|{'b': $f($n + 1)}|).b",
  "[1][".repeat(20) + "$f($n + 1) = 0" + "]".repeat(20),
  "[1][".repeat(30) + "$f($n + 1) = 0" + "]".repeat(30),
  "$max([1,".repeat(20) + "$f($n + 1)" + "])".repeat(20),
  "$abs(".repeat(40) + "$f($n + 1)" + ")".repeat(40),
  Array.from({ length: 60 }, (_, index) => `(a${index} + b${index}) * 1`).join(" + ") +
    " + $f($n + 1)",
  `[${Array.from({ length: 300 }, (_, index) => `a${index} + b${index} * 2`).join(", ")}, $f($n + 1)]`,
  "$n > 340 ? $string($$.deep) : 1 + $f($n + 1)",
].map((body) => `($f := function($n){ ${body} }; $f(0))`);

const limitOf = (reason: string, sources: readonly string[]): readonly Attack[] =>
  sources.map((source) => ({ source, ends: reason }));

/** Of these some could depend on the stack of the machine. */
export const languageAttacks: readonly Attack[] = [
  // Doubling and nesting that the parser would not survive.
  ...limitOf("SOURCE_LIMIT", [
    nested(20, (inner) => `(${inner} ?: b)`),
    nested(20, (inner) => `(${inner} ?? b)`),
    nested(200, (inner) => `(${inner} ? b : c)`),
    nested(5000, (inner) => `(${inner})`),
    nested(49, (inner) => `$not(${inner})`),
    `$contains(text, /${nested(49, (inner) => `(${inner})*`)}/)`,
    `$contains(text, /${nested(5000, (inner) => `(${inner})`)}/)`,
    nested(49, (inner) => `[${inner}]`),
    nested(49, (inner) => `{"k": ${inner}}`),
    nested(49, (inner) => `a[${inner}]`),
    nested(49, (inner) => `function(){${inner}}`),
    "- ".repeat(9000) + "a",
    "1+".repeat(9000) + "1",
    "a.".repeat(9000) + "a",
    "a&".repeat(251) + "a",
    "a and ".repeat(251) + "a",
    "a?1:".repeat(251) + "a",
    "$a:=".repeat(251) + "a",
    "a" + "[b]".repeat(251),
    "$f" + "()".repeat(251),
    "a" + "~>$not".repeat(251),
    nested(60, (inner) => `(${inner} + 1 + 1 + 1 + 1)`),
    "%.".repeat(5000) + "a",
    "a".repeat(20_001),
    "/* ".repeat(8000),
  ]),
  ...limitOf("value", [
    "a&".repeat(149) + "a",
    "1+".repeat(149) + "1",
    "a?1:".repeat(149) + "a",
    "a and ".repeat(149) + "a",
    "a" + "[0]".repeat(140),
    "a&".repeat(50) + nested(45, (inner) => `(${inner})`),
    "a+(".repeat(45) + "1" + ")".repeat(45),
    nested(34, (inner) => `[1][${inner} = 1]`),
    nested(45, (inner) => `[1].{"k": ${inner}}`),
    `$contains('aab', /${nested(45, (inner) => `(${inner})?`)}/)`,
    `$contains('aab', /^${nested(40, (inner) => `(?:${inner}|[ab]x?)+`)}$/)`,
  ]),
  // Work that does not end, or grows.
  ...limitOf("FUEL", [
    "($f := function($x){ $f($x) }; $f(1))",
    "($y := function($f){ $f($f) }; $y($y))",
    "($f := function($n){ $n = 0 ? 0 : $map([1, 2], function($v){ $f($n - 1) }) }; $f(60))",
    "[1..1000].([1..1000].([1..1000]))",
    "$reduce([1..30], function($a, $b){ $append($a, $a) }, [1, 2, 3, 4])",
    "$reduce([1..1000000], function($a, $b){ $append($a, $b) })",
    "$reduce([1..40], function($a, $b){ {'x': $a, 'y': $a} }, 1)",
    "$reduce([1..40], function($a, $b){ [[$a, $a]] }, 1)",
    "$string($reduce([1..40], function($a, $b){ [[$a, $a]] }, 1))",
    "$reduce([1..40], function($a, $b){ {'x': $a, 'y': $a} }, 1) = $reduce([1..40], function($a, $b){ {'x': $a, 'y': $a} }, 1)",
    "list@$a.list@$b[$a.n = $b.n]",
    "$map(list, function($v){ $count(list[n = $v.n]) })",
    "$distinct(list)",
    "$zip([1..1000000], [1..1000000])",
    "$sort($map([1..100000], function($i){ $string($i) }))",
    "$split(text, '')",
    "$match(text, /a/)",
    "$split(text, /a{1,500}/)",
    "$replace(words, /(a)(.*z)?/, 'b')",
    "($m := function($s){ {'match': '', 'start': 0, 'end': 0, 'groups': [], 'next': $m} }; $match('a', $m))",
    "$count([1..400000].($$.list))",
    "list.{'whole': $$.list}",
    "[list, list, list, list, list, list, list, list, list, list, list, list, list, list, list, list, list, list, list, list]",
  ]),
  ...limitOf("D1011", [
    "($f := function($x){ $f($x) + 1 }; $f(1))",
    "($f := function($x){ $x ~> $g }; $g := function($x){ $x ~> $f }; $f(1))",
    "($f := function($n){ $map([1], function($x){ $f($n + 1) })[0] }; $f(0))",
    "**",
    "deep.**",
    "$string(deep)",
    "$ ~> |$|{'a': 1}|",
    ...recursions,
  ]),
  ...limitOf("D2015", ["[1..2000000]", "$split(text, 'a')"]),
  ...limitOf("D2014", ["[1..1e15]"]),
  // Texts.
  ...limitOf("TEXT_LENGTH", [
    "$pad('', 100000000)",
    "$pad('a', 1e300)",
    "$pad('a', -1e9, 'xyz')",
    "$reduce([1..40], function($a, $b){ $a & $a }, 'ab')",
    "$join($map([1..12000], function($i){ $pad('', 1000) }))",
    "$replace(text, 'a', 'bbbbbbbbbbbbbbb')",
    "$replace(text, /a+/, $pad('', 10000000, 'b') & 'b')",
  ]),
  ...limitOf("OUTPUT_SIZE", [
    "$map([1..20], function($i){ text })",
    "{'a': text, 'b': [text, text, text, text, text], 'c': [text, text, text, text, text, text]}",
  ]),
  ...limitOf("DECIMAL_LIMIT", [
    "$reduce([1..100], function($a, $b){ $a * $a }, $decimal('12345678901234567890'))",
  ]),
  // Regular expressions that keep a backtracking engine busy for years; on a megabyte they are too much for ours, too.
  ...["$$.text", "$substring($$.text, 0, 5000)"].flatMap((text) =>
    limitOf(text === "$$.text" ? "FUEL" : "value", [
      `$match(${text}, /(a+)+b/)`,
      `$match(${text}, /(a|aa)+b/)`,
      `$contains(${text}, /^(a?){50}b{50}$/)`,
      `$match(${text}, /(.*)(.*)(.*)(.*)[^a]/)`,
      `$replace(${text}, /(a*)*b/, 'x')`,
    ]),
  ),
  ...limitOf("FUEL", [
    `$toMillis(text, '${"[Y]".repeat(50)}')`,
    "$toMillis(text, '[Yw] [Mw] [Dw]')",
    `$toMillis($substring(words, 0, 5000), '${"[Yw]".repeat(5)}')`,
  ]),
  ...limitOf("value", [
    `$toMillis($substring(text, 0, 500), '${"[Y]".repeat(50)}')`,
    "$contains(words, /^(\\w+\\s?)*$/)",
    "$match(words, /(\\w+\\s)*!$/)",
  ]),
  ...limitOf("UNSUPPORTED", [
    "$contains(text, /(?=a)/)",
    "$contains(text, /(a)\\1/)",
    "$contains(text, /(?<!a)b/)",
    "$contains(text, /a{1,5000}/)",
    `$contains(text, /${"a{1000}".repeat(100)}/)`,
    `$contains(text, /${"(a{30}){30}".repeat(10)}/)`,
    `$contains(text, /${"(a?)".repeat(4000)}/)`,
    `$contains(text, /${"[\\w\\s\\S\\u0100-\\uffff]".repeat(600)}/i)`,
    `$contains(text, /${Array.from({ length: 2000 }, (_, index) => `a${index}`).join("|")}/)`,
    "$eval('$eval(\"1\")')",
    `(function($x)<${"n".repeat(9000)}:n>{ 1 })(1)`,
    `[${Array.from({ length: 80 }, (_, index) => `$toMillis('12', '[Yw][Mw]${index}')`).join(",")}]`,
    "$random()",
    "$shuffle(list)",
    "$toMillis(text, words)",
    "$fromMillis(1, text)",
    "$now(text)",
  ]),
  // Texts that are long, searched by the host.
  ...limitOf("value", [
    "$contains(text, 'b' & $substring(text, 1, 500000))",
    "$contains(text, $substring(text, 1, 500000) & 'b')",
    "$count($split(text, 'b' & $substring(text, 1, 500000)))",
    "$length($replace(text, $substring(text, 1, 400000) & 'b', ''))",
    "$length($substringBefore(text, 'b' & $substring(text, 1, 500000)))",
    "$length($trim($replace(words, 'abc', ' ')))",
    "$length($base64encode(words))",
    "$length($encodeUrlComponent(words))",
  ]),
  // Pictures.
  ...limitOf("PICTURE_LIMIT", [
    "$fromMillis(1, '[Y,100000000]')",
    `$toMillis('twelve', '${"[Yw]".repeat(6)}')`,
    "$toMillis(text, '[Y,1-99999999][M]')",
    `$toMillis(text, '${"[Y]".repeat(200)}')`,
  ]),
  ...limitOf("ARGUMENT_INVALID", [
    "$formatNumber(1, picture)",
    "$formatInteger(1, picture)",
    "$parseInteger('1', picture)",
    "$formatInteger(1e9, 'I')",
    "$fromMillis(1e300)",
    "$formatInteger(-1 / 0, 'a')",
    "$formatInteger(0 / 0, 'w')",
    "$formatNumber(1 / 0, '0.0e0')",
    "$formatBase(1 / 0, 2)",
    "$fromMillis(0, '[Y]', text)",
  ]),
  ...limitOf("value", ["$formatNumber(0, '0.0e0')"]),
  ...limitOf("OUTPUT_INVALID", ["$parseInteger(text, 'a')", "$parseInteger(words, 'w')", "$sum"]),
  // Prototypes and what stands behind values.
  ...limitOf("T1006", [
    "$sum.constructor('x')",
    "(function(){ 1 }).constructor('x')()",
    "/a/.constructor('x')",
  ]),
  ...limitOf("value", [
    "__proto__.polluted",
    "constructor.constructor('return process')()",
    "deep = [deep]",
    "$string.constructor",
    "$lookup($, '__proto__')",
    "/a/.exec",
    "$match('a', /a/).next.constructor",
    "{'__proto__': {'polluted': true}}",
    "$merge([{'__proto__': {'polluted': true}}, {'constructor': {'prototype': {'polluted': true}}}])",
    "list[0] ~> |$|{'__proto__': {'polluted': true}}|",
    "list[0] ~> |$|{}, '__proto__'|",
    "$sift({'__proto__': 1}, function($v){ true })",
    "list[0]{'__proto__': {'polluted': true}}",
    "{'outerWrapper': true, 'a': 1}.a",
    "{'_jsonata_lambda': true, 'a': 1}.a",
    "{'sequence': true, 'keepSingleton': true, 'cons': true}.cons",
    "$spread({'toString': 1, 'valueOf': 2})",
  ]),
];

export const attacks: readonly Attack[] = [...languageAttacks, ...workAttacks];

/** How an attack ends: the reason of its error, or `value`. */
export function endOf(source: string): string {
  try {
    compileExpression(source, emptyContext).evaluate(hostileRecord, emptyEvaluation);
    return "value";
  } catch (error) {
    if (error instanceof ExpressionError) return error.reason;
    throw error;
  }
}
