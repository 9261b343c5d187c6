import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { SpecPath, SpecPositions } from "../../engine/spec/job-spec.ts";
import { TreePositions } from "../../engine/spec/positions.ts";
import { readTree } from "../../engine/spec/read-tree.ts";
import { SourceText } from "../../engine/spec/source-text.ts";
import { parseYaml } from "../../engine/spec/yaml-document.ts";

function positionsOf(text: string): SpecPositions {
  const source = new SourceText(text);
  const yaml = parseYaml("job.yaml", source);
  assert.ok(yaml.root, JSON.stringify(yaml.findings));
  const tree = readTree("job.yaml", source, yaml.root);
  assert.ok(tree.root);
  return new TreePositions(source, tree.root);
}

function at(text: string, path: SpecPath, offset: number, length?: number): string {
  const span = positionsOf(text).inside(path, offset, length);
  return `${span.line}:${span.column}`;
}

/** The place of the X in the value of `k`; its line and column as an editor shows them. */
const rows: readonly (readonly [string, string, string])[] = [
  ["plain", "k: abX", "1:6"],
  ["plain, first character", "k: Xab", "1:4"],
  ["plain behind a longer key with blanks", "k:     aX", "1:9"],
  ["plain before a comment", "k: a X  # X", "1:6"],
  ["plain over two lines", "k: a\n  X", "2:3"],
  ["plain over three lines, deeper indented", "k: a\n    b\n      cX", "3:8"],
  ["plain with an empty line between", "k: a\n\n  X", "3:3"],
  ["plain with two empty lines between", "k: a\n\n\n  bX", "4:4"],
  ["plain with blanks before the line break", "k: a   \n  X", "2:3"],
  ["plain with CRLF", "k: a\r\n  X\r\n", "2:3"],
  ["plain behind an emoji", "k: 😀X", "1:5"],
  ["plain behind an accent of one code point", "k: éX", "1:5"],
  ["plain behind a combining accent", "k: e\u0301X", "1:6"],
  ["plain behind an emoji on the line before", "k: 😀\n  X", "2:3"],
  ["single-quoted", "k: 'abX'", "1:7"],
  ["single-quoted behind a quote", "k: 'a''X'", "1:8"],
  ["single-quoted behind three quotes", "k: '''''''X'", "1:11"],
  ["single-quoted over two lines", "k: 'a\n  X'", "2:3"],
  ["single-quoted with an empty line", "k: 'a\n\n  b''X'", "3:6"],
  ["single-quoted with CRLF", "k: 'a\r\n\r\n  X'", "3:3"],
  ["double-quoted", 'k: "abX"', "1:7"],
  ["double-quoted behind \\n", 'k: "a\\nX"', "1:8"],
  ["double-quoted behind \\x", 'k: "\\x41X"', "1:9"],
  ["double-quoted behind \\u", 'k: "\\u00e9X"', "1:11"],
  ["double-quoted behind \\U of two code units", 'k: "\\U0001F600X"', "1:15"],
  ["double-quoted behind a quote and a backslash", 'k: "\\"\\\\X"', "1:9"],
  ["double-quoted, the X itself escaped", 'k: "ab\\x58"', "1:7"],
  ["double-quoted over two lines", 'k: "a\n  X"', "2:3"],
  ["double-quoted with empty lines", 'k: "a\n\n\n   X"', "4:4"],
  ["double-quoted with an escaped line break", 'k: "a\\\n   X"', "2:4"],
  ["double-quoted with an escaped break and blank", 'k: "a\\\n   \\ X"', "2:6"],
  ["double-quoted with blanks before the break", 'k: "a  \n  X"', "2:3"],
  ["double-quoted with CRLF", 'k: "a\r\n  X"', "2:3"],
  ["double-quoted behind a surrogate pair in the text", 'k: "😀 X"', "1:7"],
  ["literal, first line", "k: |\n  X", "2:3"],
  ["literal, third line", "k: |\n  a\n  b\n  cX", "4:4"],
  ["literal with more indentation inside", "k: |\n  a\n    X", "3:5"],
  ["literal with an empty line", "k: |\n  a\n\n  X", "4:3"],
  ["literal with a leading empty line", "k: |\n\n  X", "3:3"],
  ["literal with an indentation indicator", "k: |1\n   X", "2:4"],
  ["literal with a comment in its header", "k: | # note\n  X", "2:3"],
  ["literal, strip", "k: |-\n  a\n  X\n", "3:3"],
  ["literal, keep", "k: |+\n  a\n  X\n\n", "3:3"],
  ["literal with CRLF", "k: |\r\n  a\r\n  X\r\n", "3:3"],
  ["literal with a tab in its text", "k: |\n  \tX", "2:4"],
  ["folded, one line", "k: >\n  aX", "2:4"],
  ["folded, two lines", "k: >\n  a\n  X", "3:3"],
  ["folded with an empty line", "k: >\n  a\n\n  X", "4:3"],
  ["folded with two empty lines", "k: >-\n  a\n\n\n  X", "5:3"],
  ["folded behind a more indented line", "k: >\n  a\n    b\n  X", "4:3"],
  ["folded in a more indented line", "k: >\n  a\n    X\n  b", "3:5"],
  ["folded with a leading empty line", "k: >\n\n  a\n  X", "4:3"],
  ["folded with an indicator and keep", "k: >2+\n    X\n", "2:5"],
  ["folded with CRLF", "k: >\r\n  a\r\n  X\r\n", "3:3"],
  ["a number", "k: 4711  # X", "1:4"],
];

for (const [name, text, expected] of rows) {
  test(`a place inside a scalar is exact: ${name}`, () => {
    const value = positionsOf(text).sourceText(["k"]) ?? "";
    const offset = Math.max(0, value.indexOf("X"));
    assert.equal(at(text, ["k"], offset), expected);
  });
}

test("places inside scalars are found in lists, flow maps and through aliases", () => {
  const text = "a: &x 'q''r'\nb: [one, { c: two }]\nd: *x\n";
  assert.equal(at(text, ["b", 1, "c"], 2), "2:17");
  assert.equal(at(text, ["d"], 2), "1:11", "what an alias stands for is written at its anchor");
  const span = positionsOf(text).value(["d"]);
  assert.deepEqual(span, { line: 3, column: 4, endLine: 3, endColumn: 6 });
});

test("a range inside a scalar ends behind its last character, escapes counted whole", () => {
  const positions = positionsOf('k: "a\\u00e9b cd"');
  assert.deepEqual(positions.inside(["k"], 1, 2), {
    line: 1,
    column: 6,
    endLine: 1,
    endColumn: 13,
  });
});

test("an offset behind the text is where the text ends, in front of the closing quote", () => {
  assert.equal(at("k: 'ab'", ["k"], 2), "1:7");
  assert.equal(at("k: ab", ["k"], 99), "1:6");
  assert.equal(at("k: |\n  ab\n\nz: 1\n", ["k"], 3), "2:5");
  assert.equal(at("k: |\n  ab\n\nz: 1\n", ["k"], 2), "2:5");
});

test("keys, values and missing paths have their places", () => {
  const text =
    "steps:\n  - id: a\n    ttl: 24h # note\n    empty:\n  - - x\nlast: |\n  one\n  two\n\n# end\n";
  const positions = positionsOf(text);
  const place = (span: { line: number; column: number; endLine: number; endColumn: number }) =>
    `${span.line}:${span.column}-${span.endLine}:${span.endColumn}`;
  assert.equal(place(positions.key(["steps"])), "1:1-1:6");
  assert.equal(place(positions.value(["steps", 0, "ttl"])), "3:10-3:13");
  assert.equal(place(positions.key(["steps", 0, "ttl"])), "3:5-3:8");
  assert.equal(place(positions.value(["steps", 0])), "2:5-4:11");
  assert.equal(place(positions.key(["steps", 0])), "2:5-4:11", "an item has no key");
  assert.equal(place(positions.value(["steps", 0, "empty"])), "4:5-4:10", "nothing: its key");
  assert.equal(place(positions.value(["steps", 0, "absent", "deep"])), "2:5-4:11");
  assert.equal(place(positions.value(["steps", 1, 0])), "5:7-5:8");
  assert.equal(place(positions.value(["last"])), "6:7-8:6");
  assert.equal(positions.sourceText(["steps", 0]), undefined);
  assert.equal(positions.sourceText(["absent"]), undefined);
});

test("J10: the source text of a number keeps its digits", () => {
  const positions = positionsOf("a: 0.10\nb: 99999999999999999999\nc: '0.10'\nd: 0x1F\n");
  assert.equal(positions.sourceText(["a"]), "0.10");
  assert.equal(positions.sourceText(["b"]), "99999999999999999999");
  assert.equal(positions.sourceText(["c"]), "0.10");
  assert.equal(positions.sourceText(["d"]), "0x1F");
});

const piece = fc.constantFrom(
  ...["a", "b c", " ", "  ", "\n", "\n  ", "\n   ", "\n\n", "\r\n  ", "\t", "''", "\\n", "\\x41"],
  ...["\\\n ", "\\ ", "\n    ", "é", "😀", "#", "-", ":"],
);
const head = fc.constantFrom(
  ...["k: '", 'k: "', "k: ", "k: |\n  ", "k: >\n  ", "k: |-\n   ", "k: >+\n  ", "k: |+\n  "],
  ...[
    "k: >-\n  ",
    "k: |2\n  ",
    "k: >1+\n  ",
    "- |\n ",
    "- - >\n    ",
    "k: | # c\n  ",
    "k: |\r\n  ",
  ],
);
const tail = fc.constantFrom("", "'", '"', "\n", "\n\n", "\nz: 1\n", "'\n", '"\n');

test("whatever a scalar looks like, a character of its text that stands for itself is found in the file", () => {
  fc.assert(
    fc.property(head, fc.array(piece, { maxLength: 14 }), tail, (start, pieces, end) => {
      const text = start + pieces.join("") + end;
      const source = new SourceText(text);
      const root = parseYaml("job.yaml", source).root;
      if (!root) return;
      const tree = readTree("job.yaml", source, root).root;
      if (tree === undefined) return;
      const positions = new TreePositions(source, tree);
      const path = start.startsWith("- - ") ? [0, 0] : start.startsWith("-") ? [0] : ["k"];
      const value = positions.sourceText(path) ?? "";
      const lines = text.split("\n").map((line) => Array.from(line));
      for (let offset = 0; offset < value.length; offset += 1) {
        const character = value[offset] ?? "";
        if (!/[bcé#:-]/.test(character)) continue;
        const span = positions.inside(path, offset);
        assert.equal(lines[span.line - 1]?.[span.column - 1], character, JSON.stringify(text));
      }
    }),
    { numRuns: 4000, seed: 11 },
  );
});
