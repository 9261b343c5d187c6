import { isAscii, isUtf8 } from "node:buffer";
import { epochMillis, formatInstant, parseRfc3339 } from "../core/event-time.ts";
import { JsonTextError, excerpt, parseRecordText } from "../core/json-text.ts";
import { sequenceStep, StreamRecord, TOMBSTONE } from "../core/record.ts";
import { isObject } from "../core/value-kind.ts";
import type { RecordFault } from "../core/fault.ts";
import type { Origin, RawBatch } from "../core/record.ts";
import type { Value, ValueObject } from "../core/value.ts";
import type { PlanSource } from "../plan/plan.ts";

export interface IntakeOptions {
  readonly eventTime: PlanSource["eventTime"];
  readonly maxFutureSkewMs: number | null;
  /** Levels of objects and arrays a record may have; 64 unless told. */
  readonly maxDepth?: number;
}

const defaultMaxDepth = 64;
const byteOrderMark = "\ufeff";
const byteOrderMarkBytes = 3;
/** What decoding puts in the place of bytes that are not UTF-8. */
const replacement = "\ufffd";
const replacementBytes = Buffer.from(replacement);
const onlyBlanks = /^[ \t\r\n]*$/;
const surrogateEscape = /\\u[dD][89a-fA-F]/;
const anyEscape = /\\(?:u([0-9a-fA-F]{4})|[^])/g;

/** What is known of a whole batch's bytes, so that its rows need no look of their own. */
type BatchEncoding = "ascii" | "utf8" | "mixed";

/**
 * Decodes raw rows into records: the source's half of `accepted or rejected, one of both, counted`. Faults are found
 * in the order of semantics.md section 1 and the first is reported.
 */
export class Intake {
  readonly #eventTime: PlanSource["eventTime"];
  readonly #eventTimePointer: string;
  readonly #maxFutureSkewMs: number;
  readonly #maxDepth: number;

  constructor(options: IntakeOptions) {
    this.#eventTime = options.eventTime;
    this.#eventTimePointer = pointerOf(options.eventTime?.field ?? []);
    this.#maxFutureSkewMs = options.maxFutureSkewMs ?? Number.POSITIVE_INFINITY;
    this.#maxDepth = options.maxDepth ?? defaultMaxDepth;
  }

  /**
   * Calls `accept` or `reject` once for each row, in row order. A record's `sequence` is its row number times `sequenceStep`. `reject` gets
   * the record's value where it was decoded as an object.
   */
  decode(
    origin: Origin,
    lane: number,
    accept: (record: StreamRecord) => void,
    reject: (row: number, fault: RecordFault, value: ValueObject | undefined) => void,
  ): void {
    const { batch } = origin;
    const encoding = encodingOf(batch.bytes);
    for (let row = 0; row < batch.ends.length; row += 1) {
      const text = rowText(batch, row, encoding);
      if (typeof text !== "string") {
        reject(row, text, undefined);
        continue;
      }
      const parsed = this.#parse(text);
      if ("code" in parsed) {
        reject(row, parsed, undefined);
        continue;
      }
      const { value, exact } = parsed;
      if (!isObject(value)) {
        reject(
          row,
          { code: "NOT_AN_OBJECT", message: `not a JSON object: ${excerpt(value)}` },
          undefined,
        );
        continue;
      }
      const eventTimeMs = this.#eventTimeOf(value);
      if (typeof eventTimeMs !== "number") {
        reject(row, eventTimeMs, value);
        continue;
      }
      const brokerTimeMs = batch.timestampsMs?.[row] ?? -1;
      if (brokerTimeMs >= 0 && eventTimeMs - brokerTimeMs > this.#maxFutureSkewMs) {
        reject(row, this.#tooFarAhead(eventTimeMs, brokerTimeMs), value);
        continue;
      }
      const sequence = row * sequenceStep;
      accept(new StreamRecord(value, eventTimeMs, lane, sequence, origin, row, exact, text));
    }
  }

  #parse(source: string): { value: Value; exact: boolean } | RecordFault {
    const marked = source.startsWith(byteOrderMark);
    const text = marked ? source.slice(1) : source;
    const bytesBefore = marked ? byteOrderMarkBytes : 0;
    if (text.charCodeAt(0) !== 0x7b && onlyBlanks.test(text)) {
      return { code: "EMPTY_VALUE", message: "the value is empty" };
    }
    if (text.includes("\\u")) {
      const at = loneSurrogateEscape(text);
      if (at >= 0) {
        const place = bytesBefore + Buffer.byteLength(text.slice(0, at));
        return {
          code: "INVALID_ENCODING",
          message: `half of a surrogate pair, ${text.slice(at, at + 6)}, at byte ${place}`,
        };
      }
    }
    if (isNestedDeeper(text, this.#maxDepth)) {
      return {
        code: "NESTING_TOO_DEEP",
        message: `objects and arrays are nested more than ${this.#maxDepth} deep`,
      };
    }
    try {
      return parseRecordText(text);
    } catch (error) {
      if (!(error instanceof JsonTextError)) {
        throw error;
      }
      if (text.charCodeAt(0) === 0 || text.charCodeAt(1) === 0) {
        return {
          code: "INVALID_ENCODING",
          message: "not UTF-8: NUL bytes between the letters look like UTF-16 or UTF-32",
        };
      }
      const place = bytesBefore + Buffer.byteLength(text.slice(0, error.offset));
      return {
        code: "MALFORMED_JSON",
        message: `malformed JSON: ${error.message} at byte ${place}`,
      };
    }
  }

  #eventTimeOf(value: ValueObject): number | RecordFault {
    const eventTime = this.#eventTime;
    if (eventTime === null) {
      return Number.NaN;
    }
    let found: Value | undefined = value;
    for (const name of eventTime.field) {
      found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
    }
    const rfc3339 = eventTime.format === "rfc3339";
    let eventTimeMs = Number.NaN;
    if (rfc3339) {
      eventTimeMs = typeof found === "string" ? parseRfc3339(found) : Number.NaN;
    } else if (found !== undefined) {
      eventTimeMs = epochMillis(found);
    }
    if (!Number.isNaN(eventTimeMs)) {
      return eventTimeMs;
    }
    const name = eventTime.field.join(".");
    const wanted = rfc3339
      ? "an RFC 3339 time with zone, such as 2025-01-13T15:00:00Z"
      : "an integer of milliseconds since 1970, within the years 1 to 9999";
    const message =
      found === undefined
        ? `${name} is missing: expected ${wanted}`
        : `${name} is ${excerpt(found)}: expected ${wanted}`;
    return { code: "EVENT_TIME_INVALID", message, path: this.#eventTimePointer };
  }

  #tooFarAhead(eventTimeMs: number, brokerTimeMs: number): RecordFault {
    return {
      code: "TIMESTAMP_OUT_OF_RANGE",
      message:
        `event time ${formatInstant(eventTimeMs)} is more than ${this.#maxFutureSkewMs} ms ` +
        `ahead of the record's own timestamp ${formatInstant(brokerTimeMs)}`,
      path: this.#eventTimePointer,
    };
  }
}

function pointerOf(field: readonly string[]): string {
  return field.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function encodingOf(bytes: Buffer): BatchEncoding {
  if (isAscii(bytes)) {
    return "ascii";
  }
  return isUtf8(bytes) ? "utf8" : "mixed";
}

function rowText(batch: RawBatch, row: number, encoding: BatchEncoding): string | RecordFault {
  const { bytes } = batch;
  const start = batch.starts[row] ?? 0;
  const end = batch.ends[row] ?? TOMBSTONE;
  if (end === TOMBSTONE) {
    return { code: "TOMBSTONE", message: "the record has no value (a tombstone)" };
  }
  const oversized = batch.oversized?.get(row);
  if (oversized !== undefined) {
    return {
      code: "RECORD_TOO_LARGE",
      message: `the value has ${oversized.length} bytes, more than max_record_bytes allows`,
    };
  }
  if (encoding === "ascii") {
    return bytes.toString("latin1", start, end);
  }
  const text = bytes.toString("utf8", start, end);
  const whole =
    encoding === "utf8"
      ? !isContinuation(bytes[start], start, end) && !isContinuation(bytes[end], start, end)
      : !text.includes(replacement) || isUtf8(bytes.subarray(start, end));
  return whole
    ? text
    : { code: "INVALID_ENCODING", message: invalidEncoding(text, bytes.subarray(start, end)) };
}

/** In valid UTF-8 a row that starts with, or ends before, a continuation byte was cut out of a character. */
function isContinuation(byte: number | undefined, start: number, end: number): boolean {
  return byte !== undefined && start < end && (byte & 0xc0) === 0x80;
}

function invalidEncoding(text: string, row: Buffer): string {
  let place = 0;
  let from = 0;
  let at = text.indexOf(replacement);
  // Up to the first fault the text has the bytes' own length; a U+FFFD may also have come as such.
  while (at >= 0) {
    place += Buffer.byteLength(text.slice(from, at));
    if (!row.subarray(place, place + replacementBytes.length).equals(replacementBytes)) {
      break;
    }
    place += replacementBytes.length;
    from = at + 1;
    at = text.indexOf(replacement, from);
  }
  return `not UTF-8 at byte ${place}`;
}

/** Index of an escape that is one half of a surrogate pair without the other; -1 if there is none. */
function loneSurrogateEscape(text: string): number {
  if (!surrogateEscape.test(text)) {
    return -1;
  }
  let highAt = -1;
  for (const match of text.matchAll(anyEscape)) {
    const unit = match[1] === undefined ? 0 : Number.parseInt(match[1], 16);
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    if (highAt >= 0) {
      if (!isLow || match.index !== highAt + 6) {
        return highAt;
      }
      highAt = -1;
    } else if (isLow) {
      return match.index;
    } else if (unit >= 0xd800 && unit <= 0xdbff) {
      highAt = match.index;
    }
  }
  return highAt;
}

/** Counts brackets outside strings, but only in text that has more than `maxDepth` opening ones at all. */
function isNestedDeeper(text: string, maxDepth: number): boolean {
  return openingBrackets(text, maxDepth) > maxDepth && depthOf(text, maxDepth) > maxDepth;
}

function openingBrackets(text: string, enough: number): number {
  let count = 0;
  for (const bracket of ["{", "["]) {
    let at = text.indexOf(bracket);
    while (at >= 0 && count <= enough) {
      count += 1;
      at = text.indexOf(bracket, at + 1);
    }
  }
  return count;
}

/** The deepest nesting, or the first beyond `enough`. */
function depthOf(text: string, enough: number): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length && deepest <= enough; index += 1) {
    const unit = text.charCodeAt(index);
    if (inString) {
      if (unit === 0x5c) {
        index += 1;
      } else if (unit === 0x22) {
        inString = false;
      }
    } else if (unit === 0x22) {
      inString = true;
    } else if (unit === 0x7b || unit === 0x5b) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (unit === 0x7d || unit === 0x5d) {
      depth -= 1;
    }
  }
  return deepest;
}
