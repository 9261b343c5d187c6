import { parseDuration } from "../core/duration.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { RoundingMode } from "../core/decimal.ts";
import type { JobSpec, SpecPath } from "../spec/job-spec.ts";
import type { Findings } from "./findings.ts";
import { defaults } from "./job-defaults.ts";
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
    rounding: (textOf(objectOf(root["decimal"])["rounding"]) ?? defaults.rounding) as RoundingMode,
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
 * so no secret may be in it. Anywhere else in the spec a secret is refused.
 */
function withoutSecrets(
  spec: JobSpec,
  secrets: ReadonlySet<string>,
  findings: Findings,
): JsonValue | undefined {
  const kafka = spec.root["kafka"];
  if (secrets.size === 0) return kafka;
  const secretAt = (path: SpecPath): string | undefined => {
    const written = spec.positions.sourceText(path);
    return [...secrets].find((name) => written?.includes(`\${${name}}`));
  };
  const walk = (value: JsonValue, path: SpecPath): JsonValue => {
    if (Array.isArray(value)) {
      return value.map((item: JsonValue, index) => walk(item, [...path, index]));
    }
    if (isObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([name, member]) => [name, walk(member, [...path, name])]),
      );
    }
    const name = secretAt(path);
    if (name === undefined) return value;
    const whole = /^["']?\$\{[^}]*\}["']?$/.test(spec.positions.sourceText(path)?.trim() ?? "");
    if (path[0] === "kafka" && whole) return { secret: name };
    findings.report(path, {
      code: "SPEC_SECRET_PLACE",
      message: `the secret parameter "${name}" cannot stand here: it would show up in the plan and in outputs`,
      suggestion: "secrets may only be whole values of client settings under `kafka:`",
    });
    return value;
  };
  for (const [name, value] of Object.entries(spec.root)) {
    if (name !== "kafka" && name !== "parameters") walk(value, [name]);
  }
  return kafka === undefined ? undefined : walk(kafka, ["kafka"]);
}
