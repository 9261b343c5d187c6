import { resolveAssignments } from "../operators/assignments.ts";
import type { JobSpec } from "../spec/job-spec.ts";
import type { DraftSink, DraftSource, DraftStep } from "./draft.ts";
import { defaults } from "./job-defaults.ts";
import { isLost } from "./lost-parts.ts";
import type { NodeContext } from "./node-context.ts";
import type { PlanSink, PlanSource, PlanStep, PortReference } from "./plan.ts";
import { isObject, numberOf, objectOf, textOf, textsOf } from "./raw.ts";

/** Each of these gives undefined after reporting. */

export function resolveSource(
  source: DraftSource,
  context: NodeContext,
  spec: JobSpec,
): PlanSource | undefined {
  const { raw, definition } = source;
  const idleTimeoutMs = context.durationMs(["watermark", "idle_timeout"]);
  if (idleTimeoutMs === 0) {
    context.report(["watermark", "idle_timeout"], {
      code: "SPEC_DURATION_RANGE",
      message: "an idle timeout of 0s would never wait for any partition",
      suggestion: "leave it out, so that partitions without records hold the watermark back",
    });
  }
  const watermark = {
    maxOutOfOrdernessMs:
      context.durationMs(["watermark", "max_out_of_orderness"]) ?? defaults.maxOutOfOrdernessMs,
    idleTimeoutMs: idleTimeoutMs ?? null,
    maxFutureSkewMs: context.durationMs(["watermark", "max_future_skew"]) ?? null,
  };
  const eventTime = resolveEventTime(source, context, spec);
  const config = definition.resolve(raw, context);
  if (config === undefined || eventTime === undefined || context.failed) return undefined;
  return {
    id: source.id,
    type: definition.type,
    config,
    bounded: definition.bounded,
    maxRecordBytes: numberOf(raw["max_record_bytes"]) ?? defaults.maxRecordBytes,
    eventTime,
    watermark,
  };
}

/** Null without one; undefined if it is faulty. */
function resolveEventTime(
  source: DraftSource,
  context: NodeContext,
  spec: JobSpec,
): PlanSource["eventTime"] | undefined {
  const { raw, path } = source;
  if (isLost(spec, [...path, "event_time"])) return undefined;
  if (raw["event_time"] === undefined) return null;
  const declared = objectOf(raw["event_time"]);
  const field = textOf(declared["field"]);
  const format = textOf(declared["format"]);
  if (field === undefined || format === undefined) return undefined;
  const parts = field.split(".");
  if (parts.some((part) => part.trim() === "")) {
    context.report(["event_time", "field"], {
      code: "SPEC_EVENT_TIME_FIELD",
      message: `${JSON.stringify(field)} is no path of a field`,
      suggestion: "write names joined by dots, such as `payload.created_at`",
    });
  }
  return { field: parts, format: format === "rfc3339" ? "rfc3339" : "epoch_millis" };
}

/** The step without its ports and stage, which the graph decides. */
export function resolveStep(
  step: DraftStep,
  context: NodeContext,
  inputs: readonly PortReference[],
): Omit<PlanStep, "ports" | "stage"> | undefined {
  const { raw, definition } = step;
  const config = definition.resolve(raw, context);
  if (config === undefined || context.failed) return undefined;
  return {
    id: step.id,
    type: definition.type,
    was: textOf(raw["was"]) ?? null,
    inputs,
    config,
    stateful: definition.stateful,
  };
}

export function resolveSink(
  sink: DraftSink,
  context: NodeContext,
  inputs: readonly PortReference[],
  rejects: boolean,
): PlanSink | undefined {
  const { raw, definition } = sink;
  const key = raw["key"] === undefined ? null : (context.expression(["key"], "sink") ?? null);
  const format = raw["format"] === "raw" ? "raw" : "json";
  const set = isObject(raw["set"])
    ? (resolveAssignments(raw["set"], context, "sink") ?? null)
    : null;
  if (format === "raw" && set !== null) {
    context.report(["set"], {
      code: "SPEC_RAW_SET",
      message: `sink ${sink.id} writes records as they came (\`format: raw\`), so it cannot have \`set\``,
      at: "key",
    });
  }
  const config = definition.resolve(raw, context);
  if (config === undefined || context.failed) return undefined;
  return { id: sink.id, type: definition.type, inputs, config, key, set, format, rejects };
}

/** `was:` must name a step that is gone, and only once. */
export function checkRenames(
  steps: ReadonlyMap<string, DraftStep>,
  contexts: ReadonlyMap<DraftStep | DraftSink, NodeContext>,
): void {
  const taken = new Map<string, string>();
  for (const step of steps.values()) {
    const [was] = textsOf(step.raw["was"]);
    if (was === undefined) continue;
    const other = steps.has(was) ? was : taken.get(was);
    taken.set(was, step.id);
    if (other === undefined) continue;
    contexts.get(step)?.report(["was"], {
      code: "SPEC_WAS_TAKEN",
      message: steps.has(was)
        ? `step ${was} is still in the job, so its state stays with it`
        : `steps ${other} and ${step.id} both claim the state of ${was}`,
    });
  }
}
