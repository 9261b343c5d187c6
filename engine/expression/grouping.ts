import { NumberToken } from "../core/number-token.ts";
import { failure, shown } from "./failure.ts";
import { spend, spendArray } from "./meter.ts";
import type { Step } from "./paths.ts";
import { Sequence, isArray, plain, setMember } from "./values.ts";
import type { Item, ItemObject, Outcome } from "./values.ts";

export type PairSteps = readonly [key: Step, value: Step];

interface Group {
  readonly pair: number;
  readonly first: Outcome;
  /** All members, arrays among them joined, once there are several. */
  joined: Item[] | undefined;
}

/**
 * `items{key: value}`: items with the same key are put together, then each value is computed on its items.
 * An object constructor with computed keys is the same on one item.
 */
export function grouped(
  items: readonly Outcome[],
  pairs: readonly PairSteps[],
  offset: number,
): ItemObject {
  const groups = new Map<string, Group>();
  for (const item of items.length === 0 ? [undefined] : items) {
    for (let pair = 0; pair < pairs.length; pair++) {
      spend(1);
      const key = pairs[pair]?.[0](item);
      if (key === undefined) continue;
      if (typeof key !== "string") {
        throw failure("T1003", `Keys of an object must be texts, not ${shown(key)}`, offset);
      }
      const group = groups.get(key);
      if (group === undefined) {
        groups.set(key, { pair, first: item, joined: undefined });
      } else if (group.pair !== pair) {
        throw failure("D1009", `Several definitions of the key ${JSON.stringify(key)}`, offset);
      } else {
        group.joined ??= [...membersOf(group.first)];
        for (const entry of membersOf(item)) group.joined.push(entry);
      }
    }
  }
  const result: Record<string, Item> = {};
  for (const key of objectOrder(groups.keys())) {
    const group = groups.get(key);
    if (group === undefined) continue;
    const value = plain(pairs[group.pair]?.[1](group.joined ?? group.first));
    if (value !== undefined) setMember(result, key, value);
  }
  return result;
}

/** Names in the order in which an object lists them: whole numbers first. */
function objectOrder(names: Iterable<string>): readonly string[] {
  const order: Record<string, Item> = {};
  for (const name of names) setMember(order, name, true);
  return Object.keys(order);
}

function membersOf(value: Outcome): readonly Item[] {
  if (value === undefined) return [];
  if (value instanceof Sequence) return value.items;
  return isArray(value) ? value : [value];
}

/** Both as one array; an absent side gives the other. */
export function appended(first: Outcome, second: Outcome): Outcome {
  if (first === undefined) return second;
  if (second === undefined) return first;
  const items = [...membersOf(first), ...membersOf(second)];
  spendArray(items.length);
  return items;
}

/** A constructor with constant names, one of whose values is absent (or its name unusual). */
export function objectOf(names: readonly string[], values: readonly Outcome[]): ItemObject {
  const result: Record<string, Item> = {};
  for (let index = 0; index < names.length; index++) {
    const value = plain(values[index]);
    if (value !== undefined) setMember(result, names[index] ?? "", value);
  }
  return result;
}

/** `[a, b]`: arrays are joined, absent members left out. `nested[i]` says that member i is itself a `[...]`. */
export function arrayOf(values: readonly Outcome[], nested: readonly boolean[]): readonly Item[] {
  const result: Item[] = [];
  for (let index = 0; index < values.length; index++) {
    const value = plain(values[index]);
    if (value === undefined) continue;
    if (isArray(value) && nested[index] !== true) {
      spendArray(value.length);
      for (const entry of value) result.push(entry);
    } else {
      result.push(value);
    }
  }
  return result;
}

/** `from..to`: whole numbers, both included. */
export function range(from: Outcome, to: Outcome, offset: number): Outcome {
  const first = bound(from, "T2003", "left", offset);
  const last = bound(to, "T2004", "right", offset);
  if (first === undefined || last === undefined || first > last) return undefined;
  const size = last - first + 1;
  if (size > 1e7) throw failure("D2014", `A range of ${size} members is too large`, offset);
  spendArray(size);
  return new Sequence(Array.from({ length: size }, (_, index) => first + index));
}

function bound(value: Outcome, reason: string, side: string, offset: number): number | undefined {
  const number = value instanceof NumberToken ? value.number : value;
  if (number === undefined || (typeof number === "number" && Number.isInteger(number)))
    return number;
  throw failure(
    reason,
    `The ${side} side of .. must be a whole number, not ${shown(value)}`,
    offset,
  );
}

/** Context of a constructor with constant names: of an array all members, arrays among them joined. */
export function groupContext(context: Outcome): Outcome {
  if (!isArray(context)) return context;
  if (context.length < 2) return context[0];
  if (!context.some((item) => isArray(item))) return context;
  spendArray(context.length);
  return context.flat(1);
}
