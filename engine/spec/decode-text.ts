import type { Finding } from "../core/finding.ts";
import { makeFinding } from "./findings.ts";
import { limits } from "./limits.ts";
import { SourceText } from "./source-text.ts";

export interface DecodedText {
  /** Undefined if the bytes hold nothing that may be parsed. */
  readonly source: SourceText | undefined;
  readonly findings: readonly Finding[];
}

const fileStart = { line: 1, column: 1, endLine: 1, endColumn: 2 } as const;

/**
 * Characters that no editor shows as what they are. Line separators belong to them: YAML tools disagree whether they
 * end a line, and a position must mean the same everywhere. So does a carriage return without a line feed.
 */
const unreadable =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)/g;
/** They change the order in which a line is shown: what is read is not what runs. */
const bidirectional = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Bytes to text: size, UTF-8, no control characters. A byte-order mark at the start is taken off. */
export function decodeText(file: string, bytes: Uint8Array): DecodedText {
  if (bytes.length > limits.bytes) {
    const message = `the spec is ${bytes.length} bytes long; at most ${limits.bytes} are read`;
    return failed(makeFinding(file, fileStart, { code: "SPEC_TOO_LARGE", message }));
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return failed(encodingFinding(file, bytes));
  }
  const source = new SourceText(text);
  const controls = marked(file, source, unreadable, (character) => ({
    code: "SPEC_CONTROL_CHARACTER",
    severity: "error",
    message: `${codePointName(character)} must not stand in a spec`,
    suggestion: "inside double quotes it can be written as an escape",
  }));
  if (controls.length > 0) return { source: undefined, findings: controls };
  const findings = marked(file, source, bidirectional, (character) => ({
    code: "SPEC_BIDI_CONTROL",
    severity: "warning",
    message: `${codePointName(character)} changes the order in which the line is shown`,
    suggestion: "remove it, or write it as an escape inside double quotes",
  }));
  return { source, findings };
}

function failed(finding: Finding): DecodedText {
  return { source: undefined, findings: [finding] };
}

function marked(
  file: string,
  source: SourceText,
  characters: RegExp,
  describe: (character: string) => {
    code: string;
    severity: "error" | "warning";
    message: string;
    suggestion: string;
  },
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const match of source.text.matchAll(characters)) {
    if (findings.length === limits.findingsOfAKind) break;
    const span = source.span({ start: match.index, end: match.index + 1 });
    findings.push(makeFinding(file, span, describe(match[0])));
  }
  return findings;
}

function codePointName(character: string): string {
  const digits = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return `the character U+${digits}`;
}

/** Names the first byte that is no UTF-8, placed as if the text before it were read. */
function encodingFinding(file: string, bytes: Uint8Array): Finding {
  const offset = firstInvalidByte(bytes);
  const before = new SourceText(new TextDecoder("utf-8").decode(bytes.subarray(0, offset)));
  const byte = (bytes[offset] ?? 0).toString(16).toUpperCase().padStart(2, "0");
  const utf16 =
    (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return makeFinding(
    file,
    before.span({ start: before.text.length, end: before.text.length + 1 }),
    {
      code: "SPEC_ENCODING",
      message: `the spec is not UTF-8: byte 0x${byte} at offset ${offset}`,
      suggestion: utf16 ? "it looks like UTF-16: save it as UTF-8" : "save the file as UTF-8",
    },
  );
}

/** By halving: a prefix is good if a decoder that expects more takes it. */
function firstInvalidByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  while (good < bad) {
    const middle = (good + bad + 1) >>> 1;
    if (decodes(bytes.subarray(0, middle))) good = middle;
    else bad = middle - 1;
  }
  // The prefix may end inside a sequence that never completes: that sequence is the fault.
  for (let back = 1; back <= 3; back += 1) {
    const byte = bytes[good - back] ?? 0;
    const sequenceLength = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 0;
    if (sequenceLength > back) return good - back;
    if (byte < 0x80 || sequenceLength > 0) break;
  }
  return good;
}

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
