import type { Decimal } from "../core/decimal.ts";
import type { NumberToken } from "../core/number-token.ts";

/** What an expression may hold while it runs: a record's values, and functions. */
export type Item =
  | null
  | boolean
  | number
  | string
  | Decimal
  | NumberToken
  | FunctionValue
  | readonly Item[]
  | ItemObject;

export interface ItemObject {
  readonly [name: string]: Item;
}

/** What an expression gives: nothing, an item, or the many results of a path. Items never hold a Sequence. */
export type Outcome = Item | undefined | Sequence;

/**
 * The results of a path or of a function such as `$map`. Unlike an array of the data it stands for "none" when empty
 * and for its only member when it has one (see `collapse`). A class of its own, rather than a mark on an array, cannot
 * be imitated by data and needs no cleaning.
 */
export class Sequence {
  readonly items: readonly Item[];
  /** Made by `[]`: a single member stays an array. */
  readonly keepSingleton: boolean;

  constructor(items: readonly Item[], keepSingleton = false) {
    this.items = items;
    this.keepSingleton = keepSingleton;
  }
}

export type FunctionBody = (...args: Outcome[]) => Outcome | TailCall;

/** A lambda or a built-in as a value. Opaque to paths. */
export class FunctionValue {
  /** Parameters that higher-order functions may fill. */
  readonly parameterCount: number;
  readonly invoke: FunctionBody;
  /** What a call adds to the depth of calls, by the size of its stack frames. */
  readonly stackWeight: number;

  constructor(parameterCount: number, invoke: FunctionBody, stackWeight = 1) {
    this.parameterCount = parameterCount;
    this.invoke = invoke;
    this.stackWeight = stackWeight;
  }
}

/** A call in tail position, made by the caller so that loops written as recursion do not nest. */
export class TailCall {
  readonly procedure: Outcome;
  readonly args: readonly Outcome[];
  readonly offset: number;

  constructor(procedure: Outcome, args: readonly Outcome[], offset: number) {
    this.procedure = procedure;
    this.args = args;
    this.offset = offset;
  }
}

const objectPrototype: unknown = Object.prototype;

/** True for JSON objects; not for arrays, decimals, number tokens and functions, which no path may enter. */
export function isObject(value: unknown): value is ItemObject {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === objectPrototype || prototype === null;
}

export function isArray(value: unknown): value is readonly Item[] {
  return Array.isArray(value);
}

/** Own member only: `constructor` or `toString` are there only if the data has them. */
export function member(value: unknown, name: string): Item | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** None is absent, one is itself, many stay. */
export function collapse(value: Outcome): Outcome {
  if (!(value instanceof Sequence)) return value;
  if (value.items.length === 0) return undefined;
  return value.items.length === 1 && !value.keepSingleton ? value.items[0] : value;
}

/** As data: a sequence becomes a plain array. */
export function plain(value: Outcome): Item | undefined {
  return value instanceof Sequence ? value.items : value;
}

/** Keeps a single member as an array (`[]` behind an expression). */
export function kept(value: Outcome): Outcome {
  return value instanceof Sequence ? new Sequence(value.items, true) : value;
}

/** Members of what one step gave, for the next step to visit. */
export function itemsOf(value: Outcome): readonly Item[] {
  if (value === undefined) return [];
  if (value instanceof Sequence) return value.items;
  return isArray(value) ? value : [value];
}

/** Sets an own member, `__proto__` too. */
export function setMember(target: Record<string, Item>, name: string, value: Item): void {
  if (name === "__proto__") {
    Object.defineProperty(target, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } else {
    target[name] = value;
  }
}
