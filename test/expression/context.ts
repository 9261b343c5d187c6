import { parseDecimal } from "../../engine/core/decimal.ts";
import type { Decimal } from "../../engine/core/decimal.ts";
import type { Value, ValueObject } from "../../engine/core/value.ts";
import { compileExpression } from "../../engine/expression/compile.ts";
import { ExpressionError } from "../../engine/expression/expression.ts";
import type { CompileContext, EvaluationContext } from "../../engine/expression/expression.ts";

/** Contexts and shorthands that the tests of this folder share. */

export const emptyContext: CompileContext = {
  scope: "record",
  tables: new Map(),
  parameters: new Map(),
  rounding: "half_up",
};

export const emptyEvaluation: EvaluationContext = {
  eventTimeMs: Number.NaN,
  brokerTimeMs: Number.NaN,
  processingTimeMs: Date.UTC(2025, 0, 13, 15, 0, 0, 123),
  result: undefined,
  error: undefined,
  late: undefined,
  index: 0,
  random: () => 0.5,
};

export function decimal(text: string, kind: "string" | "number" = "string"): Decimal {
  const value = parseDecimal(text, kind);
  if (value === undefined) throw new Error(`${text} is no decimal`);
  return value;
}

export function deepFrozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const entry of Object.values(value)) deepFrozen(entry);
  }
  return value;
}

/** Compiles and evaluates on a frozen record. */
export function evaluate(
  source: string,
  record: ValueObject = {},
  context: Partial<CompileContext> = {},
  evaluation: Partial<EvaluationContext> = {},
): Value | undefined {
  const compiled = compileExpression(source, { ...emptyContext, ...context });
  return compiled.evaluate(deepFrozen(record), { ...emptyEvaluation, ...evaluation });
}

/** The error that compiling, or evaluating, an expression throws. */
export function errorOf(action: () => unknown): ExpressionError {
  try {
    action();
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error("no error was thrown");
}
