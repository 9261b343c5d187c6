import { Decimal } from "../core/decimal.ts";
import { formatInstant } from "../core/event-time.ts";
import type { RecordFault } from "../core/fault.ts";
import { excerpt } from "../core/json-text.ts";
import { NumberToken } from "../core/number-token.ts";
import type { Value, ValueObject } from "../core/value.ts";
import { ExpressionError } from "../expression/expression.ts";
import type { CompiledExpression, EvaluationContext } from "../expression/expression.ts";
import { placeText } from "../expression/place.ts";
import type { ExpressionSource } from "./operator.ts";

/** The fault of a record that an expression refused. Whatever is not its doing is thrown on. */
export function expressionFault(
  error: unknown,
  subject: string,
  source: ExpressionSource,
): RecordFault {
  if (!(error instanceof ExpressionError)) throw error;
  const { code, message, reason, offset } = error;
  return {
    code,
    message: `${subject}: ${message}`,
    details: { reason, ...placed(source, offset) },
  };
}

/** Member `at` of an envelope: where in the job file the cause stands. */
function placed({ place, expression }: ExpressionSource, offset: number): ValueObject {
  if (place === undefined) return {};
  // The start of a block scalar may be blanks.
  const visible = offset === 0 ? Math.max(0, expression.search(/\S/)) : offset;
  return { at: placeText(place, visible) };
}

/** A condition's answer. Absent counts as false: what a record lacks cannot be fulfilled. */
export function judge(
  condition: CompiledExpression,
  value: ValueObject,
  context: EvaluationContext,
  subject: string,
  source: ExpressionSource,
): boolean | RecordFault {
  let answer: Value | undefined;
  try {
    answer = condition.evaluate(value, context);
  } catch (error) {
    return expressionFault(error, subject, source);
  }
  if (typeof answer === "boolean") return answer;
  if (answer === undefined) return false;
  return {
    code: "EXPRESSION_ERROR",
    message: `${subject}: must be true or false, found ${excerpt(answer)}`,
    details: { reason: "NOT_BOOLEAN", ...placed(source, 0) },
  };
}

/** What keeps a value out of a record: something that JSON cannot say. Undefined if nothing does. */
export function outputFault(value: unknown, subject: string): RecordFault | undefined {
  const found = notJson(value);
  if (found === undefined) return undefined;
  return { code: "OUTPUT_INVALID", message: `${subject}: ${found} cannot be in a record` };
}

function notJson(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : String(value);
    case "object": {
      if (value === null || value instanceof Decimal || value instanceof NumberToken) {
        return undefined;
      }
      for (const member of Object.values(value)) {
        // JSON leaves absent members out.
        const found = member === undefined ? undefined : notJson(member);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    default:
      return `a ${typeof value}`;
  }
}

/** An instant or watermark for messages. */
export function instantText(ms: number): string {
  return Number.isFinite(ms) ? formatInstant(ms) : "the end of the input";
}
