import type { Finding } from "../core/finding.ts";
import { sortFindings } from "../spec/findings.ts";

export interface FindingsFormat {
  readonly format: "pretty" | "json";
  /** ANSI colours; without them the text holds no escape code at all. */
  readonly color: boolean;
  /** Text of a file that findings name, for the code frame; undefined if it cannot be shown. */
  readText(file: string): string | undefined;
  /** Files that were checked, if more than those with findings. */
  readonly files?: number;
}

const colors = { error: 31, warning: 33, dim: 2, bold: 1 } as const;
type Paint = (text: string, color: keyof typeof colors) => string;

/**
 * Findings for a person (`pretty`) or as one JSON document (spec.md), by file, line and column; ends with a line break.
 */
export function formatFindings(unsorted: readonly Finding[], options: FindingsFormat): string {
  const findings = sortFindings(unsorted);
  const errors = findings.filter((finding) => finding.severity === "error").length;
  const files = options.files ?? new Set(findings.map((finding) => finding.file)).size;
  const summary = { files, errors, warnings: findings.length - errors };
  if (options.format === "json") {
    const document = { ok: errors === 0, findings, summary };
    return `${JSON.stringify(document, undefined, 2)}\n`;
  }
  const paint: Paint = (text, color) =>
    options.color ? `\u001b[${colors[color]}m${text}\u001b[0m` : text;
  const lines = new SourceLines(options, findings);
  const blocks = findings.map((finding) => formatFinding(finding, lines, paint));
  const counts = `${count(summary.errors, "error")}, ${count(summary.warnings, "warning")} in ${count(files, "file")}`;
  const color = errors > 0 ? "error" : summary.warnings > 0 ? "warning" : "bold";
  return [...blocks, paint(counts, color), ""].join("\n");
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

/** Lines of the files, read and split once. */
class SourceLines {
  readonly #options: FindingsFormat;
  /** What must not be spread into logs that the spec itself never reaches. */
  readonly #secrets: readonly Finding[];
  readonly #lines = new Map<string, readonly string[] | undefined>();

  #last: { file: string; line: number; points: readonly string[] } | undefined;

  constructor(options: FindingsFormat, findings: readonly Finding[]) {
    this.#options = options;
    this.#secrets = findings.filter((finding) => finding.code === "SPEC_SECRET_LITERAL");
  }

  /** The characters of line `line` from 1, without its break; secrets are covered. */
  line(file: string, line: number): readonly string[] | undefined {
    // Many findings may stand on one long line.
    if (this.#last?.file === file && this.#last.line === line) return this.#last.points;
    const text = this.#text(file, line);
    if (text === undefined) return undefined;
    const points = Array.from(text);
    for (const secret of this.#secrets) {
      if (secret.file !== file || line < secret.line || line > secret.end_line) continue;
      const start = line === secret.line ? secret.column - 1 : 0;
      const end = line === secret.end_line ? secret.end_column - 1 : points.length;
      points.fill("*", start, end);
    }
    this.#last = { file, line, points };
    return points;
  }

  #text(file: string, line: number): string | undefined {
    if (!this.#lines.has(file)) {
      const text = this.#options.readText(file);
      // The mark that some editors write first is no part of the first column.
      this.#lines.set(file, text?.replace(/^\ufeff/, "").split(/\r?\n/));
    }
    return this.#lines.get(file)?.[line - 1];
  }
}

function formatFinding(finding: Finding, lines: SourceLines, paint: Paint): string {
  const place = `${visible(finding.file)}:${finding.line}:${finding.column}`;
  const severity = finding.severity === "warning" ? `${paint("warning:", "warning")} ` : "";
  const suggestion = finding.suggestion === undefined ? "" : `; ${visible(finding.suggestion)}`;
  const code = paint(finding.code, finding.severity);
  const text = `${paint(place, "bold")} ${code} ${severity}${visible(finding.message)}${suggestion}`;
  const related = (finding.related ?? []).map(
    (other) =>
      `  ${visible(other.file)}:${other.line}:${other.column} ${paint(visible(other.message), "dim")}`,
  );
  return [text, ...formatFrame(finding, lines, paint), ...related, ""].join("\n");
}

const contextLines = 1;
const columnsMax = 120;

/** The line with what stands before it, and carets under the range. */
function formatFrame(finding: Finding, lines: SourceLines, paint: Paint): readonly string[] {
  const points = lines.line(finding.file, finding.line);
  if (points === undefined) return [];
  const numberWidth = String(finding.line).length;
  const frame: string[] = [];
  const start = Math.min(finding.column - 1, points.length);
  const end = finding.end_line > finding.line ? points.length : finding.end_column - 1;
  const length = Math.max(1, Math.min(end, Math.max(points.length, start + 1)) - start);
  // Long lines are shown around the fault.
  const from = start > columnsMax - 20 ? start - 40 : 0;
  const shownPoints = clip(points, from);
  for (let line = finding.line - contextLines; line < finding.line; line += 1) {
    const before = line < 1 ? undefined : lines.line(finding.file, line);
    if (before !== undefined) frame.push(framed(line, clip(before).join("")));
  }
  frame.push(framed(finding.line, shownPoints.join("")));
  const indent = width(shownPoints.slice(0, start - from).join(""));
  const shownLength = Math.max(
    1,
    width(shownPoints.slice(start - from, start - from + length).join("")),
  );
  const carets = `${" ".repeat(indent)}${paint("^".repeat(shownLength), finding.severity)}`;
  frame.push(`  ${" ".repeat(numberWidth)} ${paint("|", "dim")} ${carets}`);
  return frame;

  function framed(line: number, content: string): string {
    const number = paint(`${String(line).padStart(numberWidth)} |`, "dim");
    return `  ${number} ${content}`.trimEnd();
  }
}

function clip(points: readonly string[], from = 0): readonly string[] {
  return points.slice(from, from + columnsMax).map((point) => visible(point));
}

/** Text from a spec must not steer the terminal: control and direction characters are shown, not obeyed. */
function visible(text: string): string {
  return text.replace(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) =>
      character === "\t" ? " " : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Terminal columns: marks that combine take none, ideographs and emoji two. */
function width(text: string): number {
  let columns = 0;
  for (const point of text) columns += /\p{Mn}/u.test(point) ? 0 : wide.test(point) ? 2 : 1;
  return columns;
}
