import type { JsonObject } from "../core/json.ts";
import type { StreamRecord } from "../core/record.ts";
import type { Value, ValueObject } from "../core/value.ts";
import { Assignments, resolveAssignments, setSchema } from "./assignments.ts";
import type { Assignment } from "./assignments.ts";
import { checkFieldName } from "./field-names.ts";
import type {
  EvaluationScope,
  Operator,
  OperatorContext,
  Outputs,
  ResolveContext,
  StepDefinition,
} from "./operator.ts";

type Out = "main" | "failed";

interface EnrichConfig extends JsonObject {
  readonly set: readonly Assignment[];
  /** Null: all fields go on. */
  readonly keep: readonly string[] | null;
}

class Enrich implements Operator<Out> {
  readonly #assignments: Assignments;
  /** Fields that go on: kept ones and those that `set` makes. Undefined: all. */
  readonly #going: ReadonlySet<string> | undefined;
  readonly #evaluation: EvaluationScope;

  constructor(config: EnrichConfig, context: OperatorContext) {
    this.#assignments = new Assignments(config.set, context);
    this.#going =
      config.keep === null
        ? undefined
        : new Set([...config.keep, ...config.set.map(({ field }) => field)]);
    this.#evaluation = context.evaluation;
  }

  onRecord(record: StreamRecord, out: Outputs<Out>): void {
    const assignments = this.#assignments;
    const fault = assignments.apply(record.value, record.exact, this.#evaluation.begin(record));
    if (fault !== undefined) {
      out.failed.emit(record, fault);
      return;
    }
    const { value, exact, added } = assignments;
    out.main.emit(
      this.#going === undefined
        ? record.withValue(value, exact, added)
        : record.withValue(only(value, this.#going), exact, undefined),
    );
  }
}

/** The named fields, in the order of the record. `__proto__` is never among the names. */
function only(value: ValueObject, names: ReadonlySet<string>): ValueObject {
  const kept: Record<string, Value> = {};
  for (const name of Object.keys(value)) {
    if (names.has(name)) kept[name] = value[name] as Value;
  }
  return kept;
}

function resolve(raw: JsonObject, context: ResolveContext): EnrichConfig | undefined {
  if (raw["set"] === undefined && raw["keep"] === undefined) {
    context.report([], {
      code: "SPEC_MISSING_FIELD",
      message: "enrich needs set, keep or both",
      at: "key",
    });
    return undefined;
  }
  const set = resolveAssignments((raw["set"] ?? {}) as JsonObject, context, "record");
  const keep = raw["keep"] === undefined ? null : resolveKeep(raw["keep"] as string[], context);
  return set === undefined || keep === undefined ? undefined : { set, keep };
}

function resolveKeep(
  names: readonly string[],
  context: ResolveContext,
): readonly string[] | undefined {
  let sound = true;
  for (const [index, name] of names.entries()) {
    if (!checkFieldName(name, ["keep", index], context, "value")) sound = false;
    else if (names.indexOf(name) < index) {
      context.report(["keep", index], {
        code: "SPEC_FIELD_REPEATED",
        message: `"${name}" is kept already`,
        at: "value",
      });
      sound = false;
    }
  }
  return sound ? [...names] : undefined;
}

/** Sets, replaces, removes and chooses fields of each record. */
export const enrich: StepDefinition = {
  type: "enrich",
  summary: "Sets, replaces, removes and chooses fields of each record.",
  configSchema: {
    type: "object",
    properties: {
      set: {
        ...setSchema,
        description:
          "Field -> expression, in order; later lines see earlier ones. Absent leaves the field out or removes it.",
      },
      keep: {
        type: "array",
        items: { type: "string" },
        description: "Only these fields, and those that `set` makes, go on.",
      },
    },
    additionalProperties: false,
  },
  ports: { main: "main", failed: "error" },
  stateful: false,
  absorbs: false,
  states: {},
  resolve,
  stateLayout: () => null,
  create: (config, context) => new Enrich(config as EnrichConfig, context),
};
