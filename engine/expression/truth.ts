import { Decimal, isZeroDecimal } from "../core/decimal.ts";
import { NumberToken } from "../core/number-token.ts";
import { outOfRange } from "./arithmetic.ts";
import { checkDepth, spend } from "./meter.ts";
import { Sequence, isArray, isObject } from "./values.ts";
import type { Outcome } from "./values.ts";

/** JSONata's effective boolean value; absent counts as false. */
export function truthy(value: Outcome): boolean {
  return truth(value, 0);
}

function truth(value: Outcome, depth: number): boolean {
  switch (typeof value) {
    case "boolean":
      return value;
    case "string":
      return value !== "";
    case "number":
      if (Math.abs(value) === Number.POSITIVE_INFINITY) throw outOfRange(value, 0);
      return value !== 0 && !Number.isNaN(value);
    case "undefined":
      return false;
    default:
      if (value === null) return false;
      if (value instanceof Decimal) return !isZeroDecimal(value);
      if (value instanceof NumberToken) return value.number !== 0;
      if (isObject(value)) {
        const { length } = Object.keys(value);
        spend(length);
        return length > 0;
      }
      const items = value instanceof Sequence ? value.items : isArray(value) ? value : [];
      checkDepth(depth);
      spend(items.length);
      return items.some((item) => truth(item, depth + 1));
  }
}
