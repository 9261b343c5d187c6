import type { RecordFault } from "../core/fault.ts";
import type { ValueObject } from "../core/value.ts";

export interface SchemaPass {
  /** The record with an exact Decimal at every path that the schema declares `format: decimal`. */
  readonly value: ValueObject;
  readonly exact: boolean;
}

/** A compiled JSON Schema for records. */
export interface RecordSchema {
  /** `exact`: the value may already hold Decimals or NumberTokens. Never throws, never changes its input. */
  check(value: ValueObject, exact: boolean): SchemaPass | RecordFault;
}

/** A fault of a schema document itself; `pointer` is a JSON pointer into it. */
export interface SchemaFault {
  readonly code: string;
  readonly message: string;
  readonly pointer: string;
  readonly suggestion?: string;
}

/** What a schema says of its top-level fields: for the check of expressions against it. */
export interface SchemaFields {
  readonly names: ReadonlySet<string>;
  /** Dotted paths of decimals, `*` for array items. */
  readonly decimals: ReadonlySet<string>;
  /** Top-level fields that are arrays whenever they are there. */
  readonly arrays: ReadonlySet<string>;
  /** False with `additionalProperties: false`. */
  readonly open: boolean;
}
