import type { JobSpec, Span, SpecPath } from "../spec/job-spec.ts";
import { valueAt } from "./raw.ts";

/**
 * True for a field that the spec's text has but the structural check left out as faulty: it has been reported, and
 * nothing may be concluded from its absence.
 */
export function isLost(spec: JobSpec, path: SpecPath): boolean {
  if (valueAt(spec.root, path) !== undefined) return false;
  // The positions of what is not in the text are those of the nearest thing around it.
  return !sameSpan(spec.positions.key(path), spec.positions.key(path.slice(0, -1)));
}

function sameSpan(a: Span, b: Span): boolean {
  return (
    a.line === b.line &&
    a.column === b.column &&
    a.endLine === b.endLine &&
    a.endColumn === b.endColumn
  );
}
