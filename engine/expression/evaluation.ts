import type { EvaluationContext } from "./expression.ts";

/** The context of the evaluation that is going on. Evaluation is synchronous and never nested, so there is one. */
export const evaluation: { context: EvaluationContext } = {
  context: {
    eventTimeMs: Number.NaN,
    brokerTimeMs: Number.NaN,
    processingTimeMs: Number.NaN,
    result: undefined,
    error: undefined,
    late: undefined,
    index: 0,
    random: () => 0,
  },
};
