import type { Span } from "./job-spec.ts";

/** A range of code units of the text, end exclusive. */
export interface SourceRange {
  readonly start: number;
  readonly end: number;
}

/** The text of a spec with its lines, to tell offsets as a reader counts: lines and columns from 1, in code points. */
export class SourceText {
  readonly text: string;
  readonly #lineStarts: number[] = [0];
  /** Offsets of high surrogates: each of them makes two code units one code point. */
  readonly #highSurrogates: number[] = [];

  constructor(text: string) {
    this.text = text;
    for (let offset = 0; offset < text.length; offset += 1) {
      const unit = text.charCodeAt(offset);
      if (unit === 0x0a) this.#lineStarts.push(offset + 1);
      else if (unit >= 0xd800 && unit < 0xdc00) this.#highSurrogates.push(offset);
    }
  }

  /** Empty ranges get one column, so that there is something to underline. */
  span(range: SourceRange): Span {
    const start = this.#place(range.start);
    const end = this.#place(Math.max(range.start, range.end));
    const empty = end.line === start.line && end.column <= start.column;
    return {
      line: start.line,
      column: start.column,
      endLine: end.line,
      endColumn: empty ? start.column + 1 : end.column,
    };
  }

  #place(offset: number): { line: number; column: number } {
    const within = Math.max(0, Math.min(offset, this.text.length));
    const line = countUpTo(this.#lineStarts, within);
    const lineStart = this.#lineStarts[line - 1] ?? 0;
    const pairs =
      countUpTo(this.#highSurrogates, within - 1) - countUpTo(this.#highSurrogates, lineStart - 1);
    return { line, column: within - lineStart - pairs + 1 };
  }
}

/** How many of the ascending `offsets` are at most `limit`. */
function countUpTo(offsets: readonly number[], limit: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
