import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Finding } from "../../engine/core/finding.ts";
import { formatFindings } from "../../engine/cli/findings-format.ts";
import type { FindingsFormat } from "../../engine/cli/findings-format.ts";

const text = [
  "steps:",
  "  - id: by_region",
  "    type: aggregate",
  "    alowed_lateness: 0s",
  "    # 日本 😀",
  '    note: "日本 x"',
  "    pass: hunter2",
  `    long: ${"y".repeat(300)}END`,
].join("\n");

const unknownField: Finding = {
  code: "SPEC_UNKNOWN_FIELD",
  severity: "error",
  message: 'unknown field "alowed_lateness" in step by_region',
  file: "jobs/orders.yaml",
  line: 4,
  column: 5,
  end_line: 4,
  end_column: 20,
  path: "steps[0].alowed_lateness",
  suggestion: 'did you mean "allowed_lateness"?',
  related: [{ file: "jobs/orders.yaml", line: 2, column: 5, message: "in this step" }],
};

function at(line: number, column: number, endColumn: number, more: Partial<Finding> = {}): Finding {
  const { suggestion: _suggestion, related: _related, ...rest } = unknownField;
  return { ...rest, line, column, end_line: line, end_column: endColumn, message: "m", ...more };
}

function pretty(findings: readonly Finding[], options: Partial<FindingsFormat> = {}): string {
  return formatFindings(findings, {
    format: "pretty",
    color: false,
    readText: () => text,
    ...options,
  });
}

test("a finding shows place, code, message and suggestion, its line, carets and related places", () => {
  const expected = `jobs/orders.yaml:4:5 SPEC_UNKNOWN_FIELD unknown field "alowed_lateness" in step by_region; did you mean "allowed_lateness"?
  3 |     type: aggregate
  4 |     alowed_lateness: 0s
    |     ^^^^^^^^^^^^^^^
  jobs/orders.yaml:2:5 in this step

1 error, 0 warnings in 1 file
`;
  assert.equal(pretty([unknownField]), expected);
});

test("warnings say so, and the summary counts", () => {
  const warning = at(1, 1, 6, { severity: "warning", code: "SPEC_BIDI_CONTROL" });
  const lines = pretty([warning, warning, unknownField], { files: 4 }).split("\n");
  assert.equal(lines[0], "jobs/orders.yaml:1:1 SPEC_BIDI_CONTROL warning: m");
  assert.equal(lines.at(-2), "1 error, 2 warnings in 4 files");
  assert.equal(pretty([], { files: 1 }), "0 errors, 0 warnings in 1 file\n");
});

test("the JSON document has the documented members", () => {
  const warning = at(1, 1, 6, { severity: "warning" });
  const options = { format: "json", color: true, readText: () => undefined } as const;
  const document = JSON.parse(formatFindings([unknownField, warning], options));
  assert.deepEqual(document, {
    ok: false,
    findings: [warning, unknownField],
    summary: { files: 1, errors: 1, warnings: 1 },
  });
  const good = JSON.parse(formatFindings([warning], { ...options, files: 3 }));
  assert.equal(good.ok, true);
  assert.deepEqual(good.summary, { files: 3, errors: 0, warnings: 1 });
});

test("carets stand under wide characters as a terminal shows them", () => {
  const lines = pretty([at(6, 15, 16)]).split("\n");
  assert.equal(lines[2], '  6 |     note: "日本 x"');
  assert.equal(lines[3], `    | ${" ".repeat(16)}^`);
});

test("a file that cannot be shown, and a place behind the text, need no frame", () => {
  const bare = "jobs/orders.yaml:99:1 SPEC_UNKNOWN_FIELD m\n\n1 error, 0 warnings in 1 file\n";
  assert.equal(pretty([at(99, 1, 2)]), bare);
  assert.equal(pretty([at(99, 1, 2)], { readText: () => undefined }), bare);
  assert.match(pretty([at(1, 50, 51)]), /\n {4}\| {7}\^\n/);
});

test("a long line is shown around the fault", () => {
  const shown = pretty([at(8, 311, 314)]).split("\n");
  assert.ok((shown[2] ?? "").length < 140);
  const [line = "", carets = ""] = shown.slice(2);
  assert.equal(line.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1), "END");
});

test("S13: a secret literal is covered in the frame, and in the frames beside it", () => {
  const secret = at(7, 11, 18, { code: "SPEC_SECRET_LITERAL" });
  const shown = pretty([at(7, 5, 9), at(8, 5, 9), secret]);
  assert.ok(!shown.includes("hunter2"));
  assert.equal(shown.split("pass: *******").length, 4);
});

test("P3: without colour there is no escape code, with it only ours", () => {
  const hostile = at(1, 1, 3, { message: "a\u001b[31mb\u202e\nc", file: "x\u0007.yaml" });
  const options = { readText: () => "a\u001b[2Jb\u202ec" };
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(pretty([hostile], options), /[\u0000-\u0009\u000b-\u001f\u202e]/);
  const colored = pretty([hostile], { ...options, color: true });
  // oxlint-disable-next-line no-control-regex
  assert.deepEqual([...new Set(colored.match(/\u001b\[[0-9]*[A-Za-z]/g))].sort(), [
    "\u001b[0m",
    "\u001b[1m",
    "\u001b[2m",
    "\u001b[31m",
  ]);
});

test("any range over any text is shown without an exception", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.nat(6),
      fc.nat(300),
      fc.nat(6),
      fc.nat(300),
      (shown, line, column, lines, columns) => {
        const finding = at(line + 1, column + 1, columns + 1, { end_line: line + 1 + lines });
        assert.match(pretty([finding], { readText: () => shown }), /1 error, 0 warnings/);
      },
    ),
    { numRuns: 300, seed: 9 },
  );
});
