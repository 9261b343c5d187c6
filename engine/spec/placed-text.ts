import type { SourceRange } from "./source-text.ts";

/** The text of a scalar, with the place in the source of each of its code units. */
export class PlacedText {
  text = "";
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** Adds `unit`, written at `start` to `end`; all its code units share the place. */
  add(unit: string, start: number, end: number): void {
    this.text += unit;
    for (let index = 0; index < unit.length; index += 1) {
      this.#starts.push(start);
      this.#ends.push(end);
    }
  }

  /** Adds a stretch of source that stands for itself. */
  copy(source: string, start: number, end: number): void {
    this.text += source.slice(start, end);
    for (let offset = start; offset < end; offset += 1) {
      this.#starts.push(offset);
      this.#ends.push(offset + 1);
    }
  }

  /** Adds what line breaks fold to. They have no width: the place is where the line ends. */
  fold(breaks: readonly number[]): void {
    const [first] = breaks;
    if (first === undefined) return;
    if (breaks.length === 1) this.add(" ", first, first);
    else for (const offset of breaks.slice(1)) this.add("\n", offset, offset);
  }

  /** Where code units `offset` to `offset + length` are written; behind the text: where it ends. */
  range(offset: number, length: number): SourceRange | undefined {
    const count = this.#starts.length;
    if (count === 0) return undefined;
    if (offset >= count) {
      const end = this.#ends[count - 1] ?? 0;
      return { start: end, end };
    }
    const from = Math.max(0, offset);
    const to = Math.min(count, Math.max(from + length, from + 1)) - 1;
    return { start: this.#starts[from] ?? 0, end: this.#ends[to] ?? 0 };
  }
}

/** The end of a line without its carriage return. */
export function lineEndBefore(source: string, newline: number): number {
  return source[newline - 1] === "\r" ? newline - 1 : newline;
}
