import type { StreamRecord } from "../core/record.ts";
import type { Value } from "../core/value.ts";
import type { CompiledExpression, EvaluationContext } from "./expression.ts";

/** Evaluates over a record's value, which stays unread where the expression only names a member that is at hand. */
export function evaluateRecord(
  expression: CompiledExpression,
  record: StreamRecord,
  context: EvaluationContext,
): Value | undefined {
  const { field } = expression;
  const atHand = field === undefined ? undefined : record.memberAtHand(field);
  return atHand ?? expression.evaluate(record.value, context);
}
