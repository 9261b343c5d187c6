import type { CST } from "yaml";
import { readBlockScalar } from "./block-scalar.ts";
import { lineEndBefore, PlacedText } from "./placed-text.ts";

/** Reads a scalar again, as the parser did, and notes where each code unit comes from. */
export function placeScalar(source: string, token: CST.FlowScalar | CST.BlockScalar): PlacedText {
  const placed = new PlacedText();
  const end = token.offset + token.source.length;
  switch (token.type) {
    case "block-scalar":
      readBlockScalar(source, token, placed);
      break;
    case "double-quoted-scalar":
      readDoubleQuoted(source, token.offset + 1, end - 1, placed);
      break;
    case "single-quoted-scalar":
      readFlowLines(source, token.offset + 1, end - 1, placed, copySingleQuoted);
      break;
    case "scalar":
    case "alias":
      readFlowLines(source, token.offset, end, placed, (line, from, to) =>
        placed.copy(line, from, to),
      );
      break;
  }
  return placed;

  function copySingleQuoted(line: string, from: number, to: number): void {
    for (let offset = from; offset < to; offset += 1) {
      const quotes = line.startsWith("''", offset) && offset + 1 < to;
      placed.add(line[offset] ?? "", offset, offset + (quotes ? 2 : 1));
      if (quotes) offset += 1;
    }
  }
}

/** Plain and single-quoted: blanks around line breaks go, the breaks fold. */
function readFlowLines(
  source: string,
  start: number,
  end: number,
  placed: PlacedText,
  copy: (source: string, from: number, to: number) => void,
): void {
  let breaks: number[] = [];
  let lineStart = start;
  for (;;) {
    const newline = source.indexOf("\n", lineStart);
    const last = newline === -1 || newline >= end;
    const lineEnd = last ? end : lineEndBefore(source, newline);
    const from = lineStart === start ? start : skipBlanks(source, lineStart, lineEnd);
    const to = last ? end : skipBlanksBack(source, from, lineEnd);
    if (to > from || last) {
      placed.fold(breaks);
      breaks = [];
      copy(source, from, to);
    }
    if (last) return;
    breaks.push(to);
    lineStart = newline + 1;
  }
}

function skipBlanks(source: string, from: number, end: number): number {
  let offset = from;
  while (offset < end && (source[offset] === " " || source[offset] === "\t")) offset += 1;
  return offset;
}

function skipBlanksBack(source: string, start: number, from: number): number {
  let offset = from;
  while (offset > start && (source[offset - 1] === " " || source[offset - 1] === "\t")) offset -= 1;
  return offset;
}

const escapes: Readonly<Record<string, string>> = {
  "0": "\0",
  a: "\u0007",
  b: "\b",
  e: "\u001b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  N: "\u0085",
  _: "\u00a0",
  L: "\u2028",
  P: "\u2029",
};
const escapeDigits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function readDoubleQuoted(source: string, start: number, end: number, placed: PlacedText): void {
  let offset = start;
  while (offset < end) {
    const character = source[offset] ?? "";
    const afterBlanks = skipBlanks(source, offset, end);
    if (character === "\\") {
      offset = readEscape(source, offset, end, placed);
    } else if (newlineAt(source, afterBlanks, end) !== undefined) {
      const breaks: number[] = [];
      let lineEnd = offset;
      let next = afterBlanks;
      for (;;) {
        const newline = newlineAt(source, next, end);
        if (newline === undefined) break;
        breaks.push(lineEnd);
        lineEnd = newline + 1;
        next = skipBlanks(source, lineEnd, end);
      }
      placed.fold(breaks);
      offset = next;
    } else {
      const to = Math.max(offset + 1, afterBlanks);
      placed.copy(source, offset, to);
      offset = to;
    }
  }
}

/** The line feed that starts at `offset`, behind a carriage return or not. */
function newlineAt(source: string, offset: number, end: number): number | undefined {
  const newline = source[offset] === "\r" ? offset + 1 : offset;
  return newline < end && source[newline] === "\n" ? newline : undefined;
}

/** Returns the offset behind the escape at `offset`. */
function readEscape(source: string, offset: number, end: number, placed: PlacedText): number {
  const name = source[offset + 1] ?? "";
  const newline = newlineAt(source, offset + 1, end);
  // An escaped line break goes, with the blanks that indent the next line.
  if (newline !== undefined) return skipBlanks(source, newline + 1, end);
  const digits = escapeDigits[name];
  if (digits === undefined) {
    placed.add(escapes[name] ?? name, offset, offset + 2);
    return offset + 2;
  }
  const after = offset + 2 + digits;
  const codePoint = Number.parseInt(source.slice(offset + 2, after), 16);
  placed.add(codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : "", offset, after);
  return after;
}
