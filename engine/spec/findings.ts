import type { Finding, RelatedPlace } from "../core/finding.ts";
import type { Span, SpecPath } from "./job-spec.ts";

/** What is wrong and what to write instead; where it stands is said beside it. */
export interface FindingText {
  readonly code: string;
  readonly message: string;
  readonly severity?: "error" | "warning";
  readonly path?: SpecPath;
  readonly suggestion?: string | undefined;
  readonly related?: readonly RelatedPlace[];
}

export function makeFinding(file: string, span: Span, text: FindingText): Finding {
  return {
    code: text.code,
    severity: text.severity ?? "error",
    message: text.message,
    file,
    line: span.line,
    column: span.column,
    end_line: span.endLine,
    end_column: span.endColumn,
    ...(text.path === undefined || text.path.length === 0 ? {} : { path: formatPath(text.path) }),
    ...(text.suggestion === undefined ? {} : { suggestion: text.suggestion }),
    ...(text.related === undefined ? {} : { related: text.related }),
  };
}

export function relatedPlace(file: string, span: Span, message: string): RelatedPlace {
  return { file, line: span.line, column: span.column, message };
}

/** `steps[3].set.tax`; names that are no plain words stand in quotes. */
function formatPath(path: SpecPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** By file, line and column; findings of one place by code, else in the order they were found. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted(
    (a, b) =>
      compareTexts(a.file, b.file) ||
      a.line - b.line ||
      a.column - b.column ||
      compareTexts(a.code, b.code),
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
