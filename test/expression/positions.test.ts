import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryInput } from "../../engine/connectors/memory/memory-source.ts";
import { JobBench } from "../jobs/compile.ts";
import { compile } from "../plan/fixture.ts";

/**
 * Where faults of expressions are reported in the job file: an @ stands before the character to which the finding must
 * point, and is taken out before the job is compiled. `where:` is indented by four blanks.
 */
const rows: readonly (readonly [name: string, scalar: string, code: string])[] = [
  ["plain", "a > @$upercase(b)", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["plain, at its start", "@$upercase(b) = 1", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["plain, behind blanks", "     a = @$nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["plain, before a comment", "a = @$nowhere   # $nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["plain, on the second line", "a > 1\n      and @$nope(b)", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["plain, on the fourth line", "a\n\n\n      and @$nope(b)", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["plain, behind an emoji", "a = '😀' and @$nope(b)", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["plain, with CRLF", "a\r\n      and @$nope(b)", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["plain, missing operand", "a >@", "EXPRESSION_SYNTAX"],
  ["plain, operator without sense", "a > * @b )", "EXPRESSION_SYNTAX"],
  ["plain, two operands", "a @b", "EXPRESSION_SYNTAX"],
  ["plain, step that is a number", "a.@5 = 1", "EXPRESSION_SYNTAX"],
  ["plain, argument count", "a = @$uppercase(b, c)", "EXPRESSION_ARGUMENTS"],
  ["plain, argument count of a chain", "(a ~> @$not(b)) = 1", "EXPRESSION_ARGUMENTS"],
  ["plain, wrong operand", "a = 1 + @'x'", "EXPRESSION_TYPE"],
  ["plain, wrong operand behind a call", "a = 1 + @(b & 'x')", "EXPRESSION_TYPE"],
  ["plain, forgotten dollar", "a = @sum(b)", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["plain, decimal division", "$decimal(a) @/ 2 > 1", "EXPRESSION_DECIMAL_DIVISION"],
  ["plain, mean of decimals", "1 < @$average($decimal(a))", "EXPRESSION_DECIMAL_DIVISION"],
  ["plain, out of scope", "a = @$window.start", "EXPRESSION_OUT_OF_SCOPE"],
  ["plain, look-around", "$contains(a, @/(?=b)/)", "EXPRESSION_UNSUPPORTED"],
  ["plain, back-reference", "a ~> @/(b)\\1/", "EXPRESSION_UNSUPPORTED"],
  ["plain, picture that is computed", "1 < $toMillis(a, @b)", "EXPRESSION_UNSUPPORTED"],
  ["plain, picture without its end", "1 < $toMillis(a, @'[Y')", "EXPRESSION_INVALID"],
  ["plain, run of text", "@$eval(a) = 1", "EXPRESSION_UNSUPPORTED"],
  ["plain, table", "$has_row(@'rates', a)", "EXPRESSION_UNKNOWN_TABLE"],
  ["plain, parameter", "$param(@'topic') = a", "EXPRESSION_UNKNOWN_PARAMETER"],
  [
    "plain, inside a lambda",
    "$exists($map(a, function($v){ @$w }))",
    "EXPRESSION_UNKNOWN_VARIABLE",
  ],
  ["plain, inside a predicate", "$exists(a[b = @$nope(c)])", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["plain, inside an order", "$exists(a^(>@$nope(c)))", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["plain, inside a transform", "$exists(a ~> |b|{'c':@$nope(d)}|)", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["single quotes", "'a = @$nowhere'", "EXPRESSION_UNKNOWN_VARIABLE"],
  [
    "single quotes, behind doubled ones",
    "'a = ''x'' and @$nope(b)'",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  ["single quotes, at doubled ones", "'$has_row(@''rates'', a)'", "EXPRESSION_UNKNOWN_TABLE"],
  ["single quotes, second line", "'a =\n      @$nowhere'", "EXPRESSION_UNKNOWN_VARIABLE"],
  [
    "single quotes, behind an empty line",
    "'a = ''x''\n\n      and @$nope(b)'",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  ["double quotes", '"a = @$nowhere"', "EXPRESSION_UNKNOWN_VARIABLE"],
  ["double quotes, behind escapes", '"a = \\"x\\" and @$nope(b)"', "EXPRESSION_UNKNOWN_FUNCTION"],
  ["double quotes, behind \\n and \\t", '"a =\\n\\t@$nowhere"', "EXPRESSION_UNKNOWN_VARIABLE"],
  ["double quotes, behind \\u", "\"a = '\\u00e9' and @$nope(b)\"", "EXPRESSION_UNKNOWN_FUNCTION"],
  [
    "double quotes, behind \\U",
    "\"a = '\\U0001F600' and @$nope(b)\"",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  ["double quotes, the token escaped", '"a = @\\x24nowhere"', "EXPRESSION_UNKNOWN_VARIABLE"],
  ["double quotes, broken line", '"a = \\\n      @$nowhere"', "EXPRESSION_UNKNOWN_VARIABLE"],
  ["double quotes, folded line", '"a =\n      @$nowhere"', "EXPRESSION_UNKNOWN_VARIABLE"],
  ["literal", "|\n      a = @$nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  [
    "literal, third line",
    "|\n      (\n        $x := a;\n        @$y = 1\n      )",
    "EXPRESSION_UNKNOWN_VARIABLE",
  ],
  [
    "literal, behind a comment",
    "|-\n      /* $y */ a\n        = @$y",
    "EXPRESSION_UNKNOWN_VARIABLE",
  ],
  ["literal, with an indicator", "|2-\n        a = @$y", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["literal, unclosed", "|-\n      (a;\n       b@", "EXPRESSION_SYNTAX"],
  ["folded", ">\n      a = @$nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["folded, second line", ">-\n      a = 'x'\n      and @$nope(b)", "EXPRESSION_UNKNOWN_FUNCTION"],
  [
    "folded, behind an empty line",
    ">\n      a = 'x'\n\n      and @$nope(b)",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  [
    "folded, more indented",
    ">\n      a = 'x'\n        and @$nope(b)",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  ["plain, behind a tag", "!!str a = @$nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["plain, behind an anchor", "&rule a = @$nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["plain, behind accents and pairs", "a = 'é😀é😀' and @$nope(b)", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["plain, from the next line on", "\n      a = @$nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["single quotes, behind an emoji", "'a = ''😀'' and @$nope(b)'", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["single quotes, with CRLF", "'a =\r\n      @$nowhere'", "EXPRESSION_UNKNOWN_VARIABLE"],
  [
    "double quotes, behind an emoji and escapes",
    "\"a = '😀\\u00e9\\t' and @$nope(b)\"",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  [
    "double quotes, behind \\x, \\/ and \\\\",
    "\"a = '\\x41\\/\\\\\\\\' and @$nope(b)\"",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  [
    "double quotes, behind an empty line",
    "\"a = 'x'\n\n      and @$nope(b)\"",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  ["double quotes, with CRLF", '"a =\r\n      @$nowhere"', "EXPRESSION_UNKNOWN_VARIABLE"],
  ["literal, kept", "|+\n      a = @$nowhere\n\n", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["literal, behind empty lines", "|\n\n\n      a = @$nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  [
    "literal, behind a comment of YAML",
    "| # $y\n      a = @$nowhere",
    "EXPRESSION_UNKNOWN_VARIABLE",
  ],
  [
    "literal, with CRLF",
    "|\r\n      a = 'x'\r\n      and @$nope(b)\r\n",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  [
    "literal, behind an emoji on the same line",
    "|\n      b = 1 and\n      a = '😀' and @$nope(b)",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  ["folded, with an indicator", ">2-\n        a = @$nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["folded, kept", ">+\n      a =\n      @$nowhere\n\n", "EXPRESSION_UNKNOWN_VARIABLE"],
  [
    "folded, behind an emoji",
    ">\n      a = '😀'\n      and '😀' = @$nope(b)",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
  ["folded, unclosed", ">-\n      (a;\n       b@", "EXPRESSION_SYNTAX"],
  [
    "folded, with CRLF",
    ">\r\n      a = 'x'\r\n      and @$nope(b)\r\n",
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
];

/** The mark is U+0001: an @ belongs to the language. */
const mark = "\u0001";

function jobWith(scalar: string): string {
  return jobOfSteps(["  - id: last", "    type: filter", `    where: ${scalar}`]);
}

function flowJobWith(scalar: string): string {
  return jobOfSteps([`  - { id: last, type: filter, where: ${scalar} }`]);
}

function jobOfSteps(steps: readonly string[]): string {
  return [
    "version: 1",
    "name: positions",
    "sources:",
    "  in: { type: file, path: in.jsonl }",
    "steps:",
    ...steps,
    "sinks:",
    "  out: { type: file, path: out.jsonl, input: last }",
    "  dead: { type: file, path: dead.jsonl, input: errors }",
    "",
  ].join("\n");
}

/** The same within `{ ... }`: the step as a flow mapping, on one line and on several. */
const flowRows: typeof rows = [
  ["flow, plain", "a = @$nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["flow, plain, second line", "a\n      = @$nowhere", "EXPRESSION_UNKNOWN_VARIABLE"],
  ["flow, single quotes", "'[a, ''😀''][@$nope(b)] = 1'", "EXPRESSION_UNKNOWN_FUNCTION"],
  ["flow, double quotes", "\"{'k': '\\u00e9'}.k = @$nowhere\"", "EXPRESSION_UNKNOWN_VARIABLE"],
  [
    "flow, double quotes, folded",
    '"$exists([a,\n      @$nope(b)])"',
    "EXPRESSION_UNKNOWN_FUNCTION",
  ],
];

const allRows = [
  ...rows.map(([name, scalar, code]) => [name, scalar, code, jobWith] as const),
  ...flowRows.map(([name, scalar, code]) => [name, scalar, code, flowJobWith] as const),
];

for (const [name, scalar, code, jobOf] of allRows) {
  test(`${name}: the place is exact`, () => {
    const marked = jobOf(scalar.replace("@", mark));
    const before = marked.slice(0, marked.indexOf(mark)).split("\n");
    const line = before.length;
    const column = Array.from(before.at(-1) ?? "").length + 1;
    const { findings } = compile(marked.replace(mark, ""));
    const found = findings.filter((finding) => finding.code.startsWith("EXPRESSION"));
    assert.deepEqual(
      found.map((finding) => [finding.code, finding.line, finding.column]),
      [[code, line, column]],
      found.map((finding) => finding.message).join("; "),
    );
  });
}

/** The same for faults of one record, in `at` of its error: scalar, reason, and what the message shows of the value. */
const recordRows: readonly (readonly [scalar: string, reason: string, shown: RegExp])[] = [
  ["1 + (2 @* text) > 0", "T2002", /not "abc"/],
  ["text @- 1 > 0   # text - 1", "T2001", /"abc"/],
  ["number >\n      (1 +\n      @$number(text))", "D3030", /"abc"/],
  ["text = '😀' or @$number(text) > 0", "D3030", /"abc"/],
  ["'text = ''x'' or @$number(text) > 0'", "D3030", /"abc"/],
  ["'text = ''x''\n\n      or 1 @< text'", "T2009", /"abc"/],
  ['"text = \\"x\\" or 1 @< text"', "T2009", /"abc"/],
  ["\"text = '\\u00e9\\U0001F600' or\\n\\t@-text > 0\"", "D1002", /"abc"/],
  ["\"text = 'x' or \\\n      @\\x24number(text) > 0\"", "D3030", /"abc"/],
  [
    "|\n      (\n        $x := list;\n        $sum($map($x, @$number)) > 0\n      )",
    "D3030",
    /"y"/,
  ],
  ["|-\n      /* é */ $exists(list.\n        ($ @* 2))", "T2001", /"y"/],
  ["|2-\n        ($f := function($v){ @$uppercase($v) }; $f(number) = 'X')", "T0410", /\b5\b/],
  [">-\n      text = 'x'\n      or @$round(text, 1) > 0", "T0410", /"abc"/],
  [">\n      text = 'x'\n\n        or @$error('no ' & text)\n", "D3137", /no abc/],
  [">\r\n      text = 'x'\r\n      or @$assert(number = 6, 'five')\r\n", "D3141", /five/],
  ["!!str &r text = '😀é' or @$number(text) > 0", "D3030", /"abc"/],
  [">2-\n        text = '😀' or\n        @$number(text) > 0", "D3030", /"abc"/],
  ["|+\n\n      text = '😀' or @$number(text) > 0\n", "D3030", /"abc"/],
  ["'text = ''😀''\r\n      or @$number(text) > 0'", "D3030", /"abc"/],
  ["@text", "NOT_BOOLEAN", /"abc"/],
  ["|\n\n      @$exists([1..(number * 1000000)])", "D2015", /1000000 members/],
  ["$exists(list[@$number($) > 1])", "D3030", /"y"/],
  ["$exists(list^(>$number(@-$)))", "D1002", /"y"/],
  ["number in [1, @$number(list[1])]", "D3030", /"y"/],
  ["\"$exists({'a': 1, 'b': @$millis_between(text, text)})\"", "INSTANT_INVALID", /"abc"/],
];

test("faults of one record tell the place of their cause in the file, and the value", async (context) => {
  const marked = [
    "version: 1",
    "name: positions",
    "sources:",
    "  in: { type: memory, name: in }",
    "steps:",
    ...recordRows.flatMap(([scalar], index) => [
      `  - id: step${index}`,
      "    type: filter",
      "    input: in",
      `    where: ${scalar.replace("@", mark)}`,
    ]),
    "sinks:",
    `  out: { type: memory, name: out, input: [${recordRows.map((_, index) => `step${index}`).join(", ")}] }`,
    "  dead: { type: memory, name: dead, input: errors }",
    "",
  ].join("\n");
  const parts = marked.split(mark);
  const places = recordRows.map((_, index) => {
    const before = parts
      .slice(0, index + 1)
      .join("")
      .split("\n");
    return `test.yaml:${before.length}:${Array.from(before.at(-1) ?? "").length + 1}`;
  });
  const input = new MemoryInput(1);
  input.append(0, { value: JSON.stringify({ text: "abc", number: 5, list: [1, "y"] }) });
  const bench = await JobBench.open(context, new Map([["in", input]]));
  await bench.run(bench.compile(parts.join("")));
  const errors = bench.records("dead");
  assert.deepEqual(
    errors.map(({ step, reason, at }) => [step, reason, at]),
    recordRows.map(([, reason], index) => [`step${index}`, reason, places[index]]),
    errors.map(({ message }) => message).join("\n"),
  );
  for (const [index, [, , shown]] of recordRows.entries()) {
    const { message, code } = errors[index] ?? {};
    assert.match(String(message), shown);
    assert.match(String(code), /^EXPRESSION_(?:ERROR|LIMIT)$/);
  }
});
