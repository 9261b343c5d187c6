import type { JsonObject } from "../core/json.ts";
import type { Parameters } from "./parameters.ts";
import type { SpecFindings } from "./spec-findings.ts";
import type { SpecMap } from "./spec-node.ts";

/** What every part of the structural check looks at. */
export interface CheckContext {
  readonly root: SpecMap;
  readonly schema: JsonObject;
  readonly parameters: Parameters;
  readonly findings: SpecFindings;
}

/** Quoted and cut short, for messages. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
