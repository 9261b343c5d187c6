import { checkedText, limits, spend, spendArray, spendReading, spendText } from "../meter.ts";
import { indexOf } from "../text-search.ts";
import { textOf } from "../text.ts";
import type { Item, Outcome } from "../values.ts";
import { builtin } from "./builtin.ts";
import type { Builtin } from "./builtin.ts";

/** `$name(text)`: absent stays absent. */
function ofText(name: string, signature: string, change: (text: string) => string): Builtin {
  return builtin(name, signature, { returns: "string" }, ([text]) =>
    text === undefined ? undefined : checkedText(change(text as string)),
  );
}

/** Characters as code points, as jsonata counts them. */
function codePoints(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0xd800 || unit > 0xdbff) continue;
    const next = text.charCodeAt(at + 1);
    if (next >= 0xdc00 && next <= 0xdfff) {
      count--;
      at++;
    }
  }
  return count;
}

export function upperCase(text: string): string {
  spendReading(text.length);
  return text.toUpperCase();
}
export function lowerCase(text: string): string {
  spendReading(text.length);
  return text.toLowerCase();
}

function trim(text: string): string {
  const words = text.split(/[ \t\n\r]+/, limits.arrayLength);
  // As many words as that take all steps there are: none is lost.
  spend(words.length);
  return words.join(" ").replace(/^ | $/g, "");
}

function substring(text: string, start: number, length: number | undefined): string {
  const whole = codePoints(text);
  const from = whole + start < 0 ? 0 : start;
  if (length !== undefined && length <= 0) return "";
  const end = length === undefined ? undefined : from >= 0 ? from + length : whole + from + length;
  if (whole === text.length) return text.slice(from, end);
  spend(whole);
  return [...text].slice(from, end).join("");
}

export function pad(text: string, width: number, filling: string | undefined): string {
  const wanted = Math.trunc(width);
  const missing = Math.abs(wanted) - codePoints(text);
  if (!(missing > 0)) return text;
  const character = filling === undefined || filling === "" ? " " : filling;
  const times = Math.ceil(missing / codePoints(character));
  spendText(text.length + times * character.length);
  const padding = substring(character.repeat(times), 0, missing);
  return wanted > 0 ? text + padding : padding + text;
}

export function splitText(text: string, separator: string): readonly string[] {
  if (separator === "") {
    spendArray(text.length);
    return text.split("");
  }
  const parts: string[] = [];
  let from = 0;
  for (let end = indexOf(text, separator, 0); end >= 0; end = indexOf(text, separator, from)) {
    parts.push(text.slice(from, end));
    if (parts.length > limits.arrayLength) break;
    from = end + separator.length;
  }
  parts.push(text.slice(from));
  if (parts.length > 16) spendArray(parts.length);
  return parts;
}

/** `$split(text, separator)[index]` without the array. `separator` is not empty, `index` not negative. */
export function splitPart(text: string, separator: string, index: number): string | undefined {
  let from = 0;
  for (let count = 0; ; count++) {
    const end = indexOf(text, separator, from);
    if (count === index) return end < 0 ? text.slice(from) : text.slice(from, end);
    if (end < 0) return undefined;
    from = end + separator.length;
  }
}

/** The part of a text before (or after) a mark; the whole text if the mark is not in it. */
export function before(text: string, mark: string): string {
  const at = indexOf(text, mark, 0);
  return at < 0 ? text : text.slice(0, at);
}
export function after(text: string, mark: string): string {
  const at = indexOf(text, mark, 0);
  return at < 0 ? text : text.slice(at + mark.length);
}

/** `undefined` as a mark reads "undefined" in jsonata; here it is absent, like everywhere else. */
const mark = (value: Outcome): string => (value === undefined ? "undefined" : (value as string));

export const stringFunctions: readonly Builtin[] = [
  builtin("string", "<x-b?:s>", { arity: 1, returns: "string" }, ([value, indented], offset) =>
    value === undefined ? undefined : textOf(value, offset, indented === true),
  ),
  ofText("lowercase", "<s-:s>", lowerCase),
  ofText("uppercase", "<s-:s>", upperCase),
  ofText("trim", "<s-:s>", trim),
  builtin("length", "<s-:n>", { returns: "number" }, ([text]) =>
    text === undefined ? undefined : codePoints(text as string),
  ),
  builtin("substring", "<s-nn?:s>", { returns: "string" }, ([text, start, length]) =>
    text === undefined
      ? undefined
      : substring(text as string, (start as number | undefined) ?? 0, length as number | undefined),
  ),
  builtin("substringBefore", "<s-s:s>", { returns: "string" }, ([text, end]) =>
    text === undefined ? undefined : before(text as string, mark(end)),
  ),
  builtin("substringAfter", "<s-s:s>", { returns: "string" }, ([text, start]) =>
    text === undefined ? undefined : after(text as string, mark(start)),
  ),
  builtin("pad", "<s-ns?:s>", { returns: "string" }, ([text, width, filling]) =>
    text === undefined
      ? undefined
      : pad(
          text as string,
          (width as number | undefined) ?? Number.NaN,
          filling as string | undefined,
        ),
  ),
  builtin("join", "<a<s>s?:s>", { returns: "string" }, ([texts, separator], offset) => {
    if (texts === undefined) return undefined;
    const parts = (texts as readonly Item[]).map((text) => textOf(text, offset));
    const between = (separator as string | undefined) ?? "";
    let length = 0;
    for (const part of parts) length += part.length + between.length;
    spendText(length);
    return parts.join(between);
  }),
];
