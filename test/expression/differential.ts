import jsonata from "jsonata";
import type { ValueObject } from "../../engine/core/value.ts";
import { compileExpression } from "../../engine/expression/compile.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import type { CompiledExpression } from "../../engine/expression/expression.ts";
import { constructsOf, note } from "./coverage.ts";
import type { Coverage, Ending } from "./coverage.ts";
import { deepFrozen, emptyContext, emptyEvaluation } from "./context.ts";
import { ExpressionMaker } from "./random-expressions.ts";
import { randomDocument, randomFrom } from "./random-documents.ts";

/** The compiler beside jsonata's interpreter, on the same expressions and documents. */

type Answer = { readonly value: string } | { readonly reason: string; readonly limit: boolean };

interface OracleAnswer {
  readonly answer: Answer | undefined;
  /** Why the interpreter's answer cannot be compared. */
  readonly unusable: Deviation | undefined;
  /** Whether it has put marks on arrays of its input that JSON does not show. */
  readonly hasMarked?: boolean;
}

/** Items of the list of deviations in docs/expressions.md, by name. */
type Deviation =
  /** The interpreter changed its input, a copy of it, or a member of a transform's copy. */
  | "input-changed"
  /** The interpreter died with an error of JavaScript's. */
  | "host-error"
  /** NaN, an infinity, an absent member or a function in the result. */
  | "no-data"
  /** Both report an error; of several in one constructor the interpreter reports any. */
  | "which-error"
  /** A fault that is certain is found when the expression is compiled. */
  | "found-at-load"
  | "limit"
  /** The interpreter's own tuples appear in its result. */
  | "tuples-visible"
  /** Behind an order-by the interpreter forgets the names of `@` and `#`, in predicates and groups. */
  | "order-loses-names"
  /** `$f(?, 1)` of a built-in checks its arguments here. */
  | "partial-checked"
  /** An array that `[]` kept is an ordinary array once it is a member or an argument. */
  | "kept-array"
  /** Formatting NaN or an infinity; the type of NaN. */
  | "not-a-number"
  /** A transform gives an array that it matches a member that JSON does not show, but a comparison sees. */
  | "member-of-array";

export interface Comparison {
  readonly kind: Ending;
  readonly deviation?: Deviation;
  readonly detail?: string;
}

interface Compiled {
  readonly source: string;
  readonly oracle: jsonata.Expression | { readonly reason: string };
  readonly ours: CompiledExpression | ExpressionError;
}

export function compileBoth(source: string): Compiled {
  let oracle: Compiled["oracle"];
  try {
    oracle = jsonata(source);
  } catch (error) {
    oracle = { reason: (error as { code?: string }).code ?? "host" };
  }
  try {
    return { source, oracle, ours: compileExpression(source, emptyContext) };
  } catch (error) {
    if (error instanceof ExpressionError) return { source, oracle, ours: error };
    throw error;
  }
}

/** Both on one document. */
export async function compareOn(compiled: Compiled, document: object): Promise<Comparison> {
  const { oracle, ours, source } = compiled;
  if ("reason" in oracle) {
    // Its parser may die, too: behind `[]` it reads a division as a regular expression.
    const known = oracle.reason === "host" ? "SYNTAX" : oracle.reason;
    const same = ours instanceof ExpressionError && ours.reason === known;
    return same
      ? { kind: "error" }
      : { kind: "difference", detail: `${source} is not refused with ${oracle.reason}` };
  }
  const actual = ourAnswer(ours, document);
  // What takes us too much work may take the interpreter all memory.
  if ("reason" in actual && actual.limit) return { kind: "deviation", deviation: "limit" };
  const { answer: expected, unusable, hasMarked } = await oracleAnswer(oracle, document);
  if (expected === undefined) return { kind: "deviation", deviation: unusable ?? "no-data" };
  if ("value" in expected && "value" in actual && expected.value === actual.value)
    return { kind: actual.value === "absent" ? "absent" : "value" };
  if ("reason" in expected && "reason" in actual && expected.reason === actual.reason)
    return { kind: "error" };
  const deviation =
    explanation(source, expected, actual, ours instanceof ExpressionError) ??
    (hasMarked === true ? "input-changed" : undefined);
  if (deviation !== undefined) return { kind: "deviation", deviation };
  const detail = `${source}\n  on ${JSON.stringify(document)}\n  wants ${JSON.stringify(expected)}\n  gives ${JSON.stringify(actual)}`;
  return { kind: "difference", detail };
}

/** Faults that are certain, whatever the record. */
const loadReasons: ReadonlySet<string> = new Set([
  "T0410",
  "T2001",
  "T2002",
  "D1002",
  "T1005",
  "UNKNOWN_VARIABLE",
]);

/** Whether there is a constructor of an array or object with more than one member: jsonata evaluates these at once. */
function hasSeveralMembers(node: unknown): boolean {
  if (typeof node !== "object" || node === null) return false;
  if (Array.isArray(node)) return node.some(hasSeveralMembers);
  const { value, expressions, lhs } = node as Readonly<Record<string, unknown>>;
  const members = value === "[" ? expressions : lhs;
  if (Array.isArray(members) && members.length > 1) return true;
  return Object.values(node).some(hasSeveralMembers);
}

/** Whether a side of a comparison is, or holds, what a transform has made. */
function comparesTransform(node: unknown, isInside = false): boolean {
  if (typeof node !== "object" || node === null) return false;
  const { type, value } = node as Readonly<Record<string, unknown>>;
  if (isInside && type === "transform") return true;
  const inside = isInside || (type === "binary" && ["=", "!=", "in"].includes(String(value)));
  return Object.values(node).some((part) => comparesTransform(part, inside));
}

function explanation(
  source: string,
  expected: Answer,
  actual: Answer,
  atLoad: boolean,
): Deviation | undefined {
  if (/[@#]\$\w+.*\^\([^)]*\)[[{]/.test(source)) return "order-loses-names";
  if ("reason" in actual) {
    if (atLoad && loadReasons.has(actual.reason)) return "found-at-load";
    if (actual.reason === "T0410" && source.includes("(?")) return "partial-checked";
    if (actual.reason === "OUTPUT_INVALID") return "no-data";
    if (actual.reason === "ARGUMENT_INVALID" && /\$from|\$format/.test(source))
      return "not-a-number";
    return "reason" in expected && hasSeveralMembers(jsonata(source).ast())
      ? "which-error"
      : undefined;
  }
  if (!("value" in expected)) return undefined;
  const isComparison = [expected.value, actual.value].every((text) => /^(true|false)$/.test(text));
  if (isComparison && comparesTransform(jsonata(source).ast())) return "member-of-array";
  if (source.includes("$type") && expected.value.replaceAll("object", "number") === actual.value)
    return "not-a-number";
  if (expected.value.includes('"@":')) return "tuples-visible";
  // An object constructor on an empty array adds an absent member to that array.
  const repaired = expected.value.replaceAll("[null]", "[]");
  if (repaired === actual.value.replaceAll("[null]", "[]")) return "input-changed";
  if (!source.includes("[]") || [expected.value, actual.value].includes("absent")) return undefined;
  const [wanted, given] = [expected.value, actual.value].map((text) =>
    JSON.stringify(unwrapped(JSON.parse(text))),
  );
  return wanted === given ? "kept-array" : undefined;
}

/** Arrays of one member as that member. */
function unwrapped(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.length === 1 ? unwrapped(value[0]) : value.map(unwrapped);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, unwrapped(each)]));
}

async function oracleAnswer(
  expression: jsonata.Expression,
  document: object,
): Promise<OracleAnswer> {
  const input = structuredClone(document);
  const changed = (): boolean => JSON.stringify(input) !== JSON.stringify(document);
  try {
    const result: unknown = await expression.evaluate(input);
    if (changed()) return { answer: undefined, unusable: "input-changed" };
    if (!isData(result)) return { answer: undefined, unusable: "no-data" };
    const value = JSON.stringify(result) ?? "absent";
    return { answer: { value }, unusable: undefined, hasMarked: isMarked(input) };
  } catch (error) {
    if (changed()) return { answer: undefined, unusable: "input-changed" };
    const { code } = error as { code?: string };
    if (code === undefined) return { answer: undefined, unusable: "host-error" };
    return { answer: { reason: code, limit: false }, unusable: undefined };
  }
}

function isMarked(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  // Its places and its length.
  const names = Object.getOwnPropertyNames(value).length;
  if (Array.isArray(value) && names !== value.length + 1) return true;
  return Object.values(value).some(isMarked);
}

function isData(value: unknown): boolean {
  if (typeof value === "function") return false;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every((entry) => entry !== undefined && isData(entry));
}

function ourAnswer(ours: Compiled["ours"], document: object): Answer {
  if (ours instanceof ExpressionError) return { reason: ours.reason, limit: false };
  try {
    const result = ours.evaluate(deepFrozen(document) as ValueObject, emptyEvaluation);
    return { value: JSON.stringify(result) ?? "absent" };
  } catch (error) {
    if (error instanceof ExpressionError) {
      return { reason: error.reason, limit: error.code === "EXPRESSION_LIMIT" };
    }
    throw error;
  }
}

export interface Difference {
  readonly source: string;
  readonly document: object;
  readonly detail: string;
}

/** `pairs` random pairs from a seed, five documents to an expression. */
export async function fuzz(
  seed: number,
  pairs: number,
): Promise<{
  readonly counts: ReadonlyMap<string, number>;
  readonly differences: readonly Difference[];
  readonly coverage: Coverage;
}> {
  const random = randomFrom(seed);
  const counts = new Map<string, number>();
  const differences: Difference[] = [];
  const coverage: Coverage = new Map();
  for (let done = 0; done < pairs;) {
    const compiled = compileBoth(new ExpressionMaker(random).make());
    const constructs = constructsOf(compiled.source);
    for (let each = 0; each < 5 && done < pairs; each++, done++) {
      const document = randomDocument(random);
      const { kind, deviation, detail } = await compareOn(compiled, document);
      note(coverage, constructs, kind);
      const name = deviation ?? kind;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (kind === "difference") {
        differences.push({ source: compiled.source, document, detail: detail ?? "" });
      }
    }
  }
  return { counts, differences, coverage };
}
