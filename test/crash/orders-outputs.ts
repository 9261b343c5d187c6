import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { projectRoot } from "./pipeline-process.ts";

/** The orders job's, as the last part of their topics' and the first of their files' names. */
export const outputNames = ["processed", "dlq", "aggregations", "late"] as const;

/** Lines by output, comparable with those of another run. */
export type Outputs = Readonly<Record<string, readonly string[]>>;

/** They tell when, not what: an epoch that is done again has new ones. */
const processingTimeFields = [
  "processed_at",
  "processing_duration_ms",
  "error_timestamp",
  "processing_timestamp_ms",
];

/** An output line without its processing times. */
export function comparableLine(line: string): string {
  const value = JSON.parse(line) as Record<string, unknown>;
  for (const field of processingTimeFields) delete value[field];
  return JSON.stringify(value);
}

export function assertSameOutputs(actual: Outputs, expected: Outputs, where: string): void {
  for (const name of outputNames) {
    const lost = without(expected[name] ?? [], actual[name] ?? []);
    const extra = without(actual[name] ?? [], expected[name] ?? []);
    assert.deepEqual({ lost, extra }, { lost: [], extra: [] }, `${where}: ${name}`);
    assert.deepEqual(actual[name], expected[name], `${where}: ${name}`);
  }
}

/** What of `lines` is not in `others`, each line as often as it is missing. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}

/** A copy of the orders job that commits every `recordsPerEpoch` records. */
export function makeOrdersJob(folder: string, recordsPerEpoch: number): string {
  mkdirSync(join(folder, "jobs"), { recursive: true });
  cpSync(join(projectRoot, "schemas"), join(folder, "schemas"), { recursive: true });
  const spec = readFileSync(join(projectRoot, "jobs/orders.yaml"), "utf8");
  const often = spec.replace(
    /^checkpoint: .*$/m,
    `checkpoint: { interval: 60s, max_records: ${recordsPerEpoch} }`,
  );
  assert.notEqual(often, spec, "jobs/orders.yaml has no checkpoint line to replace");
  const job = join(folder, "jobs/orders.yaml");
  writeFileSync(job, often);
  writeFileSync(join(folder, "package.json"), "{}");
  return job;
}

/** Generated orders, one a line. */
export function makeOrders(path: string, count: number): void {
  const script = join(projectRoot, "test/oracle/generate-orders.mjs");
  execFileSync("sh", ["-c", `"${execPath}" "${script}" ${count} 5 > "${path}"`]);
}
