import { EngineError } from "../../core/errors.ts";
import { serializeValue } from "../../core/json-text.ts";
import type { Value } from "../../core/value.ts";
import type { CompiledExpression, EvaluationContext } from "../../expression/expression.ts";
import { ExpressionError } from "../../expression/expression.ts";
import { placeText } from "../../expression/place.ts";
import type { ExpressionPlace } from "../../expression/place.ts";
import { recordRandom } from "./random.ts";

/** Independent random streams of one record. */
const fieldStream = 0;
const malformedStream = 1;
const repeatStream = 2;

export interface RecordRecipe {
  readonly seed: number;
  /** In order: later fields may read earlier ones. */
  readonly set: readonly {
    readonly field: string;
    readonly value: CompiledExpression;
    readonly place: ExpressionPlace | undefined;
  }[];
  /** Share of records whose JSON text is cut. */
  readonly malformedOdds: number;
  /** Share of records that repeat one of the last `repeatWithin`. Less than 1. */
  readonly repeatOdds: number;
  readonly repeatWithin: number;
}

/** Text of record `index`: a pure function of recipe and index. Throws EngineError SPEC_INVALID if an expression fails. */
export function recordText(
  recipe: RecordRecipe,
  index: number,
  evaluation: EvaluationContext,
): string {
  return ownText(recipe, repeatedIndex(recipe, index), evaluation);
}

/** The record that `index` repeats, through repeats of repeats; `index` itself if it is none. */
function repeatedIndex(recipe: RecordRecipe, index: number): number {
  if (recipe.repeatOdds === 0) return index;
  let at = index;
  while (at > 0) {
    const random = recordRandom(recipe.seed, at, repeatStream);
    if (random() >= recipe.repeatOdds) break;
    at -= 1 + Math.floor(random() * Math.min(recipe.repeatWithin, at));
  }
  return at;
}

function ownText(recipe: RecordRecipe, index: number, evaluation: EvaluationContext): string {
  const text = serializeValue(makeValue(recipe, index, evaluation));
  if (recipe.malformedOdds === 0) return text;
  const random = recordRandom(recipe.seed, index, malformedStream);
  if (random() >= recipe.malformedOdds) return text;
  // No proper part of an object's text from its start is JSON.
  return text.slice(0, 1 + Math.floor(random() * (text.length - 1)));
}

function makeValue(
  recipe: RecordRecipe,
  index: number,
  evaluation: EvaluationContext,
): Record<string, Value> {
  evaluation.index = index;
  evaluation.random = recordRandom(recipe.seed, index, fieldStream);
  evaluation.eventTimeMs = Number.NaN;
  evaluation.brokerTimeMs = Number.NaN;
  evaluation.result = undefined;
  evaluation.error = undefined;
  evaluation.late = undefined;
  const made: Record<string, Value> = {};
  for (const { field, value, place } of recipe.set) {
    try {
      const result = value.evaluate(made, evaluation);
      if (result !== undefined) made[field] = result;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw new EngineError(
        "SPEC_INVALID",
        `generated record ${index}: field ${field}: ${error.message}`,
        {
          hint:
            place === undefined
              ? `the expression is: ${value.source}`
              : `see ${placeText(place, error.offset)}`,
          cause: error,
        },
      );
    }
  }
  return made;
}
