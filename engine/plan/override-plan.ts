import { EngineError } from "../core/errors.ts";
import { nearestName } from "../core/nearest.ts";
import type { Catalog } from "./catalog.ts";
import type { Plan, PlanSink, PlanSource } from "./plan.ts";
import { deepFreeze } from "./raw.ts";

/** What a run puts in place of the plan's own sources and sinks. Paths are absolute. */
export interface PlanOverrides {
  /** Source id -> file of newline-delimited values that is read instead. */
  readonly inputs: ReadonlyMap<string, string>;
  /** Each sink writes to `<directory>/<sink>.jsonl` instead. */
  readonly outputDirectory: string | undefined;
  readonly catalog: Catalog;
}

/** The plan with file sources and sinks as asked for. Throws EngineError USAGE for a source that the job does not have. */
export function overridePlan(plan: Plan, overrides: PlanOverrides): Plan {
  const { inputs, outputDirectory, catalog } = overrides;
  const ids = plan.sources.map(({ id }) => id);
  for (const id of inputs.keys()) {
    if (ids.includes(id)) continue;
    const near = nearestName(id, ids);
    throw new EngineError("USAGE", `--input: job ${plan.job} has no source "${id}"`, {
      hint: near === undefined ? `its sources are ${ids.join(", ")}` : `did you mean "${near}"?`,
    });
  }
  const fileSource = catalog.sources.find(({ type }) => type === "file");
  const sources = plan.sources.map((source): PlanSource => {
    const path = inputs.get(source.id);
    if (path === undefined) return source;
    if (fileSource === undefined)
      throw new EngineError("INTERNAL", "the catalog has no file source");
    return { ...source, type: "file", config: { path }, bounded: fileSource.bounded };
  });
  const sinks = plan.sinks.map((sink): PlanSink => {
    if (outputDirectory === undefined) return sink;
    const path = `${outputDirectory.replace(/\/+$/, "")}/${sink.id}.jsonl`;
    return { ...sink, type: "file", config: { path } };
  });
  return deepFreeze({ ...plan, sources, sinks });
}
