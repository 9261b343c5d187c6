/** Expressions and records that mean harm, and how each must end. */
export interface Attack {
  readonly source: string;
  /** Reason of the error, at load or for the record; `value` where the attack simply finds nothing to break. */
  readonly ends: string;
}

/**
 * Work that one step of a loop hides: each call here is made as often as the steps allow. It takes more steps the more
 * it has to look at, so that all together ends by steps and not by patience.
 */
const longTexts: readonly string[] = [
  "$length(text)",
  "$uppercase(text)",
  "$lowercase(wide)",
  "$trim(words)",
  "$substring(text, 5)",
  "$substring(wide, -5, 2)",
  "$substringBefore(text, 'b')",
  "$substringAfter(text, 'b')",
  "$contains(text, 'b')",
  "$contains(text, 'aab')",
  "$split(text, 'b')",
  "$split(text, 'b')[1]",
  "$split(words, ' ')[50001]",
  "$replace(words, 'z', 'y')",
  "$pad(text, -1000001, 'xy')",
  "$join([text, text])",
  "$string([text])",
  "$length(text & 'x')",
  "$base64encode(text)",
  "$base64decode(text)",
  "$encodeUrl(wide)",
  "$encodeUrlComponent(wide)",
  "$decodeUrl(text)",
  "$decodeUrlComponent(text)",
  "$code_points(text)",
  "$parseInteger(digits, '0')",
  "$parseInteger(words, 'w')",
  "$toMillis(digits, '[f1][f1][f1][f1]')",
  "$toMillis(text, '[Yw]')",
  "text = other",
  "text != other",
  "text < other",
  "text in [other]",
  "[text] = [other]",
  "$distinct([text, other])",
  "$sort([text, other])",
  "[text, other]^($)",
  "{text: 1}",
  "{text & 'x': 1}",
  "$lookup({}, text & 'x')",
  "$boolean(members)",
  "members ? 1 : 2",
  "$not(members)",
  "members.*",
  "$keys(members)",
  "members = {}",
].map((call) =>
  call.replaceAll(/(?<![$.'\w])(text|other|wide|words|digits|members)\b/g, "$$$$.$1"),
);

/** Each takes long by itself, whatever its arguments. */
const slowCalls: readonly string[] = [
  "$formatNumber(1234.5, '#,##0.00')",
  `$formatNumber(123456.789, '${"#,".repeat(60)}##0.00')`,
  "$formatInteger(999999, 'I')",
  "$formatInteger(1e300, 'w')",
  `$formatInteger(12, '${"#,".repeat(100)}0')`,
  "$parseInteger('twelve', 'w')",
  "$fromMillis(1, '[FNn], [D1o] [MNn] [Y]')",
  `$fromMillis(1, '${"[YI]".repeat(60)}')`,
  "$toMillis('3rd May 2021', '[D1o] [MNn] [Y]')",
  `$toMillis('twelve', '${"[Yw]".repeat(5)}')`,
  "$round(1.5, 2)",
  "$round(1.55, 1, 'half_even')",
  "$divide(1, 3, 100)",
  "$big * $big",
  "$big + $big",
  "$big % 7",
  "$divide($big, 3, 100)",
  "$round($big, 1)",
  "$string($big)",
  "$sum([$big, $big])",
];

const regexCalls: readonly string[] = [
  "$match('ab', /(a)(b)/)",
  "$split('a-b', /-/)",
  "$replace('ab', /a/, function($m){ 'x' })",
  "$contains('ab', /(b)/)",
  "$match($$.text, /(a)(.*z)?/)",
  "$match($$.words, /[a-z]+z?/)",
  "$match($$.text, /(a*)(a*)(a*)(a*)(a*)(a*)(a*)[bc]/)",
  "$match($$.text, /(?:a|aa)+[bc]/)",
  "$contains($$.words, /(?:[ab ]|c)*a[abc ]{200}[xy]/)",
  "$match($$.text, /^(a|b)*[cd]/)",
  "$match($$.wide, /[^x]y?z/)",
  `$match($$.text, /${"(a*)".repeat(190)}[yz]/)`,
  "$match($$.text, /(s)(s*z)?/i)",
  "$match($$.sharp, /(s)(s*z)?/i)",
];

const repeated = (call: string): string => `$count([1..900000].(${call}))`;
const withBig = (call: string): string =>
  `($big := $reduce([1..4], function($a, $b){ $a * $a }, $decimal('12345678901234567890')); ${repeated(call)})`;

/** Near misses at every place, for which the host's search takes the product of both lengths. */
const nearMisses: readonly string[] = [
  "$contains(text, near)",
  "$split(text, near)",
  "$split(text, near)[1]",
  "$replace(text, near, 'x')",
  "$substringBefore(text, near)",
  "$substringAfter(text, near)",
  "$contains(text, $substring(near, 0, 1000))",
];

/** Signatures of functions, matched against many arguments of which the last does not fit. */
const signatures: readonly string[] = [
  `(function($x)<${"n+".repeat(20)}s:n>{ 1 })(${"1,".repeat(60)}1)`,
  `(function($x)<${"n?".repeat(30)}s:n>{ 1 })(${"1,".repeat(30)}1)`,
  `(function($x)<${"(sn)+".repeat(20)}b:n>{ 1 })(${"1,'a',".repeat(40)}1)`,
];

/** Loops within loops, and results that are larger than what they are made of. */
const growing: readonly string[] = [
  "$each(members, function($v){ $each($$.members, function($w){ $w }) })",
  "$sift(members, function($v){ $boolean($sift($$.members, function($w){ true })) })",
  "$map([1..1000], function($i){ [1..1000] })",
  "$map([1..900000], function($i){ [[[[[[[[$i]]]]]]]] })",
  "$map([1..900000], function($i){ {'a': {'b': {'c': {'d': {'e': {'f': $i}}}}}} })",
  "$map([1..900000], function($i){ {'a': $i, 'b': $i, 'c': $i, 'd': $i, 'e': $i, 'f': $i, 'g': $i} })",
  "$map([1..900000], function($i){ [$i, $i + 0.5, $i + 0.5, $i + 0.5, $i + 0.5, $i + 0.5] })",
  "$map([1..900000], function($i){ $string($i) & 'abcdefghijklmnopqrstuvwxyz' })",
  "$map([1..900000], function($i){ function($x){ $x + $i } })",
  "$map([1..900000], function($i){ $substring(?, $i) })",
  "$map([1..900000], function($i){ $decimal('12345678901234567890.5') * $i })",
  "$map([1..900], function($i){ $pad('é', 100000, $string($i)) })",
  "$map([1..900], function($i){ $uppercase($$.text & $i) })",
  "[1..900000]{$string($): $}",
  "[1..900000].{$string($): $}",
  "$map([1..900000], function($i){ $merge([{$string($i): 1}]) })",
  "[1..900000]^($string($))",
  "[1..900000]@$i#$j.{'i': $i, 'j': $j}",
  "list@$a.$$.list@$b.$$.list@$c[$a.n = $b.n]",
  "list#$i.$$.list#$j.(%.n)",
  "list^($sum($$.list^(n).n))",
  "$reduce([1..900000], function($a, $b){ $merge([$a, {$string($b): $b}]) }, {})",
  "$reduce([1..900000], function($a, $b){ {'v': $a ~> |$|{'w': $b}|} }, {})",
  "members.*.$$.members.*",
  "$spread(members).$spread($$.members)",
  "$zip([1..900], [1..900]).$zip([1..900], [1..900])",
  "[1..900000].(($$.list)[0])",
  "[1..900000].[$, $, $]",
  "[1..900000][[0..100]]",
  "[[1..900].[$]].[1..900]",
];

export const workAttacks: readonly Attack[] = [
  ...growing.map((source) => ({ source, ends: "FUEL" })),
  ...longTexts.map((call) => ({ source: repeated(call), ends: "FUEL" })),
  ...slowCalls.map((call) => ({
    source: call.includes("$big") ? withBig(call) : repeated(call),
    ends: "FUEL",
  })),
  ...regexCalls.map((call) => ({ source: repeated(call), ends: "FUEL" })),
  ...nearMisses.map((source) => ({ source, ends: "value" })),
  ...signatures.map((source) => ({ source, ends: "T0410" })),
];
