import { Decimal, decimalText } from "../core/decimal.ts";
import { excerpt } from "../core/json-text.ts";
import { ExpressionError } from "./expression.ts";
import { FunctionValue, Sequence } from "./values.ts";

/** An error of one record: `reason` is JSONata's code or ours, `offset` the start of the faulty token. */
export function failure(reason: string, message: string, offset: number): ExpressionError {
  return new ExpressionError("EXPRESSION_ERROR", reason, message, offset);
}

/** A value as messages show it. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value instanceof Decimal) return decimalText(value);
  if (value instanceof FunctionValue) return "a function";
  return excerpt(value instanceof Sequence ? value.items : value, 80);
}
