import { call } from "../calls.ts";
import { failure, shown } from "../failure.ts";
import { checkedText, limits, spend, spendText } from "../meter.ts";
import { Matches, Regex } from "../regex.ts";
import type { Match } from "../regex.ts";
import { indexOf } from "../text-search.ts";
import { FunctionValue, Sequence, collapse, plain } from "../values.ts";
import type { Item, Outcome } from "../values.ts";
import { builtin } from "./builtin.ts";
import type { Builtin } from "./builtin.ts";
import { splitText } from "./strings.ts";

/** Functions that search a text for another text or with a regular expression. */

function refuseNegative(limit: Outcome, reason: string, name: string, offset: number): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if ((limit as number) < 0) {
    throw failure(reason, `The limit of ${name} must not be negative`, offset);
  }
  return limit as number;
}

function contains(text: Outcome, token: Outcome, offset: number): boolean | undefined {
  if (text === undefined || token === undefined) return undefined;
  if (typeof token === "string") return indexOf(text as string, token, 0) >= 0;
  if (token instanceof Regex) return token.test(text as string);
  return new Matches(token as FunctionValue, text as string, offset).next() !== undefined;
}

function match(text: Outcome, matcher: Outcome, limit: Outcome, offset: number): Outcome {
  if (text === undefined) return undefined;
  const most = refuseNegative(limit, "D3040", "$match", offset);
  const found: Item[] = [];
  const matches = new Matches(matcher as FunctionValue, text as string, offset);
  while (found.length < most) {
    const next = matches.next();
    if (next === undefined) break;
    spend(4);
    found.push({ match: next.match, index: next.start, groups: next.groups });
  }
  return new Sequence(found);
}

function split(text: Outcome, separator: Outcome, limit: Outcome, offset: number): Outcome {
  if (text === undefined) return undefined;
  const most = refuseNegative(limit, "D3020", "$split", offset);
  if (separator === undefined) return [text as Item];
  if (typeof separator === "string") {
    const parts = splitText(text as string, separator);
    return limit === undefined ? parts : parts.slice(0, Math.trunc(most));
  }
  const parts: string[] = [];
  const matches = new Matches(separator as FunctionValue, text as string, offset);
  let from = 0;
  while (parts.length < most) {
    const next = matches.next();
    if (next === undefined) break;
    spend(1);
    parts.push((text as string).slice(from, Math.max(from, next.start)));
    from = next.end;
  }
  if (parts.length < most) parts.push((text as string).slice(from));
  return parts;
}

/** `$replace` of a text: `$` means nothing special in the replacement. */
function replaceText(text: string, pattern: string, replacement: string, most: number): string {
  let result = "";
  let from = 0;
  for (let count = 0; count < most; count++) {
    const at = indexOf(text, pattern, from);
    if (at < 0) break;
    spend(1);
    result += text.slice(from, at) + replacement;
    if (result.length > limits.textLength) spendText(result.length);
    from = at + pattern.length;
  }
  return checkedText(result + text.slice(from));
}

function replaceMatches(
  text: string,
  matches: Matches,
  replacement: (found: Match) => string,
  most: number,
): string {
  let result = "";
  let from = 0;
  for (let count = 0; count < most; count++) {
    const found = matches.next();
    if (found === undefined) break;
    spend(1);
    result += text.slice(from, Math.max(from, found.start)) + replacement(found);
    if (result.length > limits.textLength) spendText(result.length);
    from = found.start + found.match.length;
  }
  return checkedText(result + text.slice(from));
}

/** `$$` is a dollar sign, `$0` the match, `$n` a group: as many digits as the number of groups has, one less if there is no such group. */
function expanded(template: string, { match: whole, groups }: Match): string {
  const digits = String(Math.max(groups.length, 1)).length;
  const group = (number: string): number => Number(number.slice(0, digits));
  return template.replaceAll(/\$(\$|0|[1-9][0-9]*)/g, (_, name: string) => {
    if (name === "$") return "$";
    if (name === "0") return whole;
    let used = String(group(name));
    if (digits > 1 && Number(used) > groups.length) used = name.slice(0, digits - 1);
    return (groups[Number(used) - 1] ?? "") + name.slice(used.length);
  });
}

function replace(args: readonly Outcome[], offset: number): Outcome {
  const [text, pattern, replacement, limit] = args;
  if (text === undefined) return undefined;
  if (pattern === "")
    throw failure("D3010", "The second argument of $replace must not be empty", offset);
  const most = refuseNegative(limit, "D3011", "$replace", offset);
  if (typeof pattern === "string" && typeof replacement === "string")
    return replaceText(text as string, pattern, replacement, most);
  if (!(pattern instanceof FunctionValue)) {
    throw failure("T1010", "$replace of a text needs a text as replacement", offset);
  }
  const matches = new Matches(pattern, text as string, offset);
  const computed = (found: Match): string => {
    if (typeof replacement === "string") {
      return replacement.includes("$") ? expanded(replacement, found) : replacement;
    }
    const result = plain(collapse(call(replacement, [matches.item()], offset)));
    if (typeof result === "string") return result;
    throw failure("D3012", `A replacement must be a text, not ${shown(result)}`, offset);
  };
  return replaceMatches(text as string, matches, computed, most);
}

export const matchingFunctions: readonly Builtin[] = [
  builtin("contains", "<s-(sf):b>", { returns: "boolean" }, ([text, token], offset) =>
    contains(text, token, offset),
  ),
  builtin("match", "<s-f<s:o>n?:a<o>>", { sequence: true }, ([text, matcher, limit], offset) =>
    match(text, matcher, limit, offset),
  ),
  builtin("split", "<s-(sf)n?:a<s>>", { returns: "array" }, ([text, separator, limit], offset) =>
    split(text, separator, limit, offset),
  ),
  builtin("replace", "<s-(sf)(sf)n?:s>", { returns: "string" }, replace),
];
