import { createHash } from "node:crypto";
import type { JsonValue } from "../core/json.ts";
import type { Plan } from "./plan.ts";
import { isObject } from "./raw.ts";

/** Names the layout of all keyed state of a plan; renaming hints and the order of steps do not matter. */
export function layoutHash(plan: Plan): string {
  const layouts = plan.stateLayout
    .map(({ step, type, states, layout }) => ({ step, type, states, layout }))
    .toSorted((a, b) => (a.step < b.step ? -1 : 1));
  return createHash("sha256").update(canonicalText(layouts)).digest("hex");
}

/** JSON text with members in order of their names, so that equal values have equal texts. */
function canonicalText(value: JsonValue): string {
  if (Array.isArray(value)) {
    return `[${value.map((item: JsonValue) => canonicalText(item)).join(",")}]`;
  }
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).toSorted();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonicalText(value[name] ?? null)}`).join(",")}}`;
}
