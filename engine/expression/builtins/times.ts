import { Decimal, decimalToNumber } from "../../core/decimal.ts";
import {
  epochMillis,
  formatInstant,
  formatInstantShort,
  parseRfc3339,
} from "../../core/event-time.ts";
import { pictureFault, readPicture } from "../date-picture.ts";
import type { DatePicture } from "../date-picture.ts";
import { readDate } from "../date-reading.ts";
import { evaluation } from "../evaluation.ts";
import { failure, shown } from "../failure.ts";
import type { Item, Outcome } from "../values.ts";
import { borrowed, borrowedAtLoad } from "./borrowed.ts";
import { builtin } from "./builtin.ts";
import type { Builtin } from "./builtin.ts";

/** Times. They come from the evaluation's context; nothing here reads a clock. */

let processedMs = Number.NaN;
let processedText = "";

/** RFC 3339 text of the processing time. It is the same for a whole batch, so the last text is kept. */
export function processingTime(): string {
  const ms = evaluation.context.processingTimeMs;
  if (ms !== processedMs) {
    processedText = formatInstant(ms);
    processedMs = ms;
  }
  return processedText;
}

function known(ms: number): number | undefined {
  return Number.isNaN(ms) ? undefined : ms;
}

function instantText(ms: number): string | undefined {
  return Number.isNaN(ms) ? undefined : formatInstant(ms);
}

const isoDate =
  /^\d{4}(?:-[01]\d)?(?:-[0-3]\d)?(T[0-2]\d:[0-5]\d:[0-5]\d)?(?:\.\d+)?([+-][0-2]\d:?[0-5]\d|Z)?$/;

/** `$toMillis(text)`: jsonata's ISO 8601 form. A time without a zone is UTC, on every machine. */
function toMillis(text: string, offset: number): number {
  const match = isoDate.exec(text);
  const zoned =
    match !== null && match[1] !== undefined && match[2] === undefined ? `${text}Z` : text;
  const ms = match === null ? Number.NaN : Date.parse(zoned);
  if (Number.isNaN(ms)) throw failure("D3110", `Not an ISO 8601 time: ${shown(text)}`, offset);
  return ms;
}

/** Pictures are literals of expressions, so there are few. */
const pictures = new Map<string, DatePicture>();

function pictureOf(picture: string, offset: number): DatePicture {
  let read = pictures.get(picture);
  if (read === undefined) {
    read = readPicture(picture, (digits, integerPicture) => {
      const value = borrowed("parseInteger", [digits, integerPicture], offset);
      return typeof value === "number" ? value : undefined;
    });
    pictures.set(picture, read);
  }
  return read;
}

/** Faults of a picture, found when the expression is compiled. */
export function checkPicture(name: string, picture: string, offset: number): void {
  const fault = pictureFault(picture);
  if (fault !== undefined) throw failure("PICTURE_LIMIT", fault, offset);
  if (name !== "$toMillis") {
    borrowedAtLoad("fromMillis", [0, picture], offset);
    return;
  }
  borrowedAtLoad("toMillis", ["", picture], offset);
  // Made here: that takes longer than many a search.
  pictureOf(picture, offset);
}

function instant(value: Outcome, index: number, offset: number): number {
  let ms = Number.NaN;
  if (value === processedText) ms = processedMs;
  else if (typeof value === "string") ms = parseRfc3339(value);
  else if (value instanceof Decimal) ms = epochMillis(decimalToNumber(value));
  else if (typeof value === "number") ms = epochMillis(value);
  if (Number.isNaN(ms)) {
    throw failure(
      "INSTANT_INVALID",
      `Argument ${index} of $millis_between is no RFC 3339 text and no epoch milliseconds: ${shown(value)}`,
      offset,
    );
  }
  return ms;
}

/** ms from the first instant to the second; absent if one is. */
export function millisBetween(from: Outcome, to: Outcome, offset: number): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  return instant(to, 2, offset) - instant(from, 1, offset);
}

function clock(
  name: string,
  returns: "string" | "number",
  optional: boolean,
  read: () => Item | undefined,
  volatile = false,
): Builtin {
  return builtin(name, "<>", { arity: 0, returns, optional, volatile }, read);
}

export const timeFunctions: readonly Builtin[] = [
  builtin(
    "toMillis",
    "<s-s?:n>",
    { arity: 2, returns: "number", literalArgument: 1 },
    ([text, picture], offset) =>
      text === undefined
        ? undefined
        : picture === undefined
          ? toMillis(text as string, offset)
          : readDate(
              text as string,
              pictureOf(picture as string, offset),
              evaluation.context.processingTimeMs,
              offset,
            ),
  ),
  builtin(
    "fromMillis",
    "<n-s?s?:s>",
    { arity: 3, returns: "string", decimals: "refuse", literalArgument: 1 },
    (args, offset) => borrowed("fromMillis", args, offset),
  ),
  builtin(
    "now",
    "<s?s?:s>",
    { arity: 2, returns: "string", literalArgument: 0, volatile: true },
    ([picture, zone], offset) =>
      picture === undefined && zone === undefined
        ? processingTime()
        : borrowed("fromMillis", [evaluation.context.processingTimeMs, picture, zone], offset),
  ),
  clock("millis", "number", false, () => evaluation.context.processingTimeMs, true),
  clock("processing_time", "string", false, processingTime, true),
  clock("processing_time_ms", "number", false, () => evaluation.context.processingTimeMs, true),
  clock("event_time", "string", true, () => instantText(evaluation.context.eventTimeMs)),
  clock("event_time_ms", "number", true, () => known(evaluation.context.eventTimeMs)),
  clock("broker_time", "string", true, () => instantText(evaluation.context.brokerTimeMs)),
  builtin("millis_between", "<xx:n>", { returns: "number" }, ([from, to], offset) =>
    millisBetween(from, to, offset),
  ),
];

/** `$window` */
export function windowFacts(): Outcome {
  const bounds = evaluation.context.result?.window;
  if (bounds === undefined) return undefined;
  return {
    start: formatInstantShort(bounds.startMs),
    end: formatInstantShort(bounds.endMs),
    start_ms: bounds.startMs,
    end_ms: bounds.endMs,
  };
}

/** `$late` */
export function lateFacts(): Outcome {
  const late = evaluation.context.late;
  if (late === undefined) return undefined;
  return {
    lateness_ms: late.latenessMs,
    window_start: formatInstantShort(late.window.startMs),
    window_end: formatInstantShort(late.window.endMs),
  };
}

export function revision(): Outcome {
  return evaluation.context.result?.revision;
}

export function isFinal(): Outcome {
  return evaluation.context.result?.isFinal;
}

export function errorEnvelope(): Outcome {
  return evaluation.context.error;
}
