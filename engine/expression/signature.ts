import { RE2JS } from "re2js";
import { Decimal, decimalText, decimalToNumber } from "../core/decimal.ts";
import { NumberToken } from "../core/number-token.ts";
import type { ExpressionError } from "./expression.ts";
import { failure, shown } from "./failure.ts";
import { spend } from "./meter.ts";
import { FunctionValue, Sequence, isArray, plain } from "./values.ts";
import type { Outcome } from "./values.ts";

/** What becomes of a decimal that a parameter takes as a number. */
export type DecimalPolicy =
  /** The function computes exactly. */
  | "exact"
  /** It is a position, width or count: its double. */
  | "count"
  /** The function has no exact form: an error. */
  | "refuse";

interface Parameter {
  /** Letters of jsonata's signatures; `m` (missing) is always among them. */
  readonly letters: string;
  /** Of arrays: the letter their members must have. */
  readonly members: string | undefined;
  readonly isArray: boolean;
  readonly optional: boolean;
  /** Takes the context if the argument is missing. */
  readonly context: boolean;
  readonly repeats: boolean;
}

/**
 * jsonata's signature notation, `<s-nn?:s>`: which types a function takes, whether the context stands in for a missing
 * argument, whether a single value becomes an array.
 */
export class Signature {
  readonly minimum: number;
  readonly maximum: number;
  /** True if a missing argument may be taken from the context. */
  readonly usesContext: boolean;
  readonly #parameters: readonly Parameter[];
  readonly #fit: Fit;

  constructor(definition: string) {
    this.#parameters = readParameters(definition);
    const required = this.#parameters.filter(
      (parameter) => !parameter.optional && !parameter.context,
    );
    this.minimum = required.length;
    this.maximum = this.#parameters.some((parameter) => parameter.repeats)
      ? Number.POSITIVE_INFINITY
      : this.#parameters.length;
    this.usesContext = this.#parameters.some((parameter) => parameter.context);
    this.#fit = fitOf(this.#parameters, "$");
  }

  /** Arguments as the function's implementation takes them. Throws T0410, T0411 or T0412. */
  match(
    args: readonly Outcome[],
    context: Outcome,
    name: string,
    offset: number,
    policy: DecimalPolicy = "count",
    keepSequences = false,
  ): Outcome[] {
    const given = keepSequences ? args : args.map(plain);
    if (
      given.length === this.#parameters.length &&
      !this.#parameters.some((each) => each.repeats)
    ) {
      const matched: Outcome[] = [];
      for (let index = 0; index < given.length; index++) {
        const parameter = this.#parameters[index];
        if (parameter === undefined || !accepts(parameter, given[index])) break;
        matched.push(converted(parameter, given[index], index, name, offset, policy));
      }
      if (matched.length === given.length) return matched;
    }
    return this.#matchByPattern(given, context, name, offset, policy);
  }

  #matchByPattern(
    args: readonly Outcome[],
    context: Outcome,
    name: string,
    offset: number,
    policy: DecimalPolicy,
  ): Outcome[] {
    const letters = args.map(letterOf).join("");
    const fit = this.#fit(letters);
    if (fit === undefined) {
      const textual = args.map((each) => (each instanceof Decimal ? decimalText(each) : each));
      if (textual.some((each, index) => each !== args[index])) {
        return this.#matchByPattern(textual, context, name, offset, policy);
      }
      throw this.#mismatch(args, letters, name, offset);
    }
    const matched: Outcome[] = [];
    let next = 0;
    for (const [index, parameter] of this.#parameters.entries()) {
      const part = fit[index] ?? "";
      if (part === "" && parameter.context) {
        if (!parameter.letters.includes(letterOf(context)) && !(context instanceof Decimal)) {
          throw failure(
            "T0411",
            `The context ${shown(context)} does not fit argument ${next + 1} of ${name}`,
            offset,
          );
        }
        matched.push(converted(parameter, context, next, name, offset, policy));
        continue;
      }
      // A parameter that was left out takes what stands there, as jsonata does: nothing, or the next argument.
      const count = Math.max(1, part.length);
      for (let taken = 0; taken < count; taken++) {
        const argument = args[next];
        matched.push(
          part === "" ? argument : converted(parameter, argument, next, name, offset, policy),
        );
        next++;
      }
    }
    return matched;
  }

  #mismatch(
    args: readonly Outcome[],
    letters: string,
    name: string,
    offset: number,
  ): ExpressionError {
    let good = 0;
    for (let count = 1; count <= this.#parameters.length; count++) {
      const fit = fitOf(this.#parameters.slice(0, count), "")(letters);
      if (fit === undefined) break;
      good = fit.join("").length;
    }
    return failure(
      "T0410",
      `Argument ${good + 1} of ${name} does not fit: ${shown(args[good])}`,
      offset,
    );
  }
}

/** Matching takes time in proportion to the square of their number. */
const parametersMax = 32;

/** What is wrong with a signature in the text of an expression. */
export function signatureFault(definition: string): string | undefined {
  return readParameters(definition).length > parametersMax
    ? `A signature has at most ${parametersMax} parameters`
    : undefined;
}

const signatures = new Map<string, Signature>();

/** Signatures are few and shared. */
export function signatureOf(definition: string): Signature {
  let signature = signatures.get(definition);
  if (signature === undefined) {
    signature = new Signature(definition);
    signatures.set(definition, signature);
  }
  return signature;
}

function letterOf(value: Outcome): string {
  switch (typeof value) {
    case "string":
      return "s";
    case "number":
      return "n";
    case "boolean":
      return "b";
    case "undefined":
      return "m";
    default:
      if (value === null) return "l";
      if (value instanceof FunctionValue) return "f";
      if (value instanceof Decimal || value instanceof NumberToken) return "n";
      return isArray(value) || value instanceof Sequence ? "a" : "o";
  }
}

function accepts(parameter: Parameter, value: Outcome): boolean {
  return (
    parameter.letters.includes(letterOf(value)) ||
    (value instanceof Decimal && parameter.letters.includes("s"))
  );
}

function converted(
  parameter: Parameter,
  value: Outcome,
  index: number,
  name: string,
  offset: number,
  policy: DecimalPolicy,
): Outcome {
  if (parameter.isArray) return arrayArgument(parameter, value, index, name, offset);
  if (typeof value !== "object" || value === null) return value;
  const generic = parameter.letters.includes("o") && parameter.letters.includes("a");
  if (value instanceof NumberToken) return generic ? value : value.number;
  if (!(value instanceof Decimal) || generic) return value;
  if (!parameter.letters.includes("n")) return decimalText(value);
  if (policy === "refuse") {
    throw failure("DECIMAL_UNSUPPORTED", `${name} has no exact form for decimals`, offset);
  }
  return policy === "exact" ? value : decimalToNumber(value);
}

function arrayArgument(
  parameter: Parameter,
  value: Outcome,
  index: number,
  name: string,
  offset: number,
): Outcome {
  if (value === undefined || value instanceof Sequence) return value;
  const items = isArray(value) ? value : [value];
  const { members } = parameter;
  if (members !== undefined && items.length > 0) {
    spend(items.length);
    const fits = (item: Outcome): boolean =>
      members === letterOf(item) || (members === "s" && item instanceof Decimal);
    const unfit = items.find((item) => !fits(item));
    if (unfit !== undefined) {
      throw failure(
        "T0412",
        `Argument ${index + 1} of ${name} must be an array of ${memberNames[members] ?? "other values"}, not of ${shown(unfit)}`,
        offset,
      );
    }
  }
  return items;
}

const memberNames: Readonly<Record<string, string>> = {
  a: "arrays",
  b: "booleans",
  f: "functions",
  n: "numbers",
  o: "objects",
  s: "texts",
};

/** What each parameter takes of the letters of the arguments; undefined if they do not fit. */
type Fit = (letters: string) => readonly (string | null | undefined)[] | undefined;

/** Parameters that may be left out, up to which the host's engine cannot go astray. */
const flexibleMax = 8;

/** `end`: `$` if nothing may follow. */
function fitOf(parameters: readonly Parameter[], end: "" | "$"): Fit {
  const source = `^${parameters.map((each) => `(${pattern(each)})`).join("")}${end}`;
  const flexible = parameters.filter((each) => each.optional || each.context).length;
  const repeated = parameters.filter((each) => each.repeats).length;
  if (flexible <= flexibleMax && repeated < 2) {
    const native = new RegExp(source);
    return (letters) => native.exec(letters)?.slice(1);
  }
  const linear = RE2JS.compile(source);
  return (letters) => {
    spend(Math.trunc(((1 + letters.length) * parameters.length ** 2) / 16));
    const matcher = linear.matcher(letters);
    if (!matcher.find()) return undefined;
    return parameters.map((_, index) => matcher.group(index + 1));
  };
}

function pattern(parameter: Parameter): string {
  const quantity = parameter.repeats ? "+" : parameter.optional || parameter.context ? "?" : "";
  return `[${parameter.letters}]${quantity}`;
}

function readParameters(definition: string): readonly Parameter[] {
  const parameters: Parameter[] = [];
  let at = 1;
  const change = (part: Partial<Parameter>): void => {
    const last = parameters.pop();
    if (last !== undefined) parameters.push({ ...last, ...part });
  };
  const start = (letters: string, array = false): void => {
    parameters.push({
      letters: letters === "f" ? letters : letters + "m",
      members: undefined,
      isArray: array,
      optional: false,
      context: false,
      repeats: false,
    });
  };
  for (; at < definition.length && definition[at] !== ":"; at++) {
    const letter = definition[at] ?? "";
    if ("snblof".includes(letter)) start(letter);
    else if (letter === "a") start("asnblfo", true);
    else if (letter === "j") start("asnblo");
    else if (letter === "x") start("asnblfo");
    else if (letter === "-") change({ context: true });
    else if (letter === "?") change({ optional: true });
    else if (letter === "+") change({ repeats: true });
    else if (letter === "(") {
      const end = definition.indexOf(")", at);
      start(definition.slice(at + 1, end));
      at = end;
    } else if (letter === "<") {
      const end = closing(definition, at);
      change({ members: definition[at + 1] });
      at = end;
    }
  }
  return parameters;
}

function closing(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "<") depth++;
    else if (text[at] === ">" && --depth === 0) return at;
  }
  return text.length;
}
