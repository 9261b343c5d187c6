import { groupBy, appended, objectOf } from "./grouping.ts";
import { meter, spend, spendArray } from "./meter.ts";
import { compareTerms, mergeSorted } from "./ordering.ts";
import { timesChosen } from "./paths.ts";
import { Sequence, collapse, isArray, plain } from "./values.ts";
import type { Item, Outcome } from "./values.ts";

/**
 * Streams of tuples, which `@`, `#` and `%` need: each item of a path travels with the values that the steps before it
 * have named.
 */

/** The context at index 0, then one slot per name; a hole where no step has bound the name. */
export type Tuple = readonly Outcome[];

export type TupleStep = (tuple: Tuple) => Outcome | TupleStream;

/** Value of a path in parentheses whose names are used behind the parentheses. Never leaves the path it stands in. */
export class TupleStream {
  readonly tuples: readonly Tuple[];

  constructor(tuples: readonly Tuple[]) {
    this.tuples = tuples;
  }
}

export const tupleStream = (tuples: readonly Tuple[]): TupleStream => new TupleStream(tuples);

export function startTuples(items: readonly Outcome[]): readonly Tuple[] {
  return items.map((item) => [item]);
}

/** What a step binds for each of its results: slots, 0 for none. */
export interface TupleBinding {
  /** `@$name`: the result is bound and the context stays. */
  readonly focus: number;
  /** `#$name`: its position among the results for one context. */
  readonly index: number;
  /** The context, for a `%` behind. */
  readonly ancestor: number;
}

export function eachTuple(
  tuples: readonly Tuple[],
  step: TupleStep,
  { focus, index, ancestor }: TupleBinding,
): readonly Tuple[] {
  const found: Tuple[] = [];
  for (const tuple of tuples) {
    if (--meter.fuel < 0) spend(1);
    const result = step(tuple);
    if (result === undefined) continue;
    if (result instanceof TupleStream) {
      for (const inner of result.tuples) found.push(merged(tuple, inner));
      continue;
    }
    const items = result instanceof Sequence ? result.items : isArray(result) ? result : [result];
    // A tuple takes more memory than an item.
    spendArray(4 * items.length);
    for (let at = 0; at < items.length; at++) {
      const next = tuple.slice();
      next[focus] = items[at];
      if (index > 0) next[index] = at;
      if (ancestor > 0) next[ancestor] = tuple[0];
      found.push(next);
    }
  }
  return found;
}

function merged(outer: Tuple, inner: Tuple): Tuple {
  const tuple = outer.slice();
  spend(inner.length);
  // Skips the holes: a name that only the outer tuple binds stays bound.
  inner.forEach((value, slot) => {
    tuple[slot] = value;
  });
  return tuple;
}

/** `[3]`: counts over the whole stream. */
export function tupleAt(tuples: readonly Tuple[], position: number): readonly Tuple[] {
  const index = Math.floor(position);
  const tuple = tuples[index < 0 ? tuples.length + index : index];
  return tuple === undefined ? [] : [tuple];
}

export function filterTuples(
  tuples: readonly Tuple[],
  predicate: (tuple: Tuple) => Outcome,
): readonly Tuple[] {
  const found: Tuple[] = [];
  for (let index = 0; index < tuples.length; index++) {
    if (--meter.fuel < 0) spend(1);
    const tuple = tuples[index] as Tuple;
    const chosen = timesChosen(predicate(tuple), index, tuples.length);
    for (let times = 0; times < chosen; times++) found.push(tuple);
  }
  return found;
}

/** `#$name` behind a predicate: positions in the whole stream. */
export function numberedTuples(tuples: readonly Tuple[], slot: number): readonly Tuple[] {
  spend(tuples.length);
  return tuples.map((tuple, index) => {
    const next = tuple.slice();
    next[slot] = index;
    return next;
  });
}

export type TupleTerm = readonly [key: (tuple: Tuple) => Outcome, descending: boolean];

export function orderedTuples(
  tuples: readonly Tuple[],
  terms: readonly TupleTerm[],
  offset: number,
): readonly Tuple[] {
  if (tuples.length < 2) return tuples;
  spend(tuples.length * terms.length);
  const keyed = tuples.map((tuple) => ({ tuple, keys: terms.map(([key]) => plain(key(tuple))) }));
  const descending = terms.map((term) => term[1]);
  return mergeSorted(keyed, (a, b) => compareTerms(a.keys, b.keys, descending, offset) > 0).map(
    (entry) => entry.tuple,
  );
}

/** The items without their names. */
export function tupleValues(tuples: readonly Tuple[]): Sequence {
  spendArray(tuples.length);
  const items: Item[] = [];
  for (const tuple of tuples) {
    const value = plain(tuple[0]);
    if (value !== undefined) items.push(value);
  }
  return new Sequence(items);
}

export type TuplePair = readonly [key: (tuple: Tuple) => Outcome, value: (tuple: Tuple) => Outcome];

/**
 * Group-by on a stream: in a group of several tuples every name stands for the values of all. A path that found nothing
 * before its first name is grouped like any other path that found nothing: once, on an absent item.
 */
export function groupedTuples(
  items: readonly Outcome[],
  streamOf: (tuples: readonly Tuple[]) => readonly Tuple[],
  pairs: readonly TuplePair[],
  offset: number,
): Item {
  const tuples = items.length === 0 ? [[undefined]] : streamOf(startTuples(items));
  const groups = groupBy(tuples, pairs, offset);
  return objectOf(
    groups.map(([key]) => key),
    groups.map(([, { pair, members }]) => pairs[pair]?.[1](reduced(members))),
  );
}

function reduced(tuples: readonly Tuple[]): Tuple {
  if (tuples.length < 2) return tuples[0] ?? [undefined];
  const length = Math.max(...tuples.map((tuple) => tuple.length));
  return Array.from({ length }, (_, slot) => {
    let joined: Outcome;
    for (const tuple of tuples) joined = appended(joined, tuple[slot]);
    return collapse(joined);
  });
}
