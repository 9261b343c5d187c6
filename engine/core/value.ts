import type { Decimal } from "./decimal.ts";
import type { NumberToken } from "./number-token.ts";

/**
 * What a record's fields hold: JSON, plus exact decimals and number tokens that a double cannot carry.
 * Values are never changed in place once they are in a record: a step that sets a field makes a new object.
 */
export type Value =
  | null
  | boolean
  | number
  | string
  | Decimal
  | NumberToken
  | readonly Value[]
  | ValueObject;

export interface ValueObject {
  readonly [name: string]: Value;
}
