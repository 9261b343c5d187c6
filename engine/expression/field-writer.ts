import type { Value } from "../core/value.ts";

export type FieldWriter = (target: Record<string, Value>, value: Value) => void;

/**
 * Sets one named field. Each writer is a function of its own, so the engine's inline cache sees one name and few
 * shapes; one shared `target[name] = value` costs several times as much per record.
 */
export function fieldWriter(name: string): FieldWriter {
  // Only a quoted string enters the program; names such as __proto__ are refused when a job is planned.
  // oxlint-disable-next-line typescript/no-implied-eval -- compiling is the purpose of this folder
  return new Function("target", "value", `target[${JSON.stringify(name)}] = value;`) as FieldWriter;
}
