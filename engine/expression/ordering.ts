import { compareSortKeys } from "./comparison.ts";
import { meter, spend, spendArray } from "./meter.ts";
import type { Step } from "./paths.ts";
import { Sequence, plain } from "./values.ts";
import type { Item, Outcome } from "./values.ts";

/** Stable merge sort; `swaps(a, b)` says that `b` must come before `a`. Takes any answer a user's function may give. */
export function mergeSorted<T>(items: readonly T[], swaps: (a: T, b: T) => boolean): readonly T[] {
  if (items.length < 2) return items;
  spendArray(items.length);
  const from = [...items];
  const into = from.slice();
  // Halves as JSONata makes them, so that an inconsistent comparison gives the same order.
  const sort = (start: number, end: number): void => {
    if (end - start < 2) return;
    const middle = start + Math.floor((end - start) / 2);
    sort(start, middle);
    sort(middle, end);
    let left = start;
    let right = middle;
    for (let at = start; at < end; at++) {
      const a = from[left] as T;
      const b = from[right] as T;
      const takeRight = left >= middle || (right < end && compared(a, b));
      into[at] = takeRight ? b : a;
      if (takeRight) right++;
      else left++;
    }
    for (let at = start; at < end; at++) from[at] = into[at] as T;
  };
  const compared = (a: T, b: T): boolean => {
    if (--meter.fuel < 0) spend(1);
    return swaps(a, b);
  };
  sort(0, from.length);
  return from;
}

export type OrderTerm = readonly [key: Step, descending: boolean];

/** `items^(key, >other)`. */
export function ordered(
  items: readonly Item[],
  terms: readonly OrderTerm[],
  offset: number,
): readonly Item[] {
  if (items.length < 2) return items;
  const keyed = items.map((item) => ({
    item,
    keys: terms.map(([key]) => plain(key(item))),
  }));
  spend(items.length * terms.length);
  const descending = terms.map((term) => term[1]);
  return mergeSorted(keyed, (a, b) => compareTerms(a.keys, b.keys, descending, offset) > 0).map(
    (entry) => entry.item,
  );
}

/** Order by the first key that differs; an absent key is last either way. */
export function compareTerms(
  a: readonly (Item | undefined)[],
  b: readonly (Item | undefined)[],
  descending: readonly boolean[],
  offset: number,
): number {
  for (let index = 0; index < descending.length; index++) {
    const left = a[index];
    const right = b[index];
    const order = compareSortKeys(left, right, offset);
    if (order === 0) continue;
    const absent = left === undefined || right === undefined;
    return absent || descending[index] !== true ? order : -order;
  }
  return 0;
}

/** As the last step of a path: what was one result stays one, sorted arrays are arrays. */
export function orderedLast(
  items: readonly Item[],
  terms: readonly OrderTerm[],
  offset: number,
): Outcome {
  return items.length < 2 ? new Sequence(items) : ordered(items, terms, offset);
}
