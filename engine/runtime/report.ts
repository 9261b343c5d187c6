import { faultTypes } from "../core/fault.ts";
import type { FaultCode } from "../core/fault.ts";
import type { JsonObject } from "../core/json.ts";
import type { Plan } from "../plan/plan.ts";
import type { Connections } from "./connections.ts";
import type { Graph } from "./graph.ts";
import type { NodeCounters } from "./node-counters.ts";
import type { RunSummary } from "./run.ts";

type Figures = Pick<RunSummary, "nodes" | "faults" | "windows" | "outputs">;

function nodeName({ node, kind }: NodeCounters): string {
  return kind === "sink" ? `sinks.${node}` : node;
}

/** Counters of all nodes by name, for the commit record. */
export function countersSnapshot(graph: Graph): JsonObject {
  return Object.fromEntries(graph.counters.map((one) => [nodeName(one), one.snapshot()]));
}

export function restoreCounters(graph: Graph, snapshot: JsonObject): void {
  for (const counters of graph.counters) {
    const saved = snapshot[nodeName(counters)] as JsonObject | undefined;
    if (saved !== undefined) counters.restore(saved);
  }
}

/** Records on error ports, of all nodes. */
export function rejectedCount(graph: Graph, plan: Plan): number {
  let count = 0;
  for (const counters of graph.counters) {
    for (const port of errorPortsOf(counters, plan)) count += counters.ports.get(port) ?? 0;
  }
  return count;
}

function errorPortsOf({ node, kind }: NodeCounters, plan: Plan): readonly string[] {
  if (kind !== "step") return ["rejected"];
  const step = plan.steps.find(({ id }) => id === node);
  return (step?.ports ?? []).filter((port) => port.kind === "error").map(({ name }) => name);
}

export function openWindows(graph: Graph): number {
  let count = 0;
  for (const { operator } of graph.steps) count += operator.figures?.()["open_windows"] ?? 0;
  return count;
}

/** Smallest watermark of the stateful steps; undefined while some step has none. */
export function smallestWatermark(graph: Graph): number | undefined {
  let smallest = Infinity;
  for (const { clock } of graph.steps) {
    if (clock !== undefined) smallest = Math.min(smallest, clock.watermark);
  }
  return Number.isFinite(smallest) ? smallest : undefined;
}

export function figuresOf(graph: Graph, plan: Plan, connections: Connections): Figures {
  const made = graph.counters.reduce((sum, counters) => sum + counters.made, 0);
  const stateOf = new Map(
    graph.steps.map(({ counters, operator }) => [counters, operator.figures?.()]),
  );
  return {
    nodes: graph.counters.map((counters) => ({
      node: nodeName(counters),
      kind: counters.kind,
      in: counters.in,
      ports: Object.fromEntries(counters.ports),
      absorbed: counters.absorbed,
      made: counters.made,
      state: stateOf.get(counters) ?? {},
    })),
    faults: graph.counters.flatMap((counters) =>
      [...counters.faults].map(([code, count]) => ({
        node: nodeName(counters),
        type: faultTypes[code satisfies FaultCode],
        code,
        count,
      })),
    ),
    windows: { fired: made, open: openWindows(graph) },
    outputs: plan.sinks.map(({ id }) => ({
      sink: id,
      target: targetName(connections, id),
      records:
        graph.counters
          .find((one) => one.kind === "sink" && one.node === id)
          ?.ports.get("written") ?? 0,
    })),
  };
}

/** The file, or the system and topic, that a sink writes to. */
function targetName(connections: Connections, sinkId: string): string {
  const file = connections.files.get(sinkId);
  if (file !== undefined) return file.name;
  const topic = connections.topicOf.get(sinkId);
  const target = topic === undefined ? undefined : connections.targets.get(topic.targetId);
  return target === undefined || topic === undefined ? sinkId : (target.topics[topic.topic] ?? "");
}
