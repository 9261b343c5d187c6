import type { Value, ValueObject } from "./value.ts";

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** A JSON object; not a list, Decimal or NumberToken, whose prototypes are their own. */
export function isObject(value: Value | undefined): value is ValueObject {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
