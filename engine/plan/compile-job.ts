import { dirname } from "node:path";
import type { Finding } from "../core/finding.ts";
import type { JobSpec } from "../spec/job-spec.ts";
import type { Catalog } from "./catalog.ts";
import { readDraft } from "./draft.ts";
import type { Draft, DraftSink, DraftStep } from "./draft.ts";
import { checkFields } from "./fields.ts";
import { Findings } from "./findings.ts";
import { Flow } from "./flow.ts";
import { checkConsumption, orderSteps } from "./graph.ts";
import { JobFiles } from "./job-files.ts";
import type { PlanFiles } from "./job-files.ts";
import { readSettings } from "./job-settings.ts";
import type { JobSettings } from "./job-settings.ts";
import { lintJob } from "./lints.ts";
import { NodeContext } from "./node-context.ts";
import type { JobContext } from "./node-context.ts";
import type { Plan, PlanSink, PlanSource, PlanStep, StateLayout } from "./plan.ts";
import { deepFreeze } from "./raw.ts";
import { checkRenames, resolveSink, resolveSource, resolveStep } from "./resolve-nodes.ts";
import { readTables } from "./tables.ts";
import { WiringReader } from "./wiring.ts";
import type { Wiring } from "./wiring.ts";

/** What compiling a job needs from outside. */
export interface PlanEnvironment extends PlanFiles {
  readonly catalog: Catalog;
  /** Folder that relative paths start from when the job runs; default: the folder of the spec's file. */
  readonly baseDirectory?: string;
}

/**
 * Resolves a spec to a plan: frozen plain JSON with every default. Undefined with findings of severity `error`. All
 * findings come at once and nothing is thrown. Parts that the structural check left out are not reported again, so a
 * plan is only to be trusted if `readSpec` gave no errors either.
 */
export function compileJob(
  spec: JobSpec,
  environment: PlanEnvironment,
): { plan: Plan | undefined; findings: readonly Finding[] } {
  const findings = new Findings(spec);
  const { catalog } = environment;
  const draft = readDraft(spec, catalog, findings);
  const reader = new WiringReader(draft, findings);
  const wiring = reader.read(spec);
  const order = orderSteps(draft, wiring, findings);
  checkConsumption(draft, wiring, reader, findings);

  const settings = readSettings(spec, findings);
  const files = new JobFiles(environment, findings);
  const tables = readTables(spec, files, findings);
  const shared = {
    tables: new Map([...tables].map(([name, { table }]) => [name, table])),
    parameters: settings.parameters,
    rounding: settings.rounding,
  };
  const nodes = new NodeResolver(spec, draft, wiring, {
    findings,
    file: spec.file,
    positions: spec.positions,
    files,
    compileContexts: {
      record: { ...shared, scope: "record" },
      sink: { ...shared, scope: "sink" },
      result: { ...shared, scope: "result" },
      generate: { ...shared, scope: "generate" },
    },
    secrets: settings.secrets,
    rounding: settings.rounding,
    kafka: settings.kafka,
  });

  const flow = new Flow(draft, wiring, reader, order);
  flow.check(nodes.sources, findings);
  checkFields(draft, order, wiring, reader, nodes.contexts);
  lintJob(draft, wiring, { sources: [...nodes.sources.values()], sinks: nodes.sinks }, findings);

  const complete = draft.complete && !findings.failed && nodes.complete;
  const plan = complete
    ? assemble(settings, nodes, flow, order, {
        draft,
        baseDirectory: environment.baseDirectory ?? dirname(spec.file),
        tables: [...tables.values()].map((table) => table.plan),
        discarded: wiring.discarded,
      })
    : undefined;
  return { plan, findings: findings.sorted };
}

/** Every node's config, resolved by its definition. */
class NodeResolver {
  readonly sources = new Map<string, PlanSource>();
  readonly steps = new Map<string, Omit<PlanStep, "ports" | "stage">>();
  readonly sinks: readonly PlanSink[];
  readonly contexts = new Map<DraftStep | DraftSink, NodeContext>();
  /** False if some node could not be resolved. */
  readonly complete: boolean;

  constructor(spec: JobSpec, draft: Draft, wiring: Wiring, job: JobContext) {
    for (const source of draft.sources.values()) {
      const context = new NodeContext(source.raw, source.path, job);
      const resolved = resolveSource(source, context, spec);
      if (resolved !== undefined) this.sources.set(source.id, resolved);
    }
    for (const step of draft.steps.values()) {
      const context = new NodeContext(step.raw, step.path, job);
      this.contexts.set(step, context);
      const resolved = resolveStep(step, context, wiring.steps.get(step.id) ?? []);
      if (resolved !== undefined) this.steps.set(step.id, resolved);
    }
    checkRenames(draft.steps, this.contexts);
    const sinks: PlanSink[] = [];
    for (const sink of draft.sinks.values()) {
      const context = new NodeContext(sink.raw, sink.path, job);
      this.contexts.set(sink, context);
      const rejects = !wiring.errorSinks.has(sink.id);
      const resolved = resolveSink(sink, context, wiring.sinks.get(sink.id) ?? [], rejects);
      if (resolved !== undefined) sinks.push(resolved);
    }
    // Sinks that consume error ports stand behind those whose `rejected` they may read.
    this.sinks = [
      ...sinks.filter((sink) => sink.rejects),
      ...sinks.filter((sink) => !sink.rejects),
    ];
    this.complete =
      this.sources.size === draft.sources.size &&
      this.steps.size === draft.steps.size &&
      this.sinks.length === draft.sinks.size;
  }
}

function assemble(
  settings: JobSettings,
  nodes: NodeResolver,
  flow: Flow,
  order: readonly string[],
  parts: Pick<Plan, "baseDirectory" | "tables" | "discarded"> & { readonly draft: Draft },
): Plan {
  const steps: PlanStep[] = [];
  const stateLayout: StateLayout[] = [];
  for (const id of order) {
    const resolved = nodes.steps.get(id);
    const draft = parts.draft.steps.get(id);
    if (resolved === undefined || draft === undefined) continue;
    steps.push({ ...resolved, ports: flow.portsOf(draft), stage: flow.stageOf(id) });
    if (!resolved.stateful) continue;
    stateLayout.push({
      step: id,
      was: resolved.was,
      type: resolved.type,
      states: draft.definition.states,
      layout: draft.definition.stateLayout(resolved.config),
    });
  }
  const plan: Plan = {
    kind: "plan",
    version: 1,
    job: settings.job,
    description: settings.description,
    baseDirectory: parts.baseDirectory,
    rounding: settings.rounding,
    checkpoint: settings.checkpoint,
    kafka: settings.kafka,
    parameters: Object.fromEntries(settings.parameters),
    tables: parts.tables,
    sources: [...nodes.sources.values()],
    steps,
    sinks: nodes.sinks,
    discarded: parts.discarded,
    stateLayout,
  };
  // The copy shares nothing with definitions or the spec, and holds nothing but JSON.
  const copy: Plan = JSON.parse(JSON.stringify(plan));
  return deepFreeze(copy);
}
