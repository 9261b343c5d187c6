import { isUtf8 } from "node:buffer";
import { formatInstant } from "./event-time.ts";
import { faultTypes } from "./fault.ts";
import { serializeValue } from "./json-text.ts";
import { TOMBSTONE } from "./record.ts";
import type { ErrorEnvelope, RecordFault } from "./fault.ts";
import type { Origin, StreamRecord } from "./record.ts";
import type { Value, ValueObject } from "./value.ts";

interface Original {
  readonly original: string;
  readonly encoding: "utf8" | "base64";
}

/** Bytes of the longest UTF-8 sequence that a cut may have left incomplete. */
const incompleteBytesMax = 3;

/**
 * The bytes a record came as: text where they are valid UTF-8, else base64. Nothing is cut except an oversized row,
 * of which the batch holds only the head (a character that the cut went through is left out). A record that the
 * engine made has its JSON text; a tombstone the empty text.
 */
export function originalOf(record: {
  readonly origin: Origin | undefined;
  readonly row: number;
  readonly value: Value;
}): Original {
  const { origin, row } = record;
  if (origin === undefined) {
    return { original: serializeValue(record.value), encoding: "utf8" };
  }
  const { batch } = origin;
  const start = batch.starts[row] ?? 0;
  const end = batch.ends[row] ?? TOMBSTONE;
  if (end === TOMBSTONE) {
    return { original: "", encoding: "utf8" };
  }
  const bytes = batch.bytes.subarray(start, end);
  if (isUtf8(bytes)) {
    return { original: bytes.toString("utf8"), encoding: "utf8" };
  }
  if (batch.oversized?.has(row)) {
    for (let cut = 1; cut <= incompleteBytesMax; cut += 1) {
      const head = bytes.subarray(0, Math.max(bytes.length - cut, 0));
      if (isUtf8(head)) {
        return { original: head.toString("utf8"), encoding: "utf8" };
      }
    }
  }
  return { original: bytes.toString("base64"), encoding: "base64" };
}

/** What an error port carries for one record (semantics.md section 1). */
export function errorEnvelope(input: {
  readonly fault: RecordFault;
  readonly step: string;
  /** The record as it reached the step; undefined if it could not be decoded. */
  readonly record: StreamRecord | undefined;
  readonly origin: Origin | undefined;
  /** Row in `origin.batch`; -1 without origin. */
  readonly row: number;
  /** The lane's name. */
  readonly lane: string;
  /** Processing time. */
  readonly timeMs: number;
}): ErrorEnvelope {
  const { fault, record, origin, row } = input;
  const value = record?.value ?? null;
  const { original, encoding } = originalOf({ origin, row, value });
  const oversized = origin?.batch.oversized?.get(row);
  return {
    type: faultTypes[fault.code],
    code: fault.code,
    message: fault.message,
    step: input.step,
    path: fault.path ?? null,
    original,
    encoding,
    record: value,
    source: origin === undefined ? null : sourceOf(origin, row, input.lane),
    time: formatInstant(input.timeMs),
    ...(oversized === undefined
      ? {}
      : {
          original_length: oversized.length,
          original_sha256: oversized.sha256,
          original_cut: true,
        }),
    ...fault.details,
  };
}

function sourceOf(origin: Origin, row: number, lane: string): ValueObject {
  return {
    source: origin.sourceId,
    name: origin.sourceName,
    partition: origin.batch.partition,
    offset: origin.batch.offsets[row] ?? null,
    lane,
  };
}
