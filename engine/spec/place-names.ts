import type { SpecPath } from "./job-spec.ts";
import type { SpecNode } from "./spec-node.ts";

/** What kind of object a path leads to: decides which words of other systems have a name here. */
export type ObjectKind =
  | "job"
  | "kafka"
  | "checkpoint"
  | "parameter"
  | "source"
  | "event_time"
  | "watermark"
  | "table"
  | "step"
  | "window"
  | "aggregate"
  | "rule"
  | "sink";

const kindsByTop: Readonly<Record<string, ObjectKind>> = {
  parameters: "parameter",
  sources: "source",
  tables: "table",
  steps: "step",
  sinks: "sink",
};

const innerKinds: readonly ObjectKind[] = ["event_time", "watermark", "window"];

export function objectKind(path: SpecPath): ObjectKind | undefined {
  const [top, , field] = path;
  if (top === undefined) return "job";
  if (top === "kafka") return "kafka";
  if (top === "checkpoint" && path.length === 1) return "checkpoint";
  const kind = Object.hasOwn(kindsByTop, top) ? kindsByTop[top] : undefined;
  if (path.length === 2) return kind;
  if (path.length === 3) return innerKinds.find((name) => name === field);
  if (path.length === 4 && field === "aggregates") return "aggregate";
  if (path.length === 4 && field === "rules") return "rule";
  return undefined;
}

/** Path of the source, step, sink, table or parameter that `path` lies in; undefined outside of them. */
export function ownerPath(path: SpecPath): SpecPath | undefined {
  const [top] = path;
  return path.length >= 2 && top !== undefined && Object.hasOwn(kindsByTop, top)
    ? path.slice(0, 2)
    : undefined;
}

export function ownerNoun(path: SpecPath): string {
  return kindsByTop[String(path[0])] ?? "object";
}

/** `step by_region`, `sink dlq`; `steps[3]` for a step without id. */
function ownerName(owner: SpecPath, root: SpecNode): string {
  const [top, name] = owner;
  if (typeof name === "string") return `${ownerNoun(owner)} ${name}`;
  const list = root.kind === "map" ? root.members.get(String(top))?.value : undefined;
  const item = list?.kind === "list" && typeof name === "number" ? list.items[name] : undefined;
  const id = item?.kind === "map" ? item.members.get("id")?.value : undefined;
  return id?.kind === "scalar" && id.text !== "" ? `step ${id.text}` : `${String(top)}[${name}]`;
}

/** For messages: `the job`, `step dedupe`, `"window" of step by_region`, `"ttl" of step dedupe`, `"kafka.embedded"`. */
export function describePlace(path: SpecPath, root: SpecNode): string {
  const owner = ownerPath(path);
  if (path.length === 0) return "the job";
  if (owner === undefined) return quoted(path);
  const name = ownerName(owner, root);
  return path.length === 2 ? name : `${quoted(path.slice(2))} of ${name}`;
}

function quoted(path: SpecPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return `"${text.length > 80 ? `${text.slice(0, 80)}...` : text}"`;
}
