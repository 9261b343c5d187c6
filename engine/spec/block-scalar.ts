import type { CST } from "yaml";
import { lineEndBefore } from "./placed-text.ts";
import type { PlacedText } from "./placed-text.ts";

interface BlockLine {
  /** Offset of the first character that is no space. */
  readonly contentStart: number;
  /** Offset behind the last character, without the line break. */
  readonly contentEnd: number;
  readonly start: number;
}

/** Literal (`|`) and folded (`>`) blocks, with indentation and chomping. */
export function readBlockScalar(source: string, token: CST.BlockScalar, placed: PlacedText): void {
  const header = sourceOf(token.props.find((part) => part.type === "block-scalar-header"));
  const headerLength = token.props.reduce((sum, part) => sum + sourceOf(part).length, 0);
  const start = token.offset + headerLength;
  const lines = splitLines(source, start, start + token.source.length);
  const declared = /[1-9]/.exec(header)?.[0];
  const indent =
    declared === undefined ? indentOf(lines) : Math.max(0, token.indent) + Number(declared);
  const contentEnd = lines.findLastIndex((line) => holdsText(line, indent)) + 1;
  const content = lines.slice(0, contentEnd);
  const rest = lines.slice(contentEnd);
  if (header.startsWith(">")) addFolded(source, content, indent, placed);
  else addLiteral(source, content, indent, placed);
  if (header.includes("+")) {
    // The break that ends the content, and one for each empty line behind it.
    const breaks = content.length > 0 ? [content.at(-1), ...rest.slice(0, -1)] : rest.slice(0, -1);
    for (const line of breaks) addBreak(line, placed);
    if (breaks.length === 0 && rest.length > 0) addBreak(rest[0], placed);
  } else if (!header.includes("-") && content.length > 0) {
    addBreak(content.at(-1), placed);
  }
}

function sourceOf(token: CST.Token | undefined): string {
  return token !== undefined && "source" in token ? token.source : "";
}

/** What follows the last line break counts as a line, empty or not. */
function splitLines(source: string, start: number, end: number): readonly BlockLine[] {
  const lines: BlockLine[] = [];
  let lineStart = start;
  while (lineStart <= end) {
    const found = source.indexOf("\n", lineStart);
    const last = found === -1 || found >= end;
    const newline = last ? end : found;
    const contentEnd = last ? end : lineEndBefore(source, newline);
    let contentStart = lineStart;
    while (contentStart < contentEnd && source[contentStart] === " ") contentStart += 1;
    lines.push({ start: lineStart, contentStart, contentEnd });
    lineStart = newline + 1;
  }
  return lines;
}

/** The first line that holds something decides. */
function indentOf(lines: readonly BlockLine[]): number {
  const first = lines.find((line) => line.contentEnd > line.contentStart);
  return first === undefined ? Number.POSITIVE_INFINITY : first.contentStart - first.start;
}

function holdsText(line: BlockLine, indent: number): boolean {
  return line.contentEnd > line.contentStart || line.contentStart - line.start > indent;
}

function addBreak(line: BlockLine | undefined, placed: PlacedText): void {
  const offset = line?.contentEnd ?? 0;
  placed.add("\n", offset, offset);
}

function addLine(source: string, line: BlockLine, indent: number, placed: PlacedText): void {
  const from = Math.min(line.start + indent, line.contentStart);
  placed.copy(source, from, line.contentEnd);
}

function addLiteral(
  source: string,
  lines: readonly BlockLine[],
  indent: number,
  placed: PlacedText,
): void {
  for (const [index, line] of lines.entries()) {
    addLine(source, line, indent, placed);
    if (index < lines.length - 1) addBreak(line, placed);
  }
}

/** Line breaks between lines of text fold; those around lines that are indented further stay. */
function addFolded(
  source: string,
  lines: readonly BlockLine[],
  indent: number,
  placed: PlacedText,
): void {
  let breaks: number[] = [];
  let before: "nothing" | "text" | "indented" = "nothing";
  for (const line of lines) {
    if (!holdsText(line, indent)) {
      breaks.push(line.contentEnd);
      continue;
    }
    const further = line.contentStart - line.start > indent || source[line.contentStart] === "\t";
    if (before === "text" && !further) placed.fold(breaks);
    else for (const offset of breaks) placed.add("\n", offset, offset);
    addLine(source, line, indent, placed);
    before = further ? "indented" : "text";
    breaks = [line.contentEnd];
  }
}
