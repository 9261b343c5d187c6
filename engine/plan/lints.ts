import { formatDuration, parseDuration } from "../core/duration.ts";
import type { JsonObject } from "../core/json.ts";
import type { Draft } from "./draft.ts";
import type { Findings } from "./findings.ts";
import { upstreamOf } from "./graph.ts";
import type { PlanSink, PlanSource } from "./plan.ts";
import { objectOf, textOf, valueAt } from "./raw.ts";
import type { Wiring } from "./wiring.ts";

/** Warnings about jobs that are valid but hardly mean what they say, and errors about outputs that collide. */
export function lintJob(
  draft: Draft,
  wiring: Wiring,
  nodes: { readonly sources: readonly PlanSource[]; readonly sinks: readonly PlanSink[] },
  findings: Findings,
): void {
  lintOutOfOrderness(draft, wiring, nodes.sources, findings);
  lintTtl(draft, wiring, findings);
  checkOutputs(draft, nodes.sinks, findings);
  checkInputsAgainstOutputs(draft, nodes, findings);
}

function durationOf(raw: JsonObject, ...path: string[]): number | undefined {
  const text = textOf(valueAt(raw, path));
  return text === undefined ? undefined : parseDuration(text);
}

function lintOutOfOrderness(
  draft: Draft,
  wiring: Wiring,
  sources: readonly PlanSource[],
  findings: Findings,
): void {
  const windows = [...draft.steps.values()].filter(({ raw }) => raw["window"] !== undefined);
  const upstream = new Set(
    windows.flatMap(({ id }) => [
      ...upstreamOf(wiring.steps.get(id) ?? [], (node) => wiring.steps.get(node)),
    ]),
  );
  for (const { id, watermark } of sources) {
    const source = draft.sources.get(id);
    if (watermark.maxOutOfOrdernessMs > 0 || !upstream.has(id) || source === undefined) continue;
    findings.report([...source.path, "watermark", "max_out_of_orderness"], {
      code: "SPEC_LINT_OUT_OF_ORDERNESS",
      severity: "warning",
      message: `source ${id} allows no out-of-orderness: any record older than the newest one may be late`,
      suggestion: "set `watermark: { max_out_of_orderness: ... }`",
    });
  }
}

/** A window takes records as old as its size and lateness; a shorter ttl refuses some of them before. */
function lintTtl(draft: Draft, wiring: Wiring, findings: Findings): void {
  for (const window of draft.steps.values()) {
    const sizeMs = durationOf(window.raw, "window", "size");
    if (sizeMs === undefined) continue;
    const latenessMs = durationOf(window.raw, "allowed_lateness") ?? 0;
    const upstream = upstreamOf(wiring.steps.get(window.id) ?? [], (id) => wiring.steps.get(id));
    for (const id of upstream) {
      const dedupe = draft.steps.get(id);
      const ttlMs = dedupe && durationOf(dedupe.raw, "ttl");
      if (dedupe === undefined || ttlMs === undefined || ttlMs >= sizeMs + latenessMs) continue;
      findings.report([...dedupe.path, "ttl"], {
        code: "SPEC_LINT_TTL_LATENESS",
        severity: "warning",
        message: `step ${window.id} still takes records up to ${formatDuration(sizeMs + latenessMs)} behind the watermark, but ${id} refuses them after ${formatDuration(ttlMs)}`,
        suggestion: `a ttl of at least ${formatDuration(sizeMs + latenessMs)} lets them pass`,
        related: [findings.place([...window.path, "window"], "this window", "key")],
      });
    }
  }
}

/** What a sink writes to: its topic, or its files. */
function targetOf(
  draft: Draft,
  sink: PlanSink,
): { readonly names: readonly string[]; readonly topic: boolean } {
  const { delivered } = draft.sinks.get(sink.id)?.definition ?? {};
  if (delivered === undefined) return { names: pathsOf(draft, sink), topic: false };
  const target = `${delivered.targetId(sink.config)} ${delivered.topic(sink.config)}`;
  return { names: [target], topic: true };
}

function pathsOf(draft: Draft, sink: PlanSink): readonly string[] {
  const paths = draft.sinks.get(sink.id)?.definition.paths?.(sink.config) ?? [];
  return paths.map(plainPath);
}

function plainPath(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "." && part !== "")
    .join("/");
}

function checkOutputs(draft: Draft, sinks: readonly PlanSink[], findings: Findings): void {
  const taken = new Map<string, string>();
  for (const sink of sinks) {
    const target = targetOf(draft, sink);
    const names = target.names.map((name) => `${sink.type} ${name}`);
    const before = names.map((one) => taken.get(one)).find((id) => id !== undefined);
    for (const one of names) taken.set(one, taken.get(one) ?? sink.id);
    if (before === undefined) continue;
    const field = target.topic ? "topic" : "path";
    findings.report(["sinks", sink.id, field], {
      code: target.topic ? "SPEC_LINT_TOPIC_SHARED" : "SPEC_OUTPUT_SHARED",
      severity: target.topic ? "warning" : "error",
      message: target.topic
        ? `sinks ${before} and ${sink.id} write to the same topic`
        : `sinks ${before} and ${sink.id} write to the same file`,
      suggestion: target.topic
        ? "one sink may have several inputs"
        : "one sink may have several inputs; `<file>.committed` is the marker of `<file>`",
      related: [findings.place(["sinks", before, field], `sink ${before}`)],
    });
  }
}

function checkInputsAgainstOutputs(
  draft: Draft,
  nodes: { readonly sources: readonly PlanSource[]; readonly sinks: readonly PlanSink[] },
  findings: Findings,
): void {
  for (const sink of nodes.sinks) {
    const delivered = draft.sinks.get(sink.id)?.definition.delivered;
    const topic = delivered?.topic(sink.config);
    const paths = pathsOf(draft, sink);
    const field = topic === undefined ? "path" : "topic";
    for (const source of nodes.sources) {
      if (source.type !== sink.type) continue;
      const same =
        topic === undefined
          ? paths.includes(plainPath(textOf(source.config["path"]) ?? ""))
          : topic === objectOf(source.config)["topic"];
      if (!same) continue;
      findings.report(["sinks", sink.id, field], {
        code: "SPEC_OUTPUT_IS_INPUT",
        message: `sink ${sink.id} writes to what source ${source.id} reads: the job would feed itself`,
        related: [findings.place(["sources", source.id, field], `source ${source.id}`)],
      });
    }
  }
}
