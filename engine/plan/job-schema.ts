import type { JsonObject } from "../core/json.ts";
import { setSchema } from "../operators/assignments.ts";
import { durationSchema, expressionSchema } from "../operators/operator.ts";
import { namePattern, parametersSchema } from "../spec/parameter-schema.ts";
import type { Catalog } from "./catalog.ts";
import { roundingModes } from "./job-defaults.ts";
import { objectOf, textsOf } from "./raw.ts";

const id = { type: "string", pattern: namePattern } as const;

const reference = {
  type: ["string", "array"],
  items: { type: "string" },
  minItems: 1,
} as const;

function described(schema: JsonObject, description: string): JsonObject {
  return { ...schema, description };
}

function duration(description: string): JsonObject {
  return described(durationSchema, description);
}

function closed(
  properties: JsonObject,
  required: readonly string[],
  description?: string,
): JsonObject {
  return {
    type: "object",
    ...(description === undefined ? {} : { description }),
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

/** Common fields first, then those of the definition; whatever else the definition's schema says is kept. */
function variant(
  definition: {
    readonly type: string;
    readonly summary: string;
    readonly configSchema: JsonObject;
  },
  common: JsonObject,
  required: readonly string[],
): JsonObject {
  const { properties, required: own, ...rest } = definition.configSchema;
  const type = { const: definition.type, description: definition.summary };
  return {
    ...rest,
    ...closed(
      { type, ...common, ...objectOf(properties) },
      ["type", ...required, ...textsOf(own)],
      definition.summary,
    ),
  };
}

function named(values: JsonObject, description: string): JsonObject {
  return { type: "object", description, propertyNames: id, additionalProperties: values };
}

const checkpoint = closed(
  {
    interval: duration(
      "Time between two checkpoints; outputs become visible at them. Default 60s.",
    ),
    max_bytes: {
      type: "integer",
      minimum: 1_024,
      description: "A checkpoint is taken earlier after this many bytes read. Default 64 MB.",
    },
    max_records: {
      type: "integer",
      minimum: 1,
      description: "A checkpoint is taken earlier after this many records. Default 500000.",
    },
  },
  [],
);

const sourceFields: JsonObject = {
  format: { enum: ["json"], description: "How records are decoded. Default json." },
  event_time: closed(
    {
      field: { type: "string", description: "Path of the field, such as `payload.created_at`." },
      format: { enum: ["rfc3339", "epoch_millis"] },
    },
    ["field", "format"],
    "Where the event time of a record stands; needed as soon as a stateful step is downstream.",
  ),
  watermark: closed(
    {
      max_out_of_orderness: duration("How far the watermark trails the largest event time seen."),
      idle_timeout: duration(
        "After this long without records a partition no longer holds the watermark back. Results then depend on the wall clock.",
      ),
      max_future_skew: duration(
        "A record whose event time is later than its broker timestamp by more than this is rejected.",
      ),
    },
    [],
  ),
  max_record_bytes: {
    type: "integer",
    minimum: 1,
    maximum: 268_435_456,
    description: "Larger records are rejected. Default 1 MB.",
  },
};

const stepFields: JsonObject = {
  id: described(id, "Name of the step and identity of its state."),
  input: described(
    reference,
    "A source, a step (its main port), `step.port`, or a list of them. Default: the step above.",
  ),
  was: described(id, "The id this step had before it was renamed: its state is carried over."),
};

const sinkFields: JsonObject = {
  input: described(
    reference,
    "A source, a step (its main port), `step.port`, or a list of them; `errors` = every error port that nothing else consumes.",
  ),
  key: described(
    expressionSchema,
    "Key of the output record: text as it is, anything else as JSON.",
  ),
  set: described(setSchema, "Replaces the record: output field -> expression."),
  format: {
    enum: ["json", "raw"],
    description: "`raw` writes the bytes of the source record as they came. Default json.",
  },
};

const table = closed(
  {
    key: { type: "string", minLength: 1, description: "Name of the key column." },
    values: {
      type: "object",
      description: "Columns and their types.",
      additionalProperties: { enum: ["decimal", "text", "number", "boolean"] },
    },
    rows: {
      type: "object",
      description: "Rows by their key.",
      additionalProperties: {
        type: "object",
        additionalProperties: { type: ["string", "number", "boolean"] },
      },
    },
    file: { type: "string", description: "A CSV file (RFC 4180, with a header) or a JSON file." },
  },
  ["key", "values"],
);

/**
 * The JSON Schema (draft 2020-12, without `$ref`) of a whole job document. `x-pipeline` marks texts that are
 * expressions or durations; steps, sources and sinks are discriminated by the constant of their `type`.
 */
export function jobSchema(catalog: Catalog): JsonObject {
  const steps = catalog.steps.map((step) => variant(step, stepFields, ["id"]));
  const sources = catalog.sources.map((source) => variant(source, sourceFields, []));
  const sinks = catalog.sinks.map((sink) => variant(sink, sinkFields, ["input"]));
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "pipeline job",
    ...closed(
      {
        version: { const: 1, description: "Version of the grammar." },
        name: {
          type: "string",
          pattern: "^[a-z][a-z0-9_-]*$",
          maxLength: 100,
          description:
            "Name of the job: of its state directory and of its marks beside its outputs.",
        },
        description: { type: "string" },
        parameters: parametersSchema,
        ...(catalog.kafkaSchema === undefined
          ? {}
          : {
              kafka: described(
                catalog.kafkaSchema,
                "The cluster that sources and sinks of type kafka use.",
              ),
            }),
        checkpoint,
        decimal: closed(
          { rounding: { enum: [...roundingModes], description: "Default half_up." } },
          [],
          "Rounding of exact decimals where an expression names none.",
        ),
        sources: named({ oneOf: sources }, "Where records come from."),
        tables: named(table, "Reference tables that `$row` and `$has_row` read."),
        steps: { type: "array", description: "What happens to them.", items: { oneOf: steps } },
        sinks: named({ oneOf: sinks }, "Where outputs go."),
        discard: {
          type: "array",
          items: { type: "string" },
          description: "Ports closed on purpose, such as `dedupe.duplicates`.",
        },
      },
      ["version", "name", "sources", "sinks"],
    ),
  };
}
