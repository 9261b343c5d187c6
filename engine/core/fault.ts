import type { ValueObject } from "./value.ts";

/** Coarse error type of a record (for routing) by fine code (documented): semantics.md section 1. */
export const faultTypes = {
  INVALID_ENCODING: "MALFORMED_JSON",
  MALFORMED_JSON: "MALFORMED_JSON",
  EMPTY_VALUE: "MALFORMED_JSON",
  TOMBSTONE: "MALFORMED_JSON",
  NESTING_TOO_DEEP: "MALFORMED_JSON",
  RECORD_TOO_LARGE: "MALFORMED_JSON",
  NOT_AN_OBJECT: "SCHEMA_VIOLATION",
  SCHEMA_VIOLATION: "SCHEMA_VIOLATION",
  EVENT_TIME_INVALID: "SCHEMA_VIOLATION",
  TIMESTAMP_OUT_OF_RANGE: "SCHEMA_VIOLATION",
  RULE_VIOLATION: "BUSINESS_RULE_VIOLATION",
  DUPLICATE: "DUPLICATE",
  LATE: "LATE",
  DEDUPE_EXPIRED: "LATE",
  EXPRESSION_ERROR: "EXPRESSION_ERROR",
  EXPRESSION_LIMIT: "EXPRESSION_ERROR",
  KEY_MISSING: "EXPRESSION_ERROR",
  OPERAND_TYPE: "EXPRESSION_ERROR",
  OUTPUT_INVALID: "EXPRESSION_ERROR",
  OUTPUT_TOO_LARGE: "OUTPUT_REJECTED",
} as const;

export type FaultCode = keyof typeof faultTypes;

/** What a step found wrong with one record. */
export interface RecordFault {
  readonly code: FaultCode;
  readonly message: string;
  /** JSON pointer into the record, where known. */
  readonly path?: string;
  /** Extra members of the envelope, such as the event time of a duplicate's first. */
  readonly details?: ValueObject;
}

/** What an error port carries and `$error` reads. `type` is coarse, `code` fine; `time` is processing time. */
export interface ErrorEnvelope extends ValueObject {
  readonly type: string;
  readonly code: FaultCode;
  readonly message: string;
  readonly step: string;
  readonly original: string;
  readonly encoding: "utf8" | "base64";
  readonly time: string;
}
