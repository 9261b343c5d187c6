import { parseDuration } from "../core/duration.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { RoundingMode } from "../core/decimal.ts";
import type { JobSpec, SpecPath } from "../spec/job-spec.ts";
import type { Findings } from "./findings.ts";
import { defaults, roundingModes } from "./job-defaults.ts";
import { durationFault } from "./node-context.ts";
import type { Plan } from "./plan.ts";
import { isObject, numberOf, objectOf, textOf } from "./raw.ts";

/** What a spec says of the job as a whole, defaults filled in. */
export interface JobSettings {
  readonly job: string;
  readonly description: string | null;
  readonly rounding: RoundingMode;
  readonly checkpoint: Plan["checkpoint"];
  readonly kafka: JsonObject;
  readonly parameters: ReadonlyMap<string, string | number | boolean>;
  readonly secrets: ReadonlySet<string>;
}

export function readSettings(spec: JobSpec, findings: Findings): JobSettings {
  const { root, parameters } = spec;
  const checkpoint = objectOf(root["checkpoint"]);
  const secrets = new Set([...parameters].filter(([, { secret }]) => secret).map(([name]) => name));
  return {
    job: textOf(root["name"]) ?? "",
    description: textOf(root["description"]) ?? null,
    rounding: roundingOf(root["decimal"]),
    checkpoint: {
      intervalMs: checkpointIntervalMs(checkpoint["interval"], findings),
      maxBytes: numberOf(checkpoint["max_bytes"]) ?? defaults.checkpoint.maxBytes,
      maxRecords: numberOf(checkpoint["max_records"]) ?? defaults.checkpoint.maxRecords,
    },
    kafka: objectOf(withoutSecrets(spec, secrets, findings)),
    parameters: new Map(
      [...parameters].flatMap(([name, { value, secret }]) => (secret ? [] : [[name, value]])),
    ),
    secrets,
  };
}

function roundingOf(decimal: JsonValue | undefined): RoundingMode {
  const written = textOf(objectOf(decimal)["rounding"]);
  return roundingModes.find((mode) => mode === written) ?? defaults.rounding;
}

function checkpointIntervalMs(value: JsonValue | undefined, findings: Findings): number {
  if (value === undefined) return defaults.checkpoint.intervalMs;
  const intervalMs = typeof value === "string" ? parseDuration(value) : undefined;
  if (intervalMs !== undefined && intervalMs > 0) return intervalMs;
  findings.report(
    ["checkpoint", "interval"],
    intervalMs === 0
      ? {
          code: "SPEC_DURATION_RANGE",
          message: "checkpoints need an interval longer than 0s",
          suggestion: "write `60s`",
        }
      : durationFault(value),
  );
  return defaults.checkpoint.intervalMs;
}

/**
 * The `kafka:` block with `{ secret: name }` for each value that is a secret parameter: a plan is shown and stored,
 * so no secret may be in it. Outside this block the reader of the spec refuses secrets.
 */
function withoutSecrets(
  spec: JobSpec,
  secrets: ReadonlySet<string>,
  findings: Findings,
): JsonValue | undefined {
  const walk = (value: JsonValue, path: SpecPath): JsonValue => {
    if (Array.isArray(value)) {
      return value.map((item: JsonValue, index) => walk(item, [...path, index]));
    }
    if (isObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([name, member]) => [name, walk(member, [...path, name])]),
      );
    }
    const written = spec.positions.sourceText(path)?.trim() ?? "";
    const name = [...secrets].find((secret) => written.includes(`\${${secret}}`));
    if (name === undefined) return value;
    if (!/^(["']?)\$\{[^}]*\}\1$/.test(written)) {
      findings.report(path, {
        code: "SPEC_SECRET_PART",
        message: `the secret parameter ${name} must be the whole value here`,
        suggestion: `write only \`\${${name}}\``,
      });
    }
    return { secret: name };
  };
  const kafka = spec.root["kafka"];
  return kafka === undefined || secrets.size === 0 ? kafka : walk(kafka, ["kafka"]);
}
