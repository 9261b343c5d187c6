import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../crash/pipeline-process.ts";

export interface FaultRow {
  readonly id: string;
  readonly fault: string;
}

/** The rows of docs/faults.md. */
export function faultRows(): readonly FaultRow[] {
  const text = readFileSync(join(projectRoot, "docs/faults.md"), "utf8");
  return [...text.matchAll(/^\| ([A-Z]\d+) \| (.*?) \|/gm)].map(([, id = "", fault = ""]) => ({
    id,
    fault,
  }));
}

/** Names of tests that carry the ids of rows in front: "D1 D2: ..." or "T1, T2: ...", by id. */
export function testsByRow(): ReadonlyMap<string, readonly string[]> {
  const folder = join(projectRoot, "test");
  const found = new Map<string, string[]>();
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".test.ts")) continue;
    const text = readFileSync(join(folder, file), "utf8");
    for (const [, ids = "", name = ""] of text.matchAll(
      /\b(?:test|it|describe)\(\s*["`]((?:[A-Z]\d+[, ]*)+): ([^"`]*)/g,
    )) {
      for (const id of ids.split(/[, ]+/)) {
        found.set(id, [...(found.get(id) ?? []), `${file}: ${name}`]);
      }
    }
  }
  return found;
}
