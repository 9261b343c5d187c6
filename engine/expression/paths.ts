import { Decimal, decimalToNumber } from "../core/decimal.ts";
import { NumberToken } from "../core/number-token.ts";
import { checkDepth, meter, spend, spendArray } from "./meter.ts";
import { truthy } from "./truth.ts";
import { Sequence, collapse, isArray, isObject, kept, member, plain } from "./values.ts";
import type { Item, Outcome } from "./values.ts";

/** What generated code does for one item of a path's step. */
export type Step = (context: Outcome) => Outcome;

/** Arrays that `[...]` made as a step of a path: the next step does not flatten them. */
const constructed = new WeakSet<object>();

export function markConstructed(array: readonly Item[]): readonly Item[] {
  spend(3);
  constructed.add(array);
  return array;
}

/** A path of plain names from a context of any shape. Generated code reads simple objects inline and comes here for the rest. */
export function walkNames(start: Outcome, names: readonly string[]): Outcome {
  let items: readonly Item[] =
    start instanceof Sequence ? start.items : isArray(start) ? start : one(start);
  for (let index = 0; index < names.length; index++) {
    const name = names[index] ?? "";
    const found: Outcome[] = [];
    for (const item of items) {
      if (--meter.fuel < 0) spend(1);
      const value = isArray(item) ? collapse(membersOf(item, name)) : member(item, name);
      if (value !== undefined) found.push(value);
    }
    if (index === names.length - 1) return collapse(lastResult(found));
    items = flattened(found);
    if (items.length === 0) return undefined;
  }
  return start;
}

/** Of an array: the members of all its objects, arrays of them joined. */
function membersOf(items: readonly Item[], name: string, depth = 0): Sequence {
  checkDepth(depth);
  const found: Item[] = [];
  for (const item of items) {
    if (--meter.fuel < 0) spend(1);
    if (isArray(item)) {
      for (const value of membersOf(item, name, depth + 1).items) found.push(value);
      continue;
    }
    const value = member(item, name);
    if (isArray(value)) for (const entry of value) found.push(entry);
    else if (value !== undefined) found.push(value);
  }
  return new Sequence(found);
}

/** One name from a context of any shape, outside the rules for the steps of a path (`$lookup`). */
export function lookUp(input: Item | undefined, name: string): Outcome {
  return isArray(input) ? membersOf(input, name) : member(input, name);
}

/** One name as a step of a path: an array here is one item of the step before, not the contexts to visit. */
export function nameOf(context: Outcome, name: string): Outcome {
  if (--meter.fuel < 0) spend(1);
  return collapse(lookUp(plain(context), name));
}

/** As `nameOf`, where `[]` stands behind the name: a single result of several contexts stays an array. */
export function keptNameOf(context: Outcome, name: string): Outcome {
  if (--meter.fuel < 0) spend(1);
  return collapse(kept(lookUp(plain(context), name)));
}

function one(value: Outcome): readonly Item[] {
  return value === undefined || value instanceof Sequence ? [] : [value];
}

/** Contexts that a path starts from. An absent context is visited, too: a literal step needs none. */
export function startItems(context: Outcome): readonly Outcome[] {
  return context instanceof Sequence ? context.items : isArray(context) ? context : [context];
}

/** A step that others follow: arrays it gives are joined. */
export function eachItem(items: readonly Outcome[], step: Step): readonly Item[] {
  return flattened(results(items, step));
}

/** The last step: one array of the data stays as it is; everything else is joined. */
export function lastItem(items: readonly Outcome[], step: Step): Outcome {
  return lastResult(results(items, step));
}

function results(items: readonly Outcome[], step: Step): readonly Outcome[] {
  const found: Outcome[] = [];
  for (const item of items) {
    if (--meter.fuel < 0) spend(1);
    const value = step(item);
    if (value !== undefined) found.push(value);
  }
  return found;
}

function lastResult(found: readonly Outcome[]): Outcome {
  const only = found[0];
  return found.length === 1 && isArray(only) ? only : new Sequence(flattened(found));
}

function flattened(found: readonly Outcome[]): readonly Item[] {
  const items: Item[] = [];
  for (const value of found) {
    if (value instanceof Sequence || (isArray(value) && !constructed.has(value))) {
      const members = value instanceof Sequence ? value.items : value;
      spendArray(members.length);
      for (const entry of members) items.push(entry);
    } else if (value !== undefined) {
      items.push(value);
    }
  }
  return items;
}

/** `value[3]`: counts from 0, from the end if negative. */
export function itemAt(value: Outcome, position: number): Outcome {
  const items = startItems(value);
  const index = Math.floor(position);
  const item = items[index < 0 ? items.length + index : index];
  if (item === undefined) return new Sequence([]);
  return isArray(item) ? item : new Sequence([item as Item]);
}

/** `value[predicate]`: a number or numbers choose by position, anything else by its truth. */
export function filterItems(value: Outcome, predicate: Step): Outcome {
  const items = startItems(value);
  const found: Item[] = [];
  for (let index = 0; index < items.length; index++) {
    if (--meter.fuel < 0) spend(1);
    const item = items[index];
    const result = predicate(item);
    const chosen =
      result === true ? 1 : result === false ? 0 : timesChosen(result, index, items.length);
    if (item === undefined) continue;
    for (let times = 0; times < chosen; times++) found.push(item as Item);
  }
  return new Sequence(found);
}

/** How often a predicate's result chooses the item at `index` of `length`. */
export function timesChosen(result: Outcome, index: number, length: number): number {
  if (typeof result === "boolean") return result ? 1 : 0;
  const positions = result instanceof Sequence ? result.items : isArray(result) ? result : [result];
  let times = 0;
  for (const position of positions) {
    const number = ordinaryNumber(position);
    if (typeof number !== "number" || Number.isNaN(number)) return truthy(result) ? 1 : 0;
    const wanted = Math.floor(number);
    if ((wanted < 0 ? length + wanted : wanted) === index) times++;
  }
  spend(positions.length);
  return times;
}

/** A number of any kind as a double; anything else as it is. */
export function ordinaryNumber(value: unknown): unknown {
  if (value instanceof NumberToken) return value.number;
  return value instanceof Decimal ? decimalToNumber(value) : value;
}

/** `*`: all members of an object; arrays among them joined, however deep, and then the result is an array, too. */
export function wildcard(context: Outcome): Outcome {
  const found: Item[] = [];
  let joined = false;
  const values = isArray(context) ? context : isObject(context) ? Object.values(context) : [];
  spend(3 * values.length);
  for (const value of values) {
    if (isArray(value)) {
      flattenDeep(value, found, 0);
      joined = true;
    } else {
      found.push(value);
    }
  }
  return joined ? found : new Sequence(found);
}

function flattenDeep(items: readonly Item[], into: Item[], depth: number): void {
  checkDepth(depth);
  for (const item of items) {
    spend(1);
    if (isArray(item)) flattenDeep(item, into, depth + 1);
    else into.push(item);
  }
}

/** `**`: the context and everything below it. */
export function descendants(context: Outcome): Outcome {
  const found: Item[] = [];
  if (context !== undefined) {
    visit(context instanceof Sequence ? context.items : context, found, 0);
  }
  // A single one is no result of a path any more: `[]` does not keep it as an array.
  return found.length === 1 ? found[0] : new Sequence(found);
}

function visit(value: Item, into: Item[], depth: number): void {
  checkDepth(depth);
  spend(1);
  if (isArray(value)) {
    for (const entry of value) visit(entry, into, depth + 1);
    return;
  }
  into.push(value);
  if (isObject(value)) for (const entry of Object.values(value)) visit(entry, into, depth + 1);
}

/** Whether a path's value is to stay an array although it has one member (`[]` at one of its steps). */
export function keptPath(value: Outcome): Outcome {
  if (value instanceof Sequence)
    return value.items.length === 0 ? undefined : new Sequence(value.items, true);
  return value !== undefined && isArray(value) && constructed.has(value)
    ? new Sequence([value], true)
    : value;
}
