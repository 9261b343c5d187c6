import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { decodeText } from "../../engine/spec/decode-text.ts";
import { codes } from "./sample-schema.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test("J4: bytes that are no UTF-8 are an error at the first bad byte", () => {
  const rows: readonly [string, readonly number[], string][] = [
    ["Latin-1", [...utf8("a: 1\nb: caf"), 0xe9, 0x0a], "2:7"],
    ["a lone continuation byte", [...utf8("a: "), 0x80], "1:4"],
    ["an overlong slash", [...utf8("é\n"), 0xc0, 0xaf], "2:1"],
    ["a surrogate", [...utf8("ab"), 0xed, 0xa0, 0x80], "1:3"],
    ["a sequence cut off at the end", [...utf8("ab"), 0xe2, 0x82], "1:3"],
    ["a sequence that breaks off", [...utf8("😀"), 0xf0, 0x9f, 0x41], "1:2"],
    ["UTF-16 with its mark", [0xff, 0xfe, 0x61, 0x00], "1:1"],
  ];
  for (const [name, bytes, place] of rows) {
    const { source, findings } = decodeText("job.yaml", Uint8Array.from(bytes));
    assert.equal(source, undefined, name);
    assert.deepEqual(codes(findings), [`${place} SPEC_ENCODING`], name);
  }
  const [finding] = decodeText("job.yaml", Uint8Array.from([0xff, 0xfe, 0x61, 0x00])).findings;
  assert.match(finding?.suggestion ?? "", /UTF-16/);
});

test("J4: control characters are errors, each with its place", () => {
  const text = "a: \u0000b\nc: 😀\u001b[31m\nd: x\u2028y\re: \ufeff\n";
  const { source, findings } = decodeText("job.yaml", utf8(text));
  assert.equal(source, undefined);
  assert.deepEqual(codes(findings), [
    "1:4 SPEC_CONTROL_CHARACTER",
    "2:5 SPEC_CONTROL_CHARACTER",
    "3:5 SPEC_CONTROL_CHARACTER",
    "3:7 SPEC_CONTROL_CHARACTER",
    "3:11 SPEC_CONTROL_CHARACTER",
  ]);
  assert.match(findings[0]?.message ?? "", /U\+0000/);
});

test("J4: characters that turn the writing direction are warnings", () => {
  const { source, findings } = decodeText("job.yaml", utf8("a: \u202eb\n# \u2066\n"));
  assert.ok(source);
  assert.deepEqual(codes(findings), ["1:4 SPEC_BIDI_CONTROL", "2:3 SPEC_BIDI_CONTROL"]);
  assert.deepEqual(new Set(findings.map((finding) => finding.severity)), new Set(["warning"]));
});

test("a byte-order mark at the start is taken off and no column of its own", () => {
  const { source, findings } = decodeText("job.yaml", utf8("\ufeffa: 1\r\nb: 2\r\n"));
  assert.equal(source?.text, "a: 1\r\nb: 2\r\n");
  assert.deepEqual(findings, []);
});

test("J5: more than a megabyte is refused before anything is decoded", () => {
  const { source, findings } = decodeText("job.yaml", new Uint8Array(1_000_001).fill(0xff));
  assert.equal(source, undefined);
  assert.deepEqual(codes(findings), ["1:1 SPEC_TOO_LARGE"]);
  assert.ok(decodeText("job.yaml", new Uint8Array(1_000_000).fill(0x20)).source);
});

test("a place counts lines and code points as a walk over the text does", () => {
  const piece = fc.constantFrom("a", "é", "😀", "\n", "\r\n", "\t", "ab");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.nat(), (pieces, seed) => {
      const text = pieces.join("");
      const { source } = decodeText("job.yaml", utf8(text));
      assert.ok(source);
      const before = pieces.slice(0, seed % (pieces.length + 1)).join("");
      const lines = before.split("\n");
      const span = source.span({ start: before.length, end: before.length });
      assert.equal(span.line, lines.length);
      assert.equal(span.column, Array.from(lines.at(-1) ?? "").length + 1);
    }),
    { numRuns: 500, seed: 3 },
  );
});
