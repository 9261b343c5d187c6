import { failpointNames } from "../../engine/core/failpoints.ts";
import type { FailpointName } from "../../engine/core/failpoints.ts";

export type Mode = "files" | "embedded" | "kafka";

const afterCommit =
  /^(commit\.(record\.after|head)|file\.publish|embedded|kafka\.(join|produce|mark|end|answer)|outbox\.remove)/;
const inRecovery = /^(recover|identity|kafka\.(fence|settle|barrier))/;

/** Between the durable commit record and the last act of its delivery. */
export function isAfterCommit(name: string): boolean {
  return afterCommit.test(name);
}

export function isInRecovery(name: string): boolean {
  return inRecovery.test(name);
}

/** What must have happened before a place in recovery is passed at all: a crash that leaves work there. */
export const preparedBy: Partial<Record<FailpointName, FailpointName>> = {
  "recover.chunks.before": "log.chunk.after",
  "recover.chunks.after": "log.chunk.after",
  "recover.deliver.before": "commit.record.after",
  "recover.deliver.after": "commit.record.after",
  "recover.embedded.before": "embedded.sync.after",
  "recover.embedded.after": "embedded.sync.after",
};

/** Failpoints that a run of this kind can pass. */
export function failpointsOf(mode: Mode): readonly FailpointName[] {
  const other = {
    files: /^(embedded|kafka|outbox|recover\.(embedded|deliver))/,
    embedded: /^(file|kafka)\./,
    kafka: /^(file\.|embedded|recover\.embedded)/,
  }[mode];
  return failpointNames.filter((name) => !other.test(name));
}
