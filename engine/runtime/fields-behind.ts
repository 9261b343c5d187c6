import type { JsonValue } from "../core/json.ts";
import type { Plan } from "../plan/plan.ts";

const plainName = /^\s*([A-Za-z_]\w*)\s*$/;

/**
 * Fields that steps and sinks behind the border name as they are: as a key or as what they add up. Nothing depends on
 * the list but how often a crossed record has to be read.
 */
export function fieldsBehind({ steps, sinks }: Plan): readonly string[] {
  const names = new Set<string>();
  const look = (json: JsonValue): void => {
    if (typeof json !== "object" || json === null) return;
    const { expression } = json as { readonly expression?: JsonValue };
    const name = typeof expression === "string" ? plainName.exec(expression)?.[1] : undefined;
    if (name !== undefined) names.add(name);
    for (const member of Object.values(json)) look(member);
  };
  for (const { stage, config } of steps) if (stage === "state") look(config);
  for (const { key } of sinks) look(key);
  return [...names];
}
