import { outOfRange } from "../arithmetic.ts";
import { apply, call } from "../calls.ts";
import { compareSortKeys } from "../comparison.ts";
import { Decimal } from "../../core/decimal.ts";
import { NumberToken } from "../../core/number-token.ts";
import { failure } from "../failure.ts";
import { spend } from "../meter.ts";
import { mergeSorted } from "../ordering.ts";
import { truthy } from "../truth.ts";
import { Sequence, collapse, isObject, plain, setMember } from "../values.ts";
import type { FunctionValue, Item, ItemObject, Outcome } from "../values.ts";
import { builtin } from "./builtin.ts";
import type { Builtin } from "./builtin.ts";

/** Functions that take a function. What the function gives is collapsed only where jsonata does. */

const functionOf = (value: Outcome): FunctionValue => value as FunctionValue;

export function map(value: Outcome, procedure: Outcome, offset: number): Outcome {
  if (value === undefined) return undefined;
  const items = value as readonly Item[];
  spend(2);
  const found: Item[] = [];
  for (let index = 0; index < items.length; index++) {
    const result = plain(apply(functionOf(procedure), offset, items[index], index, items));
    if (result !== undefined) found.push(result);
  }
  return new Sequence(found);
}

export function filter(value: Outcome, procedure: Outcome, offset: number): Outcome {
  if (value === undefined) return undefined;
  const items = value as readonly Item[];
  const found: Item[] = [];
  for (let index = 0; index < items.length; index++) {
    if (truthy(apply(functionOf(procedure), offset, items[index], index, items))) {
      found.push(items[index] as Item);
    }
  }
  return new Sequence(found);
}

function single(value: Outcome, procedure: Outcome, offset: number): Outcome {
  if (value === undefined) return undefined;
  const items = value as readonly Item[];
  let found: Outcome;
  let count = 0;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (
      procedure !== undefined &&
      !truthy(apply(functionOf(procedure), offset, item, index, items))
    ) {
      continue;
    }
    if (++count > 1) throw failure("D3138", "$single found more than one match", offset);
    found = item;
  }
  if (count === 0) throw failure("D3139", "$single found no match", offset);
  return found;
}

function reduce(value: Outcome, procedure: Outcome, start: Outcome, offset: number): Outcome {
  if (value === undefined) return undefined;
  const items = value as readonly Item[];
  const { parameterCount } = functionOf(procedure);
  if (parameterCount < 2)
    throw failure("D3050", "The function of $reduce must take at least two arguments", offset);
  const fromFirst = start === undefined && items.length > 0;
  let result: Outcome = fromFirst ? items[0] : start;
  for (let index = fromFirst ? 1 : 0; index < items.length; index++) {
    const args: Outcome[] = [result, items[index], index, items];
    result = call(procedure, args.slice(0, Math.min(parameterCount, 4)), offset);
  }
  return result;
}

/** Listing the names of a large object takes longer than visiting them. */
function entriesOf(value: ItemObject): readonly (readonly [string, Item])[] {
  const entries = Object.entries(value);
  spend(2 * entries.length);
  return entries;
}

function each(value: Outcome, procedure: Outcome, offset: number): Outcome {
  if (!isObject(value)) return new Sequence([]);
  const found: Item[] = [];
  for (const [name, entry] of entriesOf(value)) {
    const result = plain(apply(functionOf(procedure), offset, entry, name, value));
    if (result !== undefined) found.push(result);
  }
  return new Sequence(found);
}

function sift(value: Outcome, procedure: Outcome, offset: number): Outcome {
  if (!isObject(value)) return undefined;
  const result: Record<string, Item> = {};
  let count = 0;
  for (const [name, entry] of entriesOf(value)) {
    if (!truthy(apply(functionOf(procedure), offset, entry, name, value))) continue;
    setMember(result, name, entry);
    count++;
  }
  return count === 0 ? undefined : result;
}

/** What counts as true from the function of `$sort`: unlike everywhere else, all arrays and objects do. */
function swapping(value: Outcome): boolean {
  const result = plain(collapse(value));
  const opaque = result instanceof Decimal || result instanceof NumberToken;
  return typeof result === "object" && !opaque ? result !== null : truthy(result);
}

function sort(value: Outcome, procedure: Outcome, offset: number): Outcome {
  if (value === undefined) return undefined;
  const items = value as readonly Item[];
  if (items.length < 2) return items;
  if (procedure !== undefined) {
    const swaps = functionOf(procedure);
    return mergeSorted(items, (a, b) => swapping(apply(swaps, offset, a, b, undefined)));
  }
  const infinite = items.find(
    (item) => item === Number.POSITIVE_INFINITY || item === Number.NEGATIVE_INFINITY,
  );
  if (infinite !== undefined) throw outOfRange(infinite, offset);
  const numbers = items.every(
    (item) =>
      (typeof item === "number" && !Number.isNaN(item)) ||
      item instanceof Decimal ||
      item instanceof NumberToken,
  );
  if (!numbers && !items.every((item) => typeof item === "string")) {
    throw failure("D3070", "Without a function $sort takes only numbers or only texts", offset);
  }
  return mergeSorted<Item>(items, (a, b) => compareSortKeys(a, b, offset) > 0);
}

export const higherOrderFunctions: readonly Builtin[] = [
  builtin("map", "<af>", { sequence: true }, ([items, procedure], offset) =>
    map(items, procedure, offset),
  ),
  builtin("filter", "<af>", { sequence: true }, ([items, procedure], offset) =>
    filter(items, procedure, offset),
  ),
  builtin("single", "<af?>", {}, ([items, procedure], offset) => single(items, procedure, offset)),
  builtin("reduce", "<afj?:j>", { sequence: true }, ([items, procedure, start], offset) =>
    reduce(items, procedure, start, offset),
  ),
  builtin("each", "<o-f:a>", { sequence: true }, ([value, procedure], offset) =>
    each(value, procedure, offset),
  ),
  builtin("sift", "<o-f?:o>", {}, ([value, procedure], offset) => sift(value, procedure, offset)),
  builtin("sort", "<af?:a>", {}, ([items, procedure], offset) => sort(items, procedure, offset)),
];
