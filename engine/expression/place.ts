import type { JsonObject } from "../core/json.ts";

/**
 * Where an expression's text stands in the job file: plain JSON, so that whoever runs a plan can tell the place of a
 * fault. Lines and columns count from 1, in code points.
 */
export interface ExpressionPlace extends JsonObject {
  /** Name of the file without its folder: a record's fault reads the same wherever the job is started. */
  readonly file: string;
  /**
   * `[offset, line, column]` of each code unit that does not stand one column behind the unit before it; ascending,
   * the first of offset 0. Only the first if the places inside cannot be told: `exact` is then false.
   */
  readonly marks: readonly (readonly [offset: number, line: number, column: number])[];
  readonly exact: boolean;
}

interface Position {
  readonly line: number;
  readonly column: number;
}

/** `positionOf` gives the position of each code unit of the text, and behind it that of its end. */
export function expressionPlace(
  file: string,
  length: number,
  positionOf: (offset: number) => Position,
): ExpressionPlace {
  const start = positionOf(0);
  const marks: (readonly [number, number, number])[] = [[0, start.line, start.column]];
  const end = positionOf(length);
  // A text of which no place is known but its own says that one for all.
  if (length > 0 && end.line === start.line && end.column === start.column) {
    return { file, marks, exact: false };
  }
  let last = start;
  for (let offset = 1; offset <= length; offset += 1) {
    const found = positionOf(offset);
    if (found.line !== last.line || found.column !== last.column + 1) {
      marks.push([offset, found.line, found.column]);
    }
    last = found;
  }
  return { file, marks, exact: true };
}

/** `orders.yaml:42:17`, the place of code unit `offset` of the expression. */
export function placeText({ file, marks, exact }: ExpressionPlace, offset: number): string {
  const mark = marks.findLast(([from]) => from <= offset) ?? marks[0] ?? [0, 1, 1];
  const [from, line, column] = mark;
  return `${file}:${line}:${column + (exact ? Math.max(0, offset - from) : 0)}`;
}
