import type { RecordFault } from "../core/fault.ts";
import type { JsonObject } from "../core/json.ts";
import type { StreamRecord } from "../core/record.ts";
import type { CompiledExpression } from "../expression/expression.ts";
import type { RecordSchema } from "../schema/record-schema.ts";
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

type Out = "main" | "rejected";

interface Rule extends JsonObject {
  readonly assert: ExpressionSource;
  readonly message: string;
}

interface ValidateConfig extends JsonObject {
  readonly schema: JsonObject | null;
  readonly rules: readonly Rule[];
}

interface CompiledRule {
  readonly holds: CompiledExpression;
  readonly assert: ExpressionSource;
  readonly message: string;
}

class Validate implements Operator<Out> {
  readonly #schema: RecordSchema | undefined;
  readonly #rules: readonly CompiledRule[];
  readonly #evaluation: EvaluationScope;

  constructor(config: ValidateConfig, context: OperatorContext) {
    this.#schema = config.schema === null ? undefined : context.recordSchema(config.schema);
    this.#rules = config.rules.map(({ assert, message }) => ({
      holds: context.compile(assert),
      assert,
      message,
    }));
    this.#evaluation = context.evaluation;
  }

  onRecord(record: StreamRecord, out: Outputs<Out>): void {
    let valid = record;
    if (this.#schema !== undefined) {
      const outcome = this.#schema.check(record.value, record.exact);
      if ("code" in outcome) {
        out.rejected.emit(record, outcome);
        return;
      }
      // Decimals keep their token, so the text still holds.
      if (outcome.value !== record.value) valid = record.withValue(outcome.value, outcome.exact, 0);
    }
    const fault = this.#firstViolation(valid);
    if (fault === undefined) out.main.emit(valid);
    // The record as it came: decimals that the schema made do not belong to its fault.
    else out.rejected.emit(record, fault);
  }

  #firstViolation(record: StreamRecord): RecordFault | undefined {
    if (this.#rules.length === 0) return undefined;
    const context = this.#evaluation.begin(record);
    for (const { assert, holds, message } of this.#rules) {
      const answer = judge(holds, record.value, context, assert.expression, assert);
      if (answer === true) continue;
      if (answer === false) return { code: "RULE_VIOLATION", message };
      const cause = `${message} (${answer.code}: ${answer.message})`;
      return { ...answer, code: "RULE_VIOLATION", message: cause };
    }
    return undefined;
  }
}

function resolve(raw: JsonObject, context: ResolveContext): ValidateConfig | undefined {
  if (raw["schema"] === undefined && raw["rules"] === undefined) {
    context.report([], {
      code: "SPEC_MISSING_FIELD",
      message: "validate needs a schema, rules or both",
      at: "key",
    });
    return undefined;
  }
  const schema = raw["schema"] === undefined ? null : context.schema(["schema"]);
  const rules: Rule[] = [];
  const rawRules = (raw["rules"] ?? []) as readonly JsonObject[];
  let sound = schema !== undefined;
  for (const [index, rule] of rawRules.entries()) {
    const assert = context.expression(["rules", index, "assert"], "record");
    if (assert === undefined) {
      sound = false;
      continue;
    }
    const { message } = rule;
    rules.push({
      assert,
      message: typeof message === "string" ? message : `does not hold: ${assert.expression}`,
    });
  }
  return sound ? { schema: schema ?? null, rules } : undefined;
}

/** Passes records that match a JSON Schema and fulfil every rule; makes exact what the schema declares as decimal. */
export const validate: StepDefinition = {
  type: "validate",
  summary: "Passes records that match a JSON Schema and fulfil every rule.",
  configSchema: {
    type: "object",
    properties: {
      schema: {
        type: "string",
        description: "Path of a JSON Schema (draft 2020-12), relative to this file.",
      },
      rules: {
        type: "array",
        minItems: 1,
        description: "Checked in order; the first one that does not hold rejects the record.",
        items: {
          type: "object",
          properties: {
            assert: { ...expressionSchema, description: "Must be true. Absent counts as false." },
            message: { type: "string", description: "What the record's error says." },
          },
          required: ["assert"],
          additionalProperties: false,
        },
      },
    },
    additionalProperties: false,
  },
  ports: { main: "main", rejected: "error" },
  stateful: false,
  absorbs: false,
  states: {},
  resolve,
  stateLayout: () => null,
  create: (config, context) => new Validate(config as ValidateConfig, context),
};
