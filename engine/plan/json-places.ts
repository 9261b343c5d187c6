import type { Span } from "../spec/job-spec.ts";

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where everything of a JSON text stands, by JSON pointer; and member names that come twice. */
export interface JsonPlaces {
  /** The value at `pointer`, or of its nearest existing parent. */
  value(pointer: string): Span;
  /** The member name that introduces `pointer`; the value where there is none. */
  key(pointer: string): Span;
  /** Text of the value as written. */
  sourceText(pointer: string): string | undefined;
  readonly repeated: readonly { readonly name: string; readonly span: Span }[];
}

/** Lines and columns from 1, columns in code points; at least one column, so that there is something to underline. */
export function spanOf(text: string, start: number, end: number): Span {
  const from = pointOf(text, start);
  const to = pointOf(text, end);
  const empty = to.line === from.line && to.column <= from.column;
  return {
    line: from.line,
    column: from.column,
    endLine: to.line,
    endColumn: empty ? from.column + 1 : to.column,
  };
}

function pointOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  let line = 1;
  for (let at = before.indexOf("\n"); at !== -1; at = before.indexOf("\n", at + 1)) line += 1;
  return { line, column: Array.from(before.slice(lineStart)).length + 1 };
}

/** One member name or item number as a part of a JSON pointer. */
export function pointerPart(name: string | number): string {
  return `/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

const blank = /[ \t\r\n]*/y;
const stringToken = /"(?:[^"\\]|\\.)*"/y;
const otherToken = /[^,\]}\s]+/y;

/** Walks a text that `JSON.parse` accepts; it relies on that. */
export function jsonPlaces(text: string): JsonPlaces {
  const values = new Map<string, Range>();
  const keys = new Map<string, Range>();
  const repeated: { name: string; span: Span }[] = [];
  let at = 0;

  function skip(pattern: RegExp): string {
    pattern.lastIndex = at;
    const token = pattern.exec(text)?.[0] ?? "";
    at += token.length;
    return token;
  }
  /** Takes `,` if one follows; the closing bracket otherwise. */
  function more(): boolean {
    skip(blank);
    at += 1;
    return text[at - 1] === ",";
  }
  function empty(close: string): boolean {
    at += 1;
    skip(blank);
    if (text[at] !== close) return false;
    at += 1;
    return true;
  }
  function readObject(pointer: string): void {
    if (empty("}")) return;
    do {
      skip(blank);
      const start = at;
      const name: string = JSON.parse(skip(stringToken));
      const member = pointer + pointerPart(name);
      if (keys.has(member)) {
        repeated.push({ name, span: spanOf(text, start, at) });
        forget(member);
      }
      keys.set(member, { start, end: at });
      skip(blank);
      at += 1;
      read(member);
    } while (more());
  }
  /** The first of two members is gone; its own members must not look repeated. */
  function forget(pointer: string): void {
    for (const key of keys.keys()) if (key.startsWith(`${pointer}/`)) keys.delete(key);
  }
  function readArray(pointer: string): void {
    if (empty("]")) return;
    let index = 0;
    do {
      read(pointer + pointerPart(index));
      index += 1;
    } while (more());
  }
  function read(pointer: string): void {
    skip(blank);
    const start = at;
    if (text[at] === "{") readObject(pointer);
    else if (text[at] === "[") readArray(pointer);
    else if (text[at] === '"') skip(stringToken);
    else skip(otherToken);
    values.set(pointer, { start, end: at });
  }
  read("");

  function nearest(pointer: string): Range {
    let found = values.get(pointer);
    for (let parent = pointer; found === undefined;) {
      parent = parent.slice(0, Math.max(parent.lastIndexOf("/"), 0));
      found = values.get(parent) ?? (parent === "" ? { start: 0, end: 0 } : undefined);
    }
    return found;
  }
  const span = (range: Range): Span => spanOf(text, range.start, range.end);
  return {
    value: (pointer) => span(nearest(pointer)),
    key: (pointer) => span(keys.get(pointer) ?? nearest(pointer)),
    sourceText: (pointer) => {
      const range = values.get(pointer);
      return range === undefined ? undefined : text.slice(range.start, range.end);
    },
    repeated,
  };
}
