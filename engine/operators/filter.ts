import type { JsonObject } from "../core/json.ts";
import type { StreamRecord } from "../core/record.ts";
import type { CompiledExpression } from "../expression/expression.ts";
import { expressionSchema } from "./operator.ts";
import type {
  EvaluationScope,
  ExpressionSource,
  Operator,
  OperatorContext,
  Outputs,
  ResolveContext,
  StepDefinition,
} from "./operator.ts";
import { judge } from "./record-faults.ts";

type Out = "main" | "dropped" | "failed";

interface FilterConfig extends JsonObject {
  readonly where: ExpressionSource;
}

class Filter implements Operator<Out> {
  readonly #where: CompiledExpression;
  readonly #source: ExpressionSource;
  readonly #evaluation: EvaluationScope;

  constructor(config: FilterConfig, context: OperatorContext) {
    this.#where = context.compile(config.where);
    this.#source = config.where;
    this.#evaluation = context.evaluation;
  }

  onRecord(record: StreamRecord, out: Outputs<Out>): void {
    const context = this.#evaluation.begin(record);
    const kept = judge(this.#where, record.value, context, "where", this.#source);
    if (kept === true) out.main.emit(record);
    else if (kept === false) out.dropped.emit(record);
    else out.failed.emit(record, kept);
  }
}

function resolve(_raw: JsonObject, context: ResolveContext): FilterConfig | undefined {
  const where = context.expression(["where"], "record");
  return where === undefined ? undefined : { where };
}

/** Keeps the records for which a condition is true. */
export const filter: StepDefinition = {
  type: "filter",
  summary: "Keeps the records for which a condition is true.",
  configSchema: {
    type: "object",
    properties: {
      where: {
        ...expressionSchema,
        description: "Records for which this is true go on; absent counts as false.",
      },
    },
    required: ["where"],
    additionalProperties: false,
  },
  ports: { main: "main", dropped: "side", failed: "error" },
  stateful: false,
  absorbs: false,
  states: {},
  resolve,
  stateLayout: () => null,
  create: (config, context) => new Filter(config as FilterConfig, context),
};
