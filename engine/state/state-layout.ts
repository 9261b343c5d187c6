import { EngineError } from "../core/errors.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";

/** What a plan says of the keyed state of one step (the shape of the plan's `StateLayout`). */
export interface StepLayout {
  readonly step: string;
  readonly was: string | null;
  readonly type: string;
  readonly states: Readonly<Record<string, { readonly version: number }>>;
  readonly layout: JsonValue;
}

/** How the steps of this plan take over the state of the last commit. */
export interface LayoutMatch {
  /** Committed step id by step id of the plan; a step that is not named starts empty. */
  readonly carried: ReadonlyMap<string, string>;
  /** Committed steps whose state goes. */
  readonly dropped: readonly string[];
}

/**
 * Compares the committed layouts with the plan's. Free: new steps, and everything the layout does not hold. Throws
 * STATE_LAYOUT_CHANGED, naming step, reason and `--reset`, if a step's layout differs or a committed step is gone.
 */
export function matchLayouts(
  committed: readonly StepLayout[],
  planned: readonly StepLayout[],
  reset: readonly string[],
): LayoutMatch {
  const before = new Map(committed.map((layout) => [layout.step, layout]));
  const carried = new Map<string, string>();
  const dropped: string[] = [];
  const claimed = new Set<string>();
  for (const now of planned) {
    const from = before.has(now.step)
      ? now.step
      : now.was !== null && before.has(now.was)
        ? now.was
        : undefined;
    if (from === undefined) continue;
    const then = before.get(from);
    if (then === undefined || claimed.has(from)) continue;
    claimed.add(from);
    if (reset.includes(now.step) || reset.includes(from)) {
      dropped.push(from);
      continue;
    }
    const reason = difference(then, now);
    if (reason !== undefined) {
      throw changed(
        `The state of step "${now.step}" does not fit this job any more: ${reason}`,
        `Undo the change, or drop this step's state with --reset ${now.step}.`,
      );
    }
    carried.set(now.step, from);
  }
  for (const step of reset) {
    if (before.has(step) || planned.some((now) => now.step === step)) continue;
    throw new EngineError("USAGE", `--reset ${step}: there is no step "${step}" with state`);
  }
  for (const { step } of committed) {
    if (claimed.has(step)) continue;
    if (!reset.includes(step)) {
      throw changed(
        `The state directory holds state of a step "${step}", which this job does not have`,
        `If the step was renamed, give it \`was: ${step}\`; to drop its state, use --reset ${step}.`,
      );
    }
    dropped.push(step);
  }
  return { carried, dropped };
}

function changed(message: string, hint: string): EngineError {
  return new EngineError("STATE_LAYOUT_CHANGED", message, { hint });
}

function difference(then: StepLayout, now: StepLayout): string | undefined {
  if (then.type !== now.type) return `its type was ${then.type} and is ${now.type}`;
  for (const name of new Set([...Object.keys(then.states), ...Object.keys(now.states)])) {
    const before = then.states[name]?.version;
    const after = now.states[name]?.version;
    if (before === after) continue;
    if (before === undefined) return `it keeps a new state "${name}"`;
    if (after === undefined) return `it keeps no state "${name}" any more`;
    return `the format of its state "${name}" was version ${before} and is ${after}`;
  }
  return valueDifference("", then.layout, now.layout);
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The first place where two layouts differ, in words; undefined if they are equal. Member order is no difference. */
function valueDifference(
  place: string,
  then: JsonValue | undefined,
  now: JsonValue | undefined,
): string | undefined {
  if (then === now) return undefined;
  if (isObject(then) && isObject(now)) {
    for (const name of new Set([...Object.keys(then), ...Object.keys(now)])) {
      const inner = place === "" ? name : `${place}.${name}`;
      const found = valueDifference(inner, then[name], now[name]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (Array.isArray(then) && Array.isArray(now) && then.length === now.length) {
    for (let i = 0; i < then.length; i++) {
      const found = valueDifference(`${place}[${i}]`, then[i], now[i]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const what = place === "" ? "its layout" : place;
  return `${what} was ${words(then)} and is ${words(now)}`;
}

function words(value: JsonValue | undefined): string {
  if (value === undefined) return "absent";
  const text = JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
