import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ValueObject } from "../../engine/core/value.ts";
import { compileExpression } from "../../engine/expression/compile.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import { deepFrozen, emptyContext, emptyEvaluation } from "./context.ts";

/** JSONata's official cases, kept beside the project (not in it). */
const folder = fileURLToPath(new URL("../../../shared/conformance/jsonata/", import.meta.url));

export interface SuiteCase {
  readonly group: string;
  readonly file: string;
  readonly expr: string;
  readonly data?: unknown;
  readonly dataset?: string | null;
  readonly bindings?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly undefinedResult?: boolean;
  readonly code?: string;
  readonly error?: { readonly code: string };
}

export function readSuite():
  | { readonly cases: readonly SuiteCase[]; readonly datasets: Readonly<Record<string, unknown>> }
  | undefined {
  if (!existsSync(`${folder}cases.jsonl`)) return undefined;
  const cases = readFileSync(`${folder}cases.jsonl`, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as SuiteCase);
  const datasets = JSON.parse(readFileSync(`${folder}datasets.json`, "utf8")) as Record<
    string,
    unknown
  >;
  return { cases, datasets };
}

export interface Verdict {
  readonly name: string;
  readonly kind: "agree" | "refused" | "differ";
  /** Reason of the refusal, or what was expected and what came. */
  readonly detail: string;
}

/** Reasons with which an expression is refused when it is compiled and that jsonata would not report. */
const refusals: ReadonlySet<string> = new Set(["UNSUPPORTED", "UNKNOWN_VARIABLE", "SOURCE_LIMIT"]);

export function judge(test: SuiteCase, datasets: Readonly<Record<string, unknown>>): Verdict {
  const name = `${test.group}/${test.file}`;
  const data = typeof test.dataset === "string" ? datasets[test.dataset] : test.data;
  const expected = test.code ?? test.error?.code;
  const bindings = Object.entries(test.bindings ?? {}).map(
    ([variable, value]) => `$${variable} := ${JSON.stringify(value)};`,
  );
  const source = bindings.length === 0 ? test.expr : `(${bindings.join("")}${test.expr})`;
  let got: string;
  try {
    const compiled = compileExpression(source, emptyContext);
    const result = compiled.evaluate(deepFrozen(data) as ValueObject, emptyEvaluation);
    got = JSON.stringify(canonical(result)) ?? "absent";
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    if (error.reason === expected) return { name, kind: "agree", detail: "" };
    if (refusals.has(error.reason)) return { name, kind: "refused", detail: error.reason };
    got = `${error.reason} ${error.message}`;
  }
  const wanted = expected ?? JSON.stringify(canonical(test.result)) ?? "absent";
  return got === wanted
    ? { name, kind: "agree", detail: "" }
    : { name, kind: "differ", detail: `${test.expr} wants ${wanted}, gives ${got}` };
}

/** Members sorted by name: the order of an object's members is no part of a case. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(
    names.map((name) => [name, canonical((value as Record<string, unknown>)[name])]),
  );
}
