import { excerpt } from "../core/json-text.ts";
import { ExpressionError } from "./expression.ts";
import { Sequence } from "./values.ts";

/** An error of one record: `reason` is JSONata's code or ours, `offset` the start of the faulty token. */
export function failure(reason: string, message: string, offset: number): ExpressionError {
  return new ExpressionError("EXPRESSION_ERROR", reason, message, offset);
}

/** A value as messages show it. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  return excerpt(value instanceof Sequence ? value.items : value, 80);
}
