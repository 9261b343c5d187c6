import { Decimal } from "../core/decimal.ts";
import type { RecordFault } from "../core/fault.ts";
import type { JsonObject } from "../core/json.ts";
import { NumberToken } from "../core/number-token.ts";
import type { Value, ValueObject } from "../core/value.ts";
import type {
  CompiledExpression,
  EvaluationContext,
  ExpressionScope,
} from "../expression/expression.ts";
import { fieldWriter } from "../expression/field-writer.ts";
import type { FieldWriter } from "../expression/field-writer.ts";
import { checkFieldName } from "./field-names.ts";
import { expressionSchema } from "./operator.ts";
import type { ExpressionSource, OperatorContext, ResolveContext } from "./operator.ts";
import { expressionFault, outputFault } from "./record-faults.ts";

/** One line of `set`. */
export interface Assignment extends JsonObject {
  readonly field: string;
  readonly value: ExpressionSource;
}

export const setSchema = {
  type: "object",
  additionalProperties: expressionSchema,
  minProperties: 1,
} as const;

/** The lines of `set` in their order. Undefined after reporting. */
export function resolveAssignments(
  raw: JsonObject,
  context: ResolveContext,
  scope: ExpressionScope,
): readonly Assignment[] | undefined {
  const assignments: Assignment[] = [];
  let sound = true;
  for (const field of Object.keys(raw)) {
    const named = checkFieldName(field, ["set", field], context, "key");
    const value = context.expression(["set", field], scope);
    if (!named || value === undefined) sound = false;
    else assignments.push({ field, value });
  }
  return sound ? assignments : undefined;
}

/** `set` at work: each line sees what the lines before it made. */
export class Assignments {
  readonly #fields: readonly string[];
  readonly #writers: readonly FieldWriter[];
  readonly #expressions: readonly CompiledExpression[];
  readonly #sources: readonly ExpressionSource[];
  /** What the last `apply` without fault made. */
  value: ValueObject = {};
  exact = false;
  /** How many members `value` has more than its input; undefined if a line removed or replaced one. */
  added: number | undefined;

  constructor(assignments: readonly Assignment[], context: OperatorContext) {
    this.#fields = assignments.map(({ field }) => field);
    this.#writers = this.#fields.map(fieldWriter);
    this.#sources = assignments.map(({ value }) => value);
    this.#expressions = this.#sources.map((source) => context.compile(source));
  }

  /**
   * Sets the fields on a copy of `input`, found in `value`, `exact` and `added` afterwards. Absent leaves a field out or
   * removes it; an overwritten field keeps its place; new ones go to the end. A fault leaves nothing behind.
   */
  apply(input: ValueObject, exact: boolean, context: EvaluationContext): RecordFault | undefined {
    let working = copyOf(input);
    let written = 0;
    let line = 0;
    try {
      for (; line < this.#fields.length; line += 1) {
        const field = this.#fields[line] as string;
        const value = (this.#expressions[line] as CompiledExpression).evaluate(working, context);
        if (value === undefined) {
          if (Object.hasOwn(working, field)) working = without(working, field);
          continue;
        }
        if (typeof value === "object" && value !== null) {
          exact = true;
          if (!(value instanceof Decimal || value instanceof NumberToken)) {
            const fault = outputFault(value, field);
            if (fault !== undefined) return fault;
            // It may hold `working` itself, which must not become a part of its own.
            working = copyOf(working);
          }
        } else if (typeof value !== "string" && typeof value !== "boolean") {
          const fault = value === null ? undefined : outputFault(value, field);
          if (fault !== undefined) return fault;
        }
        (this.#writers[line] as FieldWriter)(working, value);
        written += 1;
      }
    } catch (error) {
      return expressionFault(
        error,
        this.#fields[line] as string,
        this.#sources[line] as ExpressionSource,
      );
    }
    this.value = working;
    this.exact = exact;
    const more = Object.keys(working).length - Object.keys(input).length;
    this.added = more === written ? written : undefined;
    return undefined;
  }
}

/**
 * A copy that takes new fields quickly. A spread would be shorter, but V8 adds fields to a spread of parsed JSON about
 * twenty times slower than to an object that grew field by field. `for in`: V8 then finds `value[name]` by its place.
 */
function copyOf(value: ValueObject): Record<string, Value> {
  // Only a spread copies a member of this name as plain data.
  if (Object.hasOwn(value, "__proto__")) return { ...value };
  const copy: Record<string, Value> = {};
  for (const name in value) copy[name] = value[name] as Value;
  return copy;
}

function without(value: ValueObject, field: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== field));
}
