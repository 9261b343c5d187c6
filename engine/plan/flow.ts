import type { Draft, DraftStep } from "./draft.ts";
import { keyNames } from "./fields.ts";
import type { Findings } from "./findings.ts";
import { upstreamOf } from "./graph.ts";
import type { PlanPort, PlanSource, PlanStep, PortReference, PortShape } from "./plan.ts";
import type { Wiring, WiringReader } from "./wiring.ts";

const facts: PortShape = { kind: "facts" };

/** What moves through the graph: shapes of ports, stages of steps, and which steps may not stand where they do. */
export class Flow {
  readonly #draft: Draft;
  readonly #wiring: Wiring;
  readonly #reader: WiringReader;
  readonly #shapes = new Map<string, PortShape>();
  readonly #stages = new Map<string, PlanStep["stage"]>();
  /** Steps on whose main port stand results, which no single source record lies behind. */
  readonly #makers = new Set<string>();

  /** `order`: all steps, each behind its inputs. */
  constructor(draft: Draft, wiring: Wiring, reader: WiringReader, order: readonly string[]) {
    this.#draft = draft;
    this.#wiring = wiring;
    this.#reader = reader;
    for (const id of order) {
      const step = draft.steps.get(id);
      if (step !== undefined) this.#follow(step);
    }
  }

  #inputs(id: string): readonly PortReference[] {
    return this.#wiring.steps.get(id) ?? [];
  }

  #follow(step: DraftStep): void {
    const { id, definition } = step;
    const inputs = this.#inputs(id);
    const makes = definition.outputDelayMs !== undefined;
    const given = inputs.map((port) => this.#shapeOf(port)).find(({ kind }) => kind === "changes");
    this.#shapes.set(id, makes ? resultShape(step) : (given ?? facts));
    if (makes || inputs.some((port) => this.#isMade(port))) this.#makers.add(id);
    const intake =
      !definition.stateful &&
      inputs.every(({ node }) => this.#draft.sources.has(node) || this.stageOf(node) === "intake");
    this.#stages.set(id, intake ? "intake" : "state");
  }

  #isMade(port: PortReference): boolean {
    return this.#makers.has(port.node) && this.#reader.kindOf(port) === "main";
  }

  /** Shape of what a port carries; side ports of stateless steps carry what came in. */
  #shapeOf(port: PortReference): PortShape {
    const kind = this.#reader.kindOf(port);
    if (kind === "error") return facts;
    const step = this.#draft.steps.get(port.node);
    const ofMain = this.#shapes.get(port.node) ?? facts;
    return kind === "side" && step?.definition.outputDelayMs !== undefined ? facts : ofMain;
  }

  stageOf(stepId: string): PlanStep["stage"] {
    return this.#stages.get(stepId) ?? "state";
  }

  portsOf(step: DraftStep): readonly PlanPort[] {
    return Object.entries(step.definition.ports).map(([name, kind]) => ({
      name,
      kind,
      shape: this.#shapeOf({ node: step.id, port: name }),
    }));
  }

  check(sources: ReadonlyMap<string, PlanSource>, findings: Findings): void {
    for (const step of this.#draft.steps.values()) this.#checkStep(step, findings);
    for (const sink of this.#draft.sinks.values()) {
      const made = (this.#wiring.sinks.get(sink.id) ?? []).find((port) => this.#isMade(port));
      if (made === undefined || sink.raw["format"] !== "raw") continue;
      findings.report([...sink.path, "format"], {
        code: "SPEC_RAW_RESULT",
        message: `\`format: raw\` writes source records as they came, but ${made.node} carries results, which have no source record`,
      });
    }
    this.#checkEventTime(sources, findings);
  }

  #checkStep(step: DraftStep, findings: Findings): void {
    const inputs = this.#inputs(step.id);
    const path = [...step.path, "input"];
    if (step.definition.stateful && this.#wiring.behindErrors.has(step.id)) {
      findings.report(path, {
        code: "SPEC_STATE_BEHIND_ERRORS",
        message: `step ${step.id} (${step.definition.type}) keeps state, but it stands behind an error port`,
        suggestion: "behind an error port only stateless steps are possible",
      });
    }
    const changes = inputs.filter((port) => this.#shapeOf(port).kind === "changes");
    const [first] = changes;
    if (first === undefined) return;
    if (step.definition.stateful) {
      findings.report(path, {
        code: "SPEC_CHANGES_INPUT",
        message: `step ${step.id} (${step.definition.type}) would count every revision of a result as a record: ${first.node} carries changes (\`emit: updates\`)`,
        suggestion: "use `emit: final` there",
      });
    } else if (changes.length < inputs.length) {
      findings.report(path, {
        code: "SPEC_CHANGES_MIXED",
        message: `step ${step.id} would mix revisions of results (${first.node}) with records`,
        suggestion: "read them in steps of their own",
      });
    }
  }

  #checkEventTime(sources: ReadonlyMap<string, PlanSource>, findings: Findings): void {
    const stateful = [...this.#draft.steps.values()].filter((step) => step.definition.stateful);
    for (const source of this.#draft.sources.values()) {
      // A source that failed to resolve has been reported.
      if (sources.get(source.id)?.eventTime !== null) continue;
      const step = stateful.find(({ id }) =>
        upstreamOf(this.#inputs(id), (node) => this.#wiring.steps.get(node)).has(source.id),
      );
      if (step === undefined) continue;
      findings.report(source.path, {
        code: "SPEC_EVENT_TIME_MISSING",
        message: `source ${source.id} needs \`event_time\`: step ${step.id} (${step.definition.type}) works by it`,
        suggestion: "write `event_time: { field: ..., format: rfc3339 }`",
        at: "key",
        related: [findings.place([...step.path, "id"], `step ${step.id}`)],
      });
    }
  }
}

/** Results are facts once they are final; with revisions they are changes of the result of a key. */
function resultShape(step: DraftStep): PortShape {
  if (step.raw["emit"] !== "updates") return facts;
  return { kind: "changes", key: keyNames(step.raw["key"]) ?? [] };
}
