import type { ResultFacts, StreamRecord } from "../core/record.ts";
import type { EvaluationContext } from "../expression/expression.ts";
import type { EvaluationScope } from "../operators/operator.ts";

/** The one mutable evaluation context of a run, pointed at record after record. */
export class RunEvaluation implements EvaluationScope {
  readonly context: EvaluationContext = {
    eventTimeMs: NaN,
    brokerTimeMs: NaN,
    processingTimeMs: NaN,
    result: undefined,
    error: undefined,
    late: undefined,
    index: 0,
    random: () => {
      throw new Error("random numbers exist in generate sources only");
    },
  };

  begin(record: StreamRecord): EvaluationContext {
    const context = this.context;
    context.eventTimeMs = record.eventTimeMs;
    context.brokerTimeMs = record.origin?.batch.timestampsMs?.[record.row] ?? NaN;
    context.result = record.result;
    context.error = record.error;
    context.late = record.late;
    return context;
  }

  beginResult(eventTimeMs: number, facts: ResultFacts): EvaluationContext {
    const context = this.context;
    context.eventTimeMs = eventTimeMs;
    context.brokerTimeMs = NaN;
    context.result = facts;
    context.error = undefined;
    context.late = undefined;
    return context;
  }
}
