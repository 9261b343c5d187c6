import jsonata from "jsonata";
import { failure, shown } from "../failure.ts";
import { checkedText, meter, spend } from "../meter.ts";
import type { Item, Outcome } from "../values.ts";
import { builtin } from "./builtin.ts";
import type { Builtin } from "./builtin.ts";

/**
 * Formatting by pictures and encodings, which jsonata implements as pure synchronous functions of texts and numbers.
 * It does not export them; an expression that is just their names gives them.
 */

type Implementation = (...args: readonly unknown[]) => unknown;

const names = [
  "formatNumber",
  "formatBase",
  "formatInteger",
  "parseInteger",
  "fromMillis",
  "toMillis",
  "base64encode",
  "base64decode",
  "encodeUrlComponent",
  "encodeUrl",
  "decodeUrlComponent",
  "decodeUrl",
] as const;

type BorrowedName = (typeof names)[number];

/** What a call costs that analyses a picture, whatever its length. */
const steps: Partial<Record<BorrowedName, number>> = {
  formatNumber: 300,
  formatInteger: 50,
  fromMillis: 150,
  toMillis: 150,
  parseInteger: 40,
};

const implementations = new Map<string, Implementation>();
for (const name of names) {
  const value: unknown = await jsonata(`$${name}`).evaluate(undefined);
  implementations.set(name, (value as { implementation: Implementation }).implementation);
}

/** Calls jsonata's own implementation. */
export function borrowed(name: BorrowedName, args: readonly Outcome[], offset: number): Outcome {
  spend(steps[name] ?? 10);
  if (name === "parseInteger" && typeof args[0] === "string") {
    spend(Math.trunc(args[0].length / 8));
  }
  return borrowedAtLoad(name, args, offset);
}

/** The same while an expression is compiled, where no steps are counted. */
export function borrowedAtLoad(
  name: BorrowedName,
  args: readonly Outcome[],
  offset: number,
): Outcome {
  let result: unknown;
  const fault = argumentFault(name, args);
  if (fault !== undefined) {
    throw failure("ARGUMENT_INVALID", `$${name} cannot use its arguments: ${fault}`, offset);
  }
  try {
    result = implementations.get(name)?.(...args);
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    if (code === undefined) {
      throw failure(
        "ARGUMENT_INVALID",
        `$${name} cannot use its arguments: ${message ?? ""}`,
        offset,
      );
    }
    throw failure(
      code,
      message ?? messages[code] ?? `$${name} cannot use ${args.map(shown).join(" and ")} (${code})`,
      offset,
    );
  }
  if (typeof result === "number" && !Number.isFinite(result)) meter.nonFinite = true;
  return typeof result === "string" ? checkedText(result) : (result as Item | undefined);
}

/** The range of JavaScript's dates, in ms since the epoch. */
const dateMaxMs = 8.64e15;
/** Code units of a picture: analysing one takes time in proportion to its square. */
const pictureLengthMax = 256;
/** Roman numbers are written a thousand at a time. */
const romanMax = 1_000_000;

/** Arguments with which jsonata's implementation gives NaN, or takes more time or stack than there is. */
function argumentFault(name: BorrowedName, args: readonly Outcome[]): string | undefined {
  const [first, second, third] = args;
  if (typeof second === "string" && second.length > pictureLengthMax) {
    return `a picture has at most ${pictureLengthMax} characters`;
  }
  if (typeof first !== "number") return undefined;
  // Some of the implementations never end with them.
  if (!Number.isFinite(first)) return `${first} is no number to format`;
  if (name === "fromMillis") {
    if (Math.abs(first) > dateMaxMs) return `${first} is out of range`;
    if (typeof third === "string" && !/^[-+]?[0-9]{1,4}$/.test(third))
      return `a time zone is written like "+0530", not ${shown(third)}`;
  }
  const roman =
    name === "formatInteger" && typeof second === "string" && /^[iI](?:;|$)/.test(second);
  return roman && Math.abs(first) >= romanMax ? `${first} is too large` : undefined;
}

const messages: Readonly<Record<string, string>> = {
  D3100: "The radix of $formatBase must be between 2 and 36",
  D3132: "The picture has an unknown component",
  D3133: "The picture names a component that has no names",
  D3134: "The picture writes a time zone with more than four digits",
  D3135: "The picture has no closing bracket",
  D3140: "The text is no well-formed URL or holds a lone surrogate",
};

function formatting(
  name: BorrowedName,
  signature: string,
  arity: number,
  returns: "string" | "number",
): Builtin {
  return builtin(name, signature, { arity, returns, decimals: "refuse" }, (args, offset) =>
    borrowed(name, args, offset),
  );
}

export const formattingFunctions: readonly Builtin[] = [
  formatting("formatNumber", "<n-so?:s>", 3, "string"),
  formatting("formatBase", "<n-n?:s>", 2, "string"),
  formatting("formatInteger", "<n-s:s>", 2, "string"),
  formatting("parseInteger", "<s-s:n>", 2, "number"),
  formatting("base64encode", "<s-:s>", 1, "string"),
  formatting("base64decode", "<s-:s>", 1, "string"),
  formatting("encodeUrlComponent", "<s-:s>", 1, "string"),
  formatting("encodeUrl", "<s-:s>", 1, "string"),
  formatting("decodeUrlComponent", "<s-:s>", 1, "string"),
  formatting("decodeUrl", "<s-:s>", 1, "string"),
];
