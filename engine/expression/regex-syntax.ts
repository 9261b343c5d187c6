import { RE2JS } from "re2js";
import { LinearSearch } from "./linear-search.ts";

/** A regular expression of jsonata in the notation of the linear-time engine, and what that engine cannot run. */

/** Compiling takes time and memory, too: code units, repetitions added up, and instructions of the program. */
const limits = { length: 1000, repetitions: 2000, instructions: 5000 } as const;

const whitespace =
  "\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff";
const others =
  "\\x00-\\x08\\x0e-\\x1f!-\\u009f\\u00a1-\\u167f\\u1681-\\u1fff\\u200b-\\u2027\\u202a-\\u202e\\u2030-\\u205e\\u2060-\\u2fff\\u3001-\\ufefe\\uff00-\\u{10ffff}";
const lineEnds = "\\n\\r\\u2028\\u2029";

/** Throws Error whose message says why, in terms of the text. */
export function linearSearch(regex: RegExp): LinearSearch {
  return new LinearSearch(linearPattern(regex), {
    foreign: foreignOf(regex),
    anchored: /^\^[^|]*$/.test(regex.source) && !regex.multiline,
    stopsAtMatch: stopsAtMatch(regex.source),
  });
}

function stopsAtMatch(source: string): boolean {
  const bare = source.replaceAll(/\\.|\[(?:\\.|[^\]])*\]/g, "x").replace(/[*+]\??\)*$/, "");
  return !/[*+]|\{\d+,\}/.test(bare);
}

export function linearPattern(regex: RegExp): RE2JS {
  refuseLarge(regex.source);
  const source = rewritten(regex.source);
  const pattern = compiled(regex, source);
  const instructions = Number(pattern.re2().numberOfInstructions());
  if (instructions > limits.instructions) throw new Error("its program is too large");
  return pattern;
}

function compiled(regex: RegExp, source: string): RE2JS {
  try {
    const flags =
      (regex.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) | (regex.multiline ? RE2JS.MULTILINE : 0);
    return RE2JS.compile(RE2JS.translateRegExp(source), flags);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new Error(reasonOf(regex.source) ?? cause, { cause: error });
  }
}

function refuseLarge(source: string): void {
  if (source.length > limits.length) {
    throw new Error(`it is longer than ${limits.length} characters`);
  }
  const counts = [...source.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].map(([, least, most]) =>
    Math.max(Number(least), Number(most ?? 0)),
  );
  const repetitions = counts.reduce((sum, count) => sum + count, 0);
  if (counts.every((count) => count <= 1000) && repetitions > limits.repetitions) {
    throw new Error(`its repetitions add up to more than ${limits.repetitions}`);
  }
}

/** A character of its own, an escape or a class; and what is no character: brackets, quantifiers and anchors. */
const piece =
  /\(\?(?:<\w+>|:)|[()|*+?^$]|\{\d+(?:,\d*)?\}|\\[bB]|(?<atom>\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|c[A-Za-z]|[^])|\[(?:\\[^]|[^\]\\])*\]|[^])/g;

/** Finds a character that nothing in the pattern matches. */
function foreignOf({ source, ignoreCase }: RegExp): RegExp | undefined {
  const atoms = new Set(
    [...source.matchAll(piece)].flatMap(({ groups }) => groups?.["atom"] ?? []),
  );
  try {
    // The linear engine ignores case by Unicode, as the flag u does.
    return new RegExp(`(?!${[...atoms].join("|")})[^]`, ignoreCase ? "giu" : "g");
  } catch {
    return undefined;
  }
}

function reasonOf(source: string): string | undefined {
  if (/\(\?<?[=!]/.test(source)) return "look-around needs an engine that may never end";
  if (/\\(?:[1-9]|k<)/.test(source)) return "a back-reference needs an engine that may never end";
  if (/\{\d+(?:,\d*)?\}/.test(source)) return "a repetition above 1,000 is not supported";
  return undefined;
}

/** Letters whose escapes mean something to JavaScript; RE2 knows others, such as `\\A`. */
const escapes = "bBdDwWnrtvf";

/** Whether the escaped letter at `at` stands for itself. */
function isPlainEscape(source: string, at: number): boolean {
  const letter = source[at] ?? "";
  if (!/[A-Za-z]/.test(letter) || escapes.includes(letter)) return false;
  const behind = source.slice(at + 1);
  if (letter === "x") return !/^[0-9a-fA-F]{2}/.test(behind);
  if (letter === "u") return !/^[0-9a-fA-F]{4}/.test(behind);
  if (letter === "k") return !source.includes("(?<");
  return letter !== "c" || !/^[A-Za-z]/.test(behind);
}

/** Two characters before and two behind. */
function besides(source: string, at: number): string {
  const before = source.slice(at - 2, at);
  return /^\\[dDwWsS]$/.test(before) ? before : source.slice(at + 1, at + 3);
}

/** `.`, `\s` and `\S` mean more characters to JavaScript than to RE2, `\p` and `\P` fewer. */
function rewritten(source: string): string {
  let result = "";
  let inClass = false;
  for (let at = 0; at < source.length; at++) {
    const character = source[at] ?? "";
    if (character === "\\") {
      const next = source[++at] ?? "";
      if (next === "s") result += inClass ? whitespace : `[${whitespace}]`;
      else if (next === "S") result += inClass ? others : `[^${whitespace}]`;
      else if (isPlainEscape(source, at)) result += next;
      else if (next === "b" && inClass) result += "\\x08";
      else result += character + next;
    } else if (inClass) {
      if (character === "]") inClass = false;
      // No range: what stands on a side is a class of its own.
      if (character === "-" && /\\[dDwWsS]$|^\\[dDwWsS]/.test(besides(source, at))) result += "\\";
      // RE2 reads `[[:alpha:]]` as a named class.
      result += character === "[" ? "\\[" : character;
    } else if (character === ".") {
      result += `[^${lineEnds}]`;
    } else {
      if (character === "[") {
        inClass = true;
        if (source[at + 1] === "]") {
          inClass = false;
          at++;
          result += "[^\\x00-\\u{10ffff}]";
          continue;
        }
        if (source.startsWith("^]", at + 1)) {
          inClass = false;
          at += 2;
          result += "[\\x00-\\u{10ffff}]";
          continue;
        }
      }
      result += character;
    }
  }
  return result;
}
