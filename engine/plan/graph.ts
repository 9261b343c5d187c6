import type { Draft } from "./draft.ts";
import type { Findings } from "./findings.ts";
import type { PortReference } from "./plan.ts";
import { portName } from "./wiring.ts";
import type { Wiring, WiringReader } from "./wiring.ts";

/**
 * Step ids so that each stands behind its inputs, in the order of the spec where that leaves a choice.
 * Cycles are reported with their path; their steps come last.
 */
export function orderSteps(draft: Draft, wiring: Wiring, findings: Findings): readonly string[] {
  const order: string[] = [];
  const waiting = new Set(draft.steps.keys());
  const blockers = (id: string): readonly string[] =>
    (wiring.steps.get(id) ?? []).map((port) => port.node).filter((node) => waiting.has(node));
  while (waiting.size > 0) {
    const before = waiting.size;
    for (const id of waiting) {
      if (blockers(id).length > 0) continue;
      waiting.delete(id);
      order.push(id);
    }
    if (waiting.size < before) continue;
    const found = findCycle([...waiting][0] ?? "", blockers);
    // The one that comes first in the spec stands for it.
    const first = [...waiting].find((id) => found.includes(id)) ?? "";
    const cycle = [...found.slice(found.indexOf(first)), ...found.slice(0, found.indexOf(first))];
    findings.report([...(draft.steps.get(first)?.path ?? []), "input"], {
      code: "SPEC_CYCLE",
      message: `these steps read each other in a circle: ${[...cycle, first].join(" -> ")}`,
    });
    for (const id of cycle) {
      waiting.delete(id);
      order.push(id);
    }
  }
  return order;
}

/** Follows inputs upstream until a step comes again; given in the direction records flow. */
function findCycle(start: string, inputsOf: (id: string) => readonly string[]): readonly string[] {
  const trail: string[] = [];
  let id = start;
  while (!trail.includes(id)) {
    trail.push(id);
    id = inputsOf(id)[0] ?? id;
  }
  return trail.slice(trail.indexOf(id)).toReversed();
}

/** Side ports that may stay open: the author asked for what leaves there. Every other one must be read or discarded. */
const mayStayOpen: ReadonlySet<string> = new Set(["dropped"]);

/** Every record must go somewhere: ports that nothing reads, and ports both read and discarded. */
export function checkConsumption(
  draft: Draft,
  wiring: Wiring,
  reader: WiringReader,
  findings: Findings,
): void {
  const read = new Set([...wiring.steps.values(), ...wiring.sinks.values()].flat().map(portName));
  const discarded = new Set(wiring.discarded.map(portName));
  for (const port of wiring.discarded) {
    if (!read.has(portName(port))) continue;
    findings.report(["discard"], {
      code: "SPEC_DISCARD_READ",
      message: `${portName(port)} is discarded and also read`,
      suggestion: "remove it from `discard:` or from the input",
      at: "key",
    });
  }
  // What reads a broken node, or what a broken node would have read, is unknown.
  if (!draft.complete) return;
  const open = (port: PortReference): boolean =>
    !read.has(portName(port)) && !discarded.has(portName(port));

  for (const source of draft.sources.values()) {
    if (!open({ node: source.id, port: "main" })) continue;
    findings.report(source.path, {
      code: "SPEC_SOURCE_UNREAD",
      message: `nothing reads source ${source.id}`,
      suggestion: `name "${source.id}" as the input of a step or sink, or write \`discard: [${source.id}.main]\``,
      at: "key",
    });
  }
  for (const step of draft.steps.values()) {
    for (const [port, kind] of Object.entries(step.definition.ports)) {
      if (!open({ node: step.id, port })) continue;
      const name = `${step.id}.${port}`;
      if (kind === "main") {
        findings.report([...step.path, "id"], {
          code: "SPEC_STEP_DEAD",
          message: `nothing reads what step ${step.id} passes on`,
          suggestion: `name "${step.id}" as the input of a step or sink, or write \`discard: [${name}]\``,
        });
      } else if (kind === "side" && !mayStayOpen.has(port)) {
        findings.report([...step.path, "id"], {
          code: "SPEC_PORT_UNCONSUMED",
          message: `nothing reads ${name}: its records would vanish`,
          suggestion: `add "${name}" to the input of a sink, or write \`discard: [${name}]\``,
        });
      }
    }
  }
  for (const port of reader.errorPorts(wiring.errorSinks)) {
    if (!open(port)) continue;
    const name = portName(port);
    const node = draft.steps.get(port.node);
    const path = node === undefined ? nodePath(port.node) : [...node.path, "id"];
    findings.report(path, {
      code: "SPEC_PORT_UNCONSUMED",
      message: `nothing reads the error port ${name}: its records would vanish`,
      suggestion: `add "errors" or "${name}" to the input of a sink, or write \`discard: [${name}]\``,
      at: node === undefined ? "key" : "value",
    });
  }
}

function nodePath(node: string): readonly string[] {
  return node.startsWith("sinks.") ? ["sinks", node.slice("sinks.".length)] : ["sources", node];
}

/** Ids of every source and step whose records can reach step `id`. */
export function upstreamOf(
  inputs: readonly PortReference[],
  stepInputs: (id: string) => readonly PortReference[] | undefined,
): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = inputs.map((port) => port.node);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...(stepInputs(node) ?? []).map((port) => port.node));
  }
  return seen;
}
