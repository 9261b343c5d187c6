import { Decimal } from "../core/decimal.ts";
import { NumberToken } from "../core/number-token.ts";
import { failure, shown } from "./failure.ts";
import { checkDepth, spend } from "./meter.ts";
import type { Step } from "./paths.ts";
import { FunctionValue, isArray, isObject, itemsOf, plain, setMember } from "./values.ts";
import type { Item, Outcome } from "./values.ts";

/** `|pattern|update, delete|`: a function that gives a changed copy. */

export interface TransformOffsets {
  readonly whole: number;
  readonly update: number;
  readonly delete: number;
}

export function transform(
  pattern: Step,
  update: Step,
  deletion: Step | undefined,
  offsets: TransformOffsets,
): FunctionValue {
  return new FunctionValue(1, (value) => {
    const input = plain(value);
    if (input === undefined) return undefined;
    if (!isObject(input) && !isArray(input)) {
      throw failure(
        "T0410",
        `A transform takes objects or arrays, not ${shown(input)}`,
        offsets.whole,
      );
    }
    const copies = new Set<object>();
    const result = copied(input, copies, 0);
    for (const match of itemsOf(pattern(result))) {
      // Only the copy's objects are changed: a pattern may also find texts, or what stands outside (`$$`).
      const own = isObject(match) && copies.has(match);
      const target = own ? (match as Record<string, Item>) : undefined;
      change(target, plain(update(match)), offsets.update);
      if (deletion !== undefined) remove(target, plain(deletion(match)), offsets.delete);
    }
    return result;
  });
}

function change(
  target: Record<string, Item> | undefined,
  update: Item | undefined,
  offset: number,
): void {
  if (update === undefined) return;
  if (!isObject(update)) {
    throw failure("T2011", `The update must be an object, not ${shown(update)}`, offset);
  }
  if (target === undefined) return;
  const names = Object.keys(update);
  spend(names.length);
  for (const name of names) setMember(target, name, update[name] as Item);
}

function remove(
  target: Record<string, Item> | undefined,
  names: Item | undefined,
  offset: number,
): void {
  if (names === undefined) return;
  const list = isArray(names) ? names : [names];
  spend(list.length);
  if (!list.every((name) => typeof name === "string")) {
    throw failure("T2012", `What is deleted must be names, not ${shown(names)}`, offset);
  }
  if (target === undefined) return;
  for (const name of list) delete target[name];
}

/** Arrays and objects anew, so that they can be changed; values inside as they are. */
function copied(value: Item, copies: Set<object>, depth: number): Item {
  checkDepth(depth);
  spend(1);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Decimal || value instanceof NumberToken || value instanceof FunctionValue) {
    return value;
  }
  if (isArray(value)) return value.map((entry) => copied(entry, copies, depth + 1));
  const copy: Record<string, Item> = {};
  for (const [name, entry] of Object.entries(value)) {
    setMember(copy, name, copied(entry, copies, depth + 1));
  }
  copies.add(copy);
  return copy;
}

/** `$clone`: a copy of its own, as a transform makes. */
export function clone(value: Outcome): Outcome {
  const input = plain(value);
  return input === undefined ? undefined : copied(input, new Set(), 0);
}
