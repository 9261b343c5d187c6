import type { Finding } from "../../engine/core/finding.ts";
import type { JsonObject } from "../../engine/core/json.ts";
import type { SpecResult } from "../../engine/spec/job-spec.ts";
import { readSpec } from "../../engine/spec/read-spec.ts";
import type { ParameterSources } from "../../engine/spec/read-spec.ts";

/** A job schema of the shape that `plan/` builds, made by hand: this layer knows no step types. */

const expression = { type: ["string", "number", "boolean"], "x-pipeline": "expression" };
const duration = { type: "string", "x-pipeline": "duration" };
const positive = { ...duration, minimum: 1 };
const id = { type: "string", pattern: "^[a-z][a-z0-9_]*$" };
const reference = { type: ["string", "array"], items: { type: "string" }, minItems: 1 };
const set = { type: "object", additionalProperties: expression };

function closed(properties: JsonObject, required: readonly string[] = []): JsonObject {
  return { type: "object", properties, required, additionalProperties: false };
}

function step(type: string, fields: JsonObject, required: readonly string[] = []): JsonObject {
  return closed({ type: { const: type }, id, input: reference, was: id, ...fields }, [
    "type",
    "id",
    ...required,
  ]);
}

const operand = { where: expression, scale: { type: "integer", minimum: 0, maximum: 30 } };
const aggregate = {
  ...closed({
    count: { const: true },
    sum: expression,
    min: expression,
    max: expression,
    avg: expression,
    rounding: { enum: ["half_up", "half_even"] },
    ...operand,
  }),
  oneOf: ["count", "sum", "min", "max", "avg"].map((name) => ({ required: [name] })),
};

const sourceFields = {
  format: { enum: ["json"] },
  event_time: closed({ field: { type: "string" }, format: { enum: ["rfc3339", "epoch_millis"] } }, [
    "field",
    "format",
  ]),
  watermark: closed({
    max_out_of_orderness: duration,
    idle_timeout: duration,
    max_future_skew: duration,
  }),
  max_record_bytes: { type: "integer", minimum: 1, maximum: 268_435_456 },
};
const sinkFields = { input: reference, key: expression, set, format: { enum: ["json"] } };

export const sampleSchema: JsonObject = closed(
  {
    version: { const: 1 },
    name: { type: "string", pattern: "^[a-z][a-z0-9_-]*$", maxLength: 100 },
    description: { type: "string" },
    kafka: closed({
      bootstrap_servers: { type: "string" },
      tls: { type: ["boolean", "object"], properties: { key: { type: "string" } } },
      sasl: closed({
        mechanism: { enum: ["plain", "scram-sha-512"] },
        username: { type: "string" },
        password: { type: "string" },
      }),
      embedded: closed({ partitions: { type: "integer", minimum: 1, maximum: 1000 } }),
    }),
    checkpoint: closed({ interval: positive, max_records: { type: "integer", minimum: 1 } }),
    decimal: closed({ rounding: { enum: ["half_up", "half_even", "down"] } }),
    sources: {
      type: "object",
      propertyNames: id,
      additionalProperties: {
        oneOf: [
          closed(
            {
              type: { const: "kafka" },
              ...sourceFields,
              topic: { type: "string", minLength: 1 },
              start: { enum: ["earliest", "latest"] },
            },
            ["type", "topic"],
          ),
          closed({ type: { const: "file" }, ...sourceFields, path: { type: "string" } }, [
            "type",
            "path",
          ]),
          closed(
            {
              type: { const: "generate" },
              count: { type: "integer", minimum: 0 },
              rate: { type: "number", exclusiveMinimum: 0 },
              shuffle: { type: "boolean" },
              set,
            },
            ["type", "count"],
          ),
        ],
      },
    },
    tables: {
      type: "object",
      propertyNames: id,
      additionalProperties: closed(
        {
          key: { type: "string", minLength: 1 },
          values: {
            type: "object",
            additionalProperties: { enum: ["decimal", "text", "number", "boolean"] },
          },
          rows: {
            type: "object",
            additionalProperties: {
              type: "object",
              additionalProperties: { type: ["string", "number", "boolean"] },
            },
          },
          file: { type: "string" },
        },
        ["key", "values"],
      ),
    },
    steps: {
      type: "array",
      items: {
        oneOf: [
          step("filter", { where: expression }, ["where"]),
          step("enrich", { set, keep: { type: "array", items: { type: "string" } } }),
          {
            ...step("validate", {
              schema: { type: "string" },
              rules: {
                type: "array",
                minItems: 1,
                items: closed({ assert: expression, message: { type: "string" } }, ["assert"]),
              },
            }),
            anyOf: [{ required: ["schema"] }, { required: ["rules"] }],
          },
          step(
            "dedupe",
            {
              key: { oneOf: [expression, { type: "array", items: expression }, set] },
              ttl: positive,
              granularity: positive,
            },
            ["key", "ttl"],
          ),
          step(
            "aggregate",
            {
              key: { oneOf: [expression, { type: "array", items: expression }, set] },
              window: closed({ type: { enum: ["tumbling"] }, size: positive, offset: duration }, [
                "type",
                "size",
              ]),
              allowed_lateness: duration,
              emit: { enum: ["final", "updates"] },
              aggregates: { type: "object", minProperties: 1, additionalProperties: aggregate },
              set,
            },
            ["key", "window", "aggregates"],
          ),
        ],
      },
    },
    sinks: {
      type: "object",
      propertyNames: id,
      additionalProperties: {
        oneOf: [
          closed({ type: { const: "kafka" }, ...sinkFields, topic: { type: "string" } }, [
            "type",
            "input",
            "topic",
          ]),
          closed({ type: { const: "file" }, ...sinkFields, path: { type: "string" } }, [
            "type",
            "input",
            "path",
          ]),
        ],
      },
    },
    discard: { type: "array", items: { type: "string" } },
  },
  ["version", "name", "sources", "sinks"],
);

const noParameters: ParameterSources = {
  arguments: new Map(),
  file: undefined,
  environment: {},
};

export function readText(
  text: string | Uint8Array,
  parameters: Partial<ParameterSources> = {},
): SpecResult {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return readSpec("jobs/job.yaml", bytes, {
    jobSchema: sampleSchema,
    parameters: { ...noParameters, ...parameters },
  });
}

/** `12:5 SPEC_UNKNOWN_FIELD`, one a finding. */
export function codes(findings: readonly Finding[]): readonly string[] {
  return findings.map((finding) => `${finding.line}:${finding.column} ${finding.code}`);
}

/** A job that is right but for `lines`, which are put in at its top level. */
export function job(...lines: readonly string[]): string {
  const defaults: Record<string, string> = {
    version: "version: 1",
    name: "name: job",
    sources: "sources: { in: { type: file, path: in.jsonl } }",
    sinks: "sinks: { out: { type: file, input: in, path: out.jsonl } }",
  };
  const given = lines.length === 0 ? [] : lines.join("\n").split("\n");
  const rest = Object.entries(defaults).filter(
    ([name]) => !given.some((line) => line.startsWith(`${name}:`)),
  );
  return `${[...given, ...rest.map(([, line]) => line)].join("\n")}\n`;
}
