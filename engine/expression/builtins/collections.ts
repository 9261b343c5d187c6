import { sameValue } from "../comparison.ts";
import { appended } from "../grouping.ts";
import { checkDepth, spend, spendArray, spendReading } from "../meter.ts";
import { failure } from "../failure.ts";
import { lookUp } from "../paths.ts";
import { clone } from "../transform.ts";
import { Sequence, isArray, isObject, plain, setMember } from "../values.ts";
import type { Item, Outcome } from "../values.ts";
import { builtin } from "./builtin.ts";
import type { Builtin } from "./builtin.ts";

/** Functions of arrays and objects that take no function. */

function distinct(value: Outcome): Outcome {
  const items = value instanceof Sequence ? value.items : value;
  if (!isArray(items) || items.length < 2) return value;
  const found: Item[] = [];
  const simple = new Set<unknown>();
  const others: Item[] = [];
  for (const item of items) {
    spend(1);
    if (typeof item === "string" || typeof item === "boolean" || item === null) {
      if (typeof item === "string") spendReading(item.length);
      if (simple.has(item)) continue;
      simple.add(item);
    } else {
      // Numbers of every kind compare by value, hence one by one with the others.
      spend(others.length);
      if (others.some((other) => sameValue(other, item, 0))) continue;
      others.push(item);
    }
    found.push(item);
  }
  return value instanceof Sequence ? new Sequence(found) : found;
}

function keysOf(value: Outcome, found: Set<string>, depth: number): void {
  checkDepth(depth);
  if (isArray(value)) {
    for (const item of value) {
      spend(1);
      keysOf(item, found, depth + 1);
    }
  } else if (isObject(value)) {
    for (const name of Object.keys(value)) found.add(name);
    spend(found.size);
  }
}

function spread(value: Item, found: Item[], depth: number): void {
  checkDepth(depth);
  if (isArray(value)) {
    for (const item of value) spread(item, found, depth + 1);
    return;
  }
  spend(1);
  if (!isObject(value)) {
    found.push(value);
    return;
  }
  const entries = Object.entries(value);
  // The host remembers each new name of an object's only member, which takes it time and memory.
  spend(8 * entries.length);
  for (const [name, entry] of entries) {
    const single: Record<string, Item> = {};
    setMember(single, name, entry);
    found.push(single);
  }
}

function merge(items: readonly Item[]): Item {
  const result: Record<string, Item> = {};
  for (const item of items) {
    if (!isObject(item)) continue;
    const names = Object.keys(item);
    spend(names.length);
    for (const name of names) setMember(result, name, item[name] as Item);
  }
  return result;
}

function zip(arrays: readonly Outcome[]): readonly Item[] {
  const lengths = arrays.map((each) => (isArray(each) ? each.length : 0));
  const length = Math.min(...lengths);
  spendArray(length * arrays.length);
  return Array.from({ length }, (_, index) =>
    arrays.map((each) => (each as readonly Item[])[index] as Item),
  );
}

export const collectionFunctions: readonly Builtin[] = [
  builtin("count", "<a:n>", { returns: "number", optional: false }, ([items]) =>
    items === undefined ? 0 : (items as readonly Item[]).length,
  ),
  builtin("append", "<xx:a>", { sequence: true, keepsSequences: true }, ([first, second]) =>
    appended(first, second),
  ),
  builtin("reverse", "<a:a>", {}, ([items]) => {
    if (items === undefined) return undefined;
    spend((items as readonly Item[]).length);
    return (items as readonly Item[]).toReversed();
  }),
  builtin("distinct", "<x:x>", { sequence: true, keepsSequences: true }, ([value]) =>
    distinct(value),
  ),
  builtin("zip", "<a+>", { arity: 0, returns: "array", optional: false }, (arrays) => zip(arrays)),
  builtin("keys", "<x-:a<s>>", { sequence: true }, ([value]) => {
    const found = new Set<string>();
    keysOf(value, found, 0);
    // In the order of an object's own members: whole numbers first.
    if (!isArray(value)) return new Sequence([...found]);
    return new Sequence(Object.keys(Object.fromEntries([...found].map((name) => [name, true]))));
  }),
  builtin("lookup", "<x-s:x>", { sequence: true }, ([value, name]) =>
    name === undefined ? undefined : lookUp(plain(value), name as string),
  ),
  builtin("spread", "<x-:a<o>>", { sequence: true }, ([value]) => {
    if (value === undefined || !(isArray(value) || isObject(value))) return value;
    const found: Item[] = [];
    spread(value, found, 0);
    return isArray(value) && value.length > 0 ? found : new Sequence(found);
  }),
  builtin("merge", "<a<o>:o>", {}, ([items]) =>
    items === undefined ? undefined : merge(items as readonly Item[]),
  ),
  builtin("error", "<s?:x>", {}, ([message], offset) => {
    throw failure(
      "D3137",
      (message as string | undefined) ?? "$error() function evaluated",
      offset,
    );
  }),
  builtin("assert", "<bs?:x>", {}, ([condition, message], offset) => {
    if (condition === true) return undefined;
    throw failure("D3141", (message as string | undefined) ?? "$assert() statement failed", offset);
  }),
  builtin("clone", "<(oa)-:o>", {}, ([value]) => clone(value)),
];
