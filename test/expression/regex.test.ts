import assert from "node:assert/strict";
import { test } from "node:test";
import { linearPattern } from "../../engine/expression/regex-syntax.ts";
import { errorOf, evaluate } from "./context.ts";
import { pick, randomFrom } from "./random-documents.ts";
import type { Random } from "./random-documents.ts";

const texts = [
  "",
  "a",
  "aab",
  "Hello World",
  "a-b_c",
  "12.50 EUR",
  "x\ny\r\nz",
  "tab\there\vfeed\f",
  "line\u2028sep\u2029par",
  "nbsp\u00a0thin\u2009bom\ufeff",
  "é E\u0301",
  "[x] {y} (z)",
  "a\\b/c",
  "CUST-US-001",
  "2025-01-13T15:00:00Z",
  "AaAa",
  "]^-",
  "\b\0\u0001",
];

const patterns: readonly RegExp[] = [
  /./,
  /a.b/,
  /^.*$/,
  /\s/,
  /\s+\S/,
  /[\s\d]+/,
  /[^\s]+/,
  /[\S]/,
  /[^\S]/,
  /\d+\.\d{2}/,
  /\w+$/,
  /[\w-]+/,
  /\bW/,
  /o\b/,
  /\B./,
  /^a|b$/,
  /(a)(a)?(x)?/,
  /(?:a|b)+?b/,
  /a{2}/,
  /a{1,}b/,
  /x{/,
  /[[\]]/,
  /[{}()]/,
  /[\]^-]/,
  /\//,
  /\\/,
  /[^]/,
  new RegExp("[]"),
  /\u00e9|\x41/,
  /\cA|\0/,
  /[\b]/,
  /hello/i,
  /[a-c]+/i,
  /(?<year>\d{4})-(?<month>\d\d)/,
  /^y/m,
  /x$/m,
  /\p/,
  new RegExp("\\-"),
  /([A-Z]+)-([A-Z]+)-(\d+)/,
  /[\t\v\f]/,
  /é/,
  /()/,
  /a*?/,
];

test("patterns mean on the linear engine what they mean to JavaScript", () => {
  for (const pattern of patterns) {
    const linear = linearPattern(pattern);
    for (const text of texts) {
      const native = pattern.exec(text);
      const matcher = linear.matcher(text);
      const found = matcher.find();
      const place = `${pattern} on ${JSON.stringify(text)}`;
      assert.equal(found, native !== null, place);
      assert.equal(linear.test(text), native !== null, place);
      if (native === null) continue;
      assert.deepEqual([matcher.start(), matcher.group()], [native.index, native[0]], place);
      const groups = Array.from({ length: matcher.groupCount() }, (_, index) =>
        matcher.group(index + 1),
      );
      assert.deepEqual(
        groups,
        [...native].slice(1).map((group) => group ?? null),
        place,
      );
    }
  }
});

/** Single characters, classes and escapes, also such as only one of the two engines gives a meaning of its own. */
const atoms: readonly string[] = [
  ..."abc09-#@{}]é&/ ",
  ..."\\d \\D \\w \\W \\s \\S . \\. \\- \\/ \\t \\v \\f \\n \\0 \\cA \\u0061 \\x62 \\$".split(" "),
  ..."\\A \\C \\E \\G \\N \\Q \\R \\X \\Z \\a \\e \\h \\k \\p \\pL \\p{L} \\P{L} \\y \\z \\8 \\_ \\< \\@".split(
    " ",
  ),
  ..."[ab] [^a] [a-c0-9] [\\s\\d] [^\\w] [\\b] [] [^] [a\\]] [é-ü] [\\w-] [\\w-a] [a-\\d] [.] [*+?] [[:alpha:]] [a&&b]".split(
    " ",
  ),
];
const assertions = ["^", "$", "\\b", "\\B"];
const quantifiers = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", "*?", "+?", "??", "{"];

/** Groups are not repeated: of empty turns, and of what groups kept, the engines think differently. */
function randomPattern(random: Random, depth: number): string {
  const parts = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
    const choice = random();
    if (depth > 0 && choice < 0.2) return `(${randomPattern(random, depth - 1)})`;
    if (depth > 0 && choice < 0.3) {
      return `(?:${randomPattern(random, depth - 1)}|${randomPattern(random, depth - 1)})`;
    }
    if (choice < 0.4) return pick(random, assertions);
    return pick(random, atoms) + pick(random, quantifiers);
  });
  return parts.join("");
}

test("random patterns find on the linear engine what they find natively", () => {
  const random = randomFrom(1);
  const counts = { found: 0, none: 0 };
  for (let round = 0; round < 4000; round++) {
    let pattern: RegExp;
    try {
      pattern = new RegExp(randomPattern(random, 2), pick(random, ["", "i", "m"]));
    } catch {
      continue;
    }
    const linear = linearPattern(pattern);
    for (let each = 0; each < 3; each++) {
      const length = Math.floor(random() * 9);
      const text = Array.from({ length }, () =>
        pick(random, [..."abc019 .-_\n\tAQEzkLé/\\]{[#@&"]),
      );
      const native = pattern.exec(text.join(""));
      const matcher = linear.matcher(text.join(""));
      const found = matcher.find() ? [matcher.start(), matcher.group()] : undefined;
      const wanted = native === null ? undefined : [native.index, native[0]];
      assert.deepEqual(found, wanted, `${pattern} on ${JSON.stringify(text.join(""))}`);
      counts[native === null ? "none" : "found"]++;
    }
  }
  assert.ok(counts.found > 2000 && counts.none > 2000, JSON.stringify(counts));
});

test("functions find, cut and replace with a match", () => {
  const rows: readonly (readonly [source: string, expected: unknown])[] = [
    [
      "$match('a1b22', /\\d+/)",
      [
        { match: "1", index: 1, groups: [] },
        { match: "22", index: 3, groups: [] },
      ],
    ],
    ["$match('b', /(a)|(b)/).groups", [null, "b"]],
    ["$match('abc', /x/)", undefined],
    ["$match('aaa', /a/, 2).index", [0, 1]],
    ["/b/('abc')", { match: "b", start: 1, end: 2, groups: [] }],
    ["/a/('aXa').next().start", 2],
    ["$replace('x', /x/, '$$$0$1')", "$x"],
    ["$replace('abcdefghijklm', /(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)(l)/, '$12$1$13')", "laa3m"],
    ["$split('a1b22c', /\\d+/, 2)", ["a", "b"]],
    ["$contains('HAT', /hat/i)", true],
    ["$filter(['ab', 'c'], /b/)", "ab"],
    ["'xay' ~> /a/ ~> $exists", true],
  ];
  for (const [source, expected] of rows) {
    const value = JSON.stringify(
      evaluate(
        source.includes("('abc')") ? `$sift(${source}, function($v, $k){ $k != 'next' })` : source,
      ),
    );
    assert.equal(value, JSON.stringify(expected), source);
  }
  assert.equal(errorOf(() => evaluate("$match('abc', /x*/)")).reason, "D1004");
  assert.equal(errorOf(() => evaluate("$replace('a', /a/, function(){ 1 })")).reason, "D3012");
  assert.equal(errorOf(() => evaluate("5 ~> |$|{}| ~> /a/")).reason, "T0410");
});
