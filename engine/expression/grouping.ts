import { failure, shown } from "./failure.ts";
import { spend, spendArray, spendReading } from "./meter.ts";
import { ordinaryNumber } from "./paths.ts";
import type { Step } from "./paths.ts";
import { Sequence, isArray, plain, setMember } from "./values.ts";
import type { Item, ItemObject, Outcome } from "./values.ts";

export type PairSteps = readonly [key: Step, value: Step];

interface Group<T> {
  /** Index of the pair whose key made the group. */
  readonly pair: number;
  readonly members: T[];
}

/** Members by the text that a pair's key gives for them, in the order in which an object lists its names. */
export function groupBy<T>(
  members: readonly T[],
  pairs: readonly (readonly [key: (member: T) => Outcome, value: unknown])[],
  offset: number,
): readonly (readonly [key: string, group: Group<T>])[] {
  const groups = new Map<string, Group<T>>();
  for (const member of members) {
    for (let pair = 0; pair < pairs.length; pair++) {
      spend(1);
      const key = pairs[pair]?.[0](member);
      if (key === undefined) continue;
      if (typeof key !== "string") {
        throw failure("T1003", `Keys of an object must be texts, not ${shown(key)}`, offset);
      }
      spendReading(key.length);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { pair, members: [member] });
      else if (group.pair === pair) group.members.push(member);
      else throw failure("D1009", `Several definitions of the key ${JSON.stringify(key)}`, offset);
    }
  }
  return objectOrder(groups.keys()).map((key) => [key, groups.get(key) as Group<T>]);
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
  const result: Record<string, Item> = {};
  for (const [key, group] of groupBy(items.length === 0 ? [undefined] : items, pairs, offset)) {
    const value = plain(pairs[group.pair]?.[1](joinedMembers(group.members)));
    if (value !== undefined) setMember(result, key, value);
  }
  return result;
}

/** One member as it is; of several all, arrays among them joined. */
function joinedMembers(members: readonly Outcome[]): Outcome {
  if (members.length < 2) return members[0];
  const joined: Item[] = [];
  for (const member of members) {
    const entries = membersOf(member);
    spend(entries.length);
    for (const entry of entries) joined.push(entry);
  }
  return joined;
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
  const number = ordinaryNumber(value);
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
