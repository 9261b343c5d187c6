import { Decimal } from "../core/decimal.ts";
import { NumberToken } from "../core/number-token.ts";
import { ExpressionError } from "./expression.ts";
import { checkDepth, limits, overLimit, spend } from "./meter.ts";
import { FunctionValue, isArray } from "./values.ts";
import type { Item } from "./values.ts";

/**
 * What may leave an expression: data, and not too much of it. Parts of a result may be shared, so that a small program
 * can build what is endless when it is written.
 */
export function checkResult(result: Item): void {
  const size = { characters: 0 };
  visit(result, size, 0);
}

function visit(value: Item, size: { characters: number }, depth: number): void {
  switch (typeof value) {
    case "string":
      count(size, value);
      return;
    case "number":
      if (!Number.isFinite(value)) throw noData(String(value));
      return;
    case "object":
      break;
    default:
      return;
  }
  if (value === null || value instanceof Decimal || value instanceof NumberToken) return;
  if (value instanceof FunctionValue) throw noData("a function");
  checkDepth(depth);
  if (isArray(value)) {
    spend(value.length);
    for (const entry of value) visit(entry, size, depth + 1);
    return;
  }
  for (const name of Object.keys(value)) {
    spend(1);
    count(size, name);
    visit(value[name] as Item, size, depth + 1);
  }
}

function count(size: { characters: number }, text: string): void {
  size.characters += text.length;
  if (size.characters > limits.textLength) {
    throw overLimit(
      "OUTPUT_SIZE",
      `The result would have more than ${limits.textLength} characters`,
    );
  }
}

function noData(found: string): ExpressionError {
  return new ExpressionError(
    "EXPRESSION_ERROR",
    "OUTPUT_INVALID",
    `The result is ${found}, which is no data`,
    0,
  );
}
