import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { JsonValue } from "../core/json.ts";
import type { Plan, StateLayout } from "./plan.ts";
import { isObject } from "./raw.ts";

/** What becomes of stored state under a plan; with `refuse`, nothing may be touched. */
export interface LayoutChange {
  /** Steps that carry on under a new id. */
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** Stored steps whose state is thrown away, as asked for by `--reset`. */
  readonly dropped: readonly string[];
  /** Steps of the plan that start without state. */
  readonly added: readonly string[];
  readonly refuse?: { readonly step: string; readonly reason: string };
}

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

/**
 * Decides whether stored state may serve a plan. Pure. Free edits leave the layout as it is; a step whose layout
 * changed, or that is gone, refuses unless it is named by `reset`.
 */
export function compareLayouts(
  stored: readonly StateLayout[],
  plan: Plan,
  reset: readonly string[],
): LayoutChange {
  const storedById = new Map(stored.map((layout) => [layout.step, layout]));
  const renamed: { from: string; to: string }[] = [];
  const dropped: string[] = [];
  const added: string[] = [];
  const refusals: { step: string; reason: string }[] = [];
  const settled = new Set<string>();

  for (const layout of plan.stateLayout) {
    const before =
      storedById.get(layout.step) ?? (layout.was === null ? undefined : storedById.get(layout.was));
    if (before === undefined) {
      added.push(layout.step);
      continue;
    }
    settled.add(before.step);
    if (reset.includes(layout.step) || reset.includes(before.step)) {
      dropped.push(before.step);
      added.push(layout.step);
      continue;
    }
    const difference = layoutDifference(before, layout);
    if (difference !== undefined) {
      refusals.push({
        step: layout.step,
        reason: `${difference}; its state does not fit any more. Undo the change, or drop the state with --reset ${layout.step}`,
      });
    } else if (before.step !== layout.step) {
      renamed.push({ from: before.step, to: layout.step });
    }
  }
  for (const { step } of stored) {
    if (settled.has(step)) continue;
    if (reset.includes(step)) {
      dropped.push(step);
      continue;
    }
    refusals.push({
      step,
      reason: `the state directory holds state of step ${step}, which the job no longer has. Write \`was: ${step}\` on the step that takes it over, or drop the state with --reset ${step}`,
    });
  }
  const known = new Set([...storedById.keys(), ...plan.stateLayout.map(({ step }) => step)]);
  for (const step of reset) {
    if (!known.has(step)) refusals.push({ step, reason: `there is no state of a step ${step}` });
  }
  const [refuse] = refusals;
  return { renamed, dropped, added, ...(refuse === undefined ? {} : { refuse }) };
}

/** What changed, as the first half of a sentence; undefined if the layouts are equal. */
function layoutDifference(before: StateLayout, after: StateLayout): string | undefined {
  if (before.type !== after.type) {
    return `step ${after.step} was of type ${before.type} and is now ${after.type}`;
  }
  if (!isDeepStrictEqual(before.layout, after.layout)) {
    return `${changedMembers(before.layout, after.layout)} of step ${after.step} changed`;
  }
  if (!isDeepStrictEqual(before.states, after.states)) {
    return `another release of the engine wrote the state of step ${after.step}, in another layout`;
  }
  return undefined;
}

function changedMembers(before: JsonValue, after: JsonValue): string {
  if (!isObject(before) || !isObject(after)) return "the layout";
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => !isDeepStrictEqual(before[name], after[name]));
  return changed.join(" and ");
}
