import type { RoundingMode } from "../core/decimal.ts";
import { formatDuration } from "../core/duration.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { nearestName } from "../core/nearest.ts";
import type { AggregateFunction } from "./accumulators.ts";
import { resolveAssignments, setSchema } from "./assignments.ts";
import type { Assignment } from "./assignments.ts";
import { checkFieldName } from "./field-names.ts";
import { keyLayout, keySchema, resolveKey } from "./key-fields.ts";
import type { KeyField } from "./key-fields.ts";
import { durationSchema, expressionSchema } from "./operator.ts";
import type { ExpressionSource, ResolveContext } from "./operator.ts";

/** One line of `aggregates`. */
export interface AggregateField extends JsonObject {
  readonly name: string;
  readonly function: AggregateFunction;
  /** Null for count. */
  readonly operand: ExpressionSource | null;
  readonly where: ExpressionSource | null;
  readonly scale: number | null;
  readonly rounding: RoundingMode;
}

export interface AggregateConfig extends JsonObject {
  readonly key: readonly KeyField[];
  readonly window: {
    readonly type: "tumbling";
    readonly sizeMs: number;
    readonly offsetMs: number;
  };
  readonly allowedLatenessMs: number;
  readonly emit: "final" | "updates";
  readonly aggregates: readonly AggregateField[];
  readonly set: readonly Assignment[];
}

const functions = ["count", "sum", "min", "max", "avg"] as const;
const reservedFunctions = ["count_distinct", "first", "last"] as const;
const reservedWindows = ["hopping", "session", "record", "trailing", "same", "none"] as const;
const roundingModes = ["half_up", "half_even", "down", "up", "floor", "ceiling"] as const;
const dayMs = 86_400_000;

const reserved = (name: string): JsonObject => ({
  type: ["string", "number", "boolean"],
  description: `Reserved: ${name} is not available yet.`,
});

export const aggregateSchema: JsonObject = {
  type: "object",
  properties: {
    key: {
      ...keySchema,
      description:
        "Results are made per key: a field, a path, a list of them, or name -> expression.",
    },
    window: {
      type: "object",
      description: "Which records belong to one result.",
      properties: {
        type: { type: "string", examples: ["tumbling"], description: "tumbling" },
        size: { ...durationSchema, description: "Length of a window." },
        offset: { ...durationSchema, description: "Shifts the windows' starts. Default 0s." },
      },
      required: ["type", "size"],
      additionalProperties: false,
    },
    allowed_lateness: {
      ...durationSchema,
      description:
        "How long a window stays open after the watermark has passed its end. Default 0s.",
    },
    emit: {
      enum: ["final", "updates"],
      description:
        "One result per window and key, or a first one and its revisions. Default final.",
    },
    aggregates: {
      type: "object",
      minProperties: 1,
      description: "Result field -> exactly one function.",
      additionalProperties: {
        type: "object",
        properties: {
          count: { type: "boolean", description: "`true`: counts records." },
          sum: {
            ...expressionSchema,
            description: "Exact for decimals; absent and null are skipped.",
          },
          min: { ...expressionSchema, description: "Smallest number, decimal or text." },
          max: { ...expressionSchema, description: "Largest number, decimal or text." },
          avg: { ...expressionSchema, description: "Average; decimals need a scale." },
          count_distinct: reserved("count_distinct"),
          first: reserved("first"),
          last: reserved("last"),
          where: { ...expressionSchema, description: "Only records for which this is true count." },
          scale: {
            type: "integer",
            minimum: 0,
            maximum: 100,
            description: "Digits behind the point; makes the result an exact decimal.",
          },
          rounding: { enum: roundingModes, description: "Default: the job's decimal.rounding." },
        },
        additionalProperties: false,
      },
    },
    set: {
      ...setSchema,
      description: "More fields of the result; may read keys, aggregates and $window.",
    },
  },
  required: ["key", "window", "aggregates"],
  additionalProperties: false,
};

/** Undefined after reporting. */
export function resolveAggregate(
  raw: JsonObject,
  context: ResolveContext,
): AggregateConfig | undefined {
  const key = resolveKey(raw["key"], context, true);
  const window = resolveWindow(raw["window"] as JsonObject | undefined, context);
  const allowedLatenessMs =
    raw["allowed_lateness"] === undefined ? 0 : context.durationMs(["allowed_lateness"]);
  const aggregates = resolveFields(raw["aggregates"] as JsonObject | undefined, key ?? [], context);
  const set = resolveAssignments((raw["set"] ?? {}) as JsonObject, context, "result");
  if (
    key === undefined ||
    window === undefined ||
    allowedLatenessMs === undefined ||
    aggregates === undefined ||
    set === undefined
  ) {
    return undefined;
  }
  const emit = raw["emit"] === "updates" ? "updates" : "final";
  return { key, window, allowedLatenessMs, emit, aggregates, set };
}

/** What of the config decides the layout of open windows in state. */
export function aggregateLayout(config: AggregateConfig): JsonValue {
  return {
    key: keyLayout(config.key),
    window: config.window,
    aggregates: config.aggregates.map((field) => [field.name, field.function]),
  };
}

function resolveWindow(
  raw: JsonObject | undefined,
  context: ResolveContext,
): AggregateConfig["window"] | undefined {
  if (raw === undefined) return undefined;
  const type = raw["type"];
  if (typeof type === "string" && type !== "tumbling") {
    reportWindowType(type, context);
    return undefined;
  }
  const sizeMs = context.durationMs(["window", "size"]);
  const offsetMs = raw["offset"] === undefined ? 0 : context.durationMs(["window", "offset"]);
  if (type === undefined || sizeMs === undefined || offsetMs === undefined) return undefined;
  if (sizeMs === 0) {
    context.report(["window", "size"], {
      code: "SPEC_DURATION_RANGE",
      message: "a window of zero length would hold nothing",
      at: "value",
    });
    return undefined;
  }
  if (offsetMs >= sizeMs) {
    context.report(["window", "offset"], {
      code: "SPEC_DURATION_RANGE",
      message: `offset must be below the window's size of ${formatDuration(sizeMs)}, found ${formatDuration(offsetMs)}`,
      at: "value",
    });
    return undefined;
  }
  if (sizeMs < dayMs ? dayMs % sizeMs !== 0 : sizeMs % dayMs !== 0) {
    context.report(["window", "size"], {
      code: "SPEC_WINDOW_UNEVEN",
      severity: "warning",
      message: `windows of ${formatDuration(sizeMs)} do not divide a day evenly: they start at other times of day each day`,
      at: "value",
    });
  }
  return { type: "tumbling", sizeMs, offsetMs };
}

function reportWindowType(type: string, context: ResolveContext): void {
  if ((reservedWindows as readonly string[]).includes(type)) {
    context.report(["window", "type"], {
      code: "SPEC_NOT_AVAILABLE",
      message: `${type} windows are not available yet`,
      suggestion: "use tumbling",
      at: "value",
    });
    return;
  }
  const nearest = nearestName(type, ["tumbling"]);
  context.report(["window", "type"], {
    code: "SPEC_WINDOW_TYPE",
    message: `unknown window type "${type}"; known is tumbling`,
    ...(nearest === undefined ? {} : { suggestion: `did you mean "${nearest}"?` }),
    at: "value",
  });
}

function resolveFields(
  raw: JsonObject | undefined,
  key: readonly KeyField[],
  context: ResolveContext,
): readonly AggregateField[] | undefined {
  if (raw === undefined) return undefined;
  const fields: AggregateField[] = [];
  let sound = true;
  for (const name of Object.keys(raw)) {
    const named = checkFieldName(name, ["aggregates", name], context, "key");
    const repeated = key.some((field) => field.name === name);
    if (repeated) {
      context.report(["aggregates", name], {
        code: "SPEC_FIELD_REPEATED",
        message: `the key has a field named "${name}" already`,
        at: "key",
      });
    }
    const field = resolveField(name, raw[name] as JsonObject, context);
    if (!named || repeated || field === undefined) sound = false;
    else fields.push(field);
  }
  return sound ? fields : undefined;
}

function resolveField(
  name: string,
  raw: JsonObject,
  context: ResolveContext,
): AggregateField | undefined {
  const path = ["aggregates", name];
  const notYet = reservedFunctions.find((word) => raw[word] !== undefined);
  if (notYet !== undefined) {
    context.report([...path, notYet], {
      code: "SPEC_NOT_AVAILABLE",
      message: `the aggregate ${notYet} is not available yet`,
      at: "key",
    });
    return undefined;
  }
  const given = functions.filter((word) => raw[word] !== undefined);
  const [used] = given;
  if (used === undefined || given.length > 1) {
    context.report(path, {
      code: "SPEC_AGGREGATE_FUNCTION",
      message:
        used === undefined
          ? `"${name}" needs one function of ${functions.join(", ")}`
          : `"${name}" has ${given.length} functions (${given.join(", ")}), exactly one is allowed`,
      at: "key",
    });
    return undefined;
  }
  const options = resolveOptions(name, used, raw, context);
  const where =
    raw["where"] === undefined ? null : context.expression([...path, "where"], "record");
  const operand = used === "count" ? null : context.expression([...path, used], "record");
  if (options === undefined || where === undefined || operand === undefined) return undefined;
  return { name, function: used, operand, where, ...options };
}

function resolveOptions(
  name: string,
  used: AggregateFunction,
  raw: JsonObject,
  context: ResolveContext,
): { readonly scale: number | null; readonly rounding: RoundingMode } | undefined {
  const report = (option: string, message: string): undefined => {
    context.report(["aggregates", name, option], {
      code: "SPEC_AGGREGATE_OPTION",
      message,
      at: "key",
    });
  };
  const scale = raw["scale"] as number | undefined;
  if (used === "count") {
    if (raw["count"] !== true) return report("count", "write count: true, or leave it out");
    if (scale !== undefined) return report("scale", "count has no scale: it is a whole number");
  }
  if (raw["rounding"] !== undefined && scale === undefined) {
    return report("rounding", "rounding says nothing without a scale");
  }
  const rounding = (raw["rounding"] as RoundingMode | undefined) ?? context.rounding;
  return { scale: scale ?? null, rounding };
}
