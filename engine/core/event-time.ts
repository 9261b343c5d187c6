import { NumberToken } from "./number-token.ts";
import type { Value } from "./value.ts";

const dayMs = 86_400_000;
/** 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z. */
const instantMinMs = -62_135_596_800_000;
const instantMaxMs = 253_402_300_799_999;

const zero = 0x30;

/** Two digits at `index`; NaN unless both are ASCII digits. */
function pairAt(text: string, index: number): number {
  const tens = text.charCodeAt(index) - zero;
  const ones = text.charCodeAt(index + 1) - zero;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

const monthLengths: readonly number[] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysOfMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : (monthLengths[month] ?? 0);
}

/** Days from 1970-01-01 to a date of the Gregorian calendar. The year starts in March, so that a leap day ends it. */
function daysFromCivil(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const marchMonth = month > 2 ? month - 3 : month + 9;
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5) + day - 1;
  const leapDays =
    Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + dayOfYear - 719_468;
}

/**
 * Strict RFC 3339 (semantics.md section 2) as ms since the epoch; NaN for anything else, and for an offset
 * that carries the instant out of the years 0001 to 9999.
 */
export function parseRfc3339(text: string): number {
  const length = text.length;
  if (length < 20 || length > 35) {
    return Number.NaN;
  }
  if (
    text.charCodeAt(4) !== 0x2d ||
    text.charCodeAt(7) !== 0x2d ||
    text.charCodeAt(10) !== 0x54 ||
    text.charCodeAt(13) !== 0x3a ||
    text.charCodeAt(16) !== 0x3a
  ) {
    return Number.NaN;
  }
  const year = pairAt(text, 0) * 100 + pairAt(text, 2);
  const month = pairAt(text, 5);
  const day = pairAt(text, 8);
  const hour = pairAt(text, 11);
  const minute = pairAt(text, 14);
  const second = pairAt(text, 17);
  // Each comparison is false for NaN.
  const real =
    year >= 1 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysOfMonth(year, month) &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59;
  if (!real) {
    return Number.NaN;
  }
  let index = 19;
  let fractionMs = 0;
  if (text.charCodeAt(index) === 0x2e) {
    index += 1;
    const fractionStart = index;
    let weightMs = 100;
    for (; index < length; index += 1) {
      const digit = text.charCodeAt(index) - zero;
      if (digit < 0 || digit > 9) {
        break;
      }
      // Digits behind the third are cut, not rounded.
      if (index < fractionStart + 3) {
        fractionMs += digit * weightMs;
        weightMs /= 10;
      }
    }
    const digits = index - fractionStart;
    if (digits < 1 || digits > 9) {
      return Number.NaN;
    }
  }
  const localMs =
    daysFromCivil(year, month, day) * dayMs +
    hour * 3_600_000 +
    minute * 60_000 +
    second * 1_000 +
    fractionMs;
  const zone = text.charCodeAt(index);
  if (zone === 0x5a) {
    return index + 1 === length ? localMs : Number.NaN;
  }
  if (
    (zone !== 0x2b && zone !== 0x2d) ||
    index + 6 !== length ||
    text.charCodeAt(index + 3) !== 0x3a
  ) {
    return Number.NaN;
  }
  const offsetHour = pairAt(text, index + 1);
  const offsetMinute = pairAt(text, index + 4);
  if (!(offsetHour <= 23 && offsetMinute <= 59)) {
    return Number.NaN;
  }
  const offsetMs = (offsetHour * 60 + offsetMinute) * 60_000;
  const instantMs = zone === 0x2b ? localMs - offsetMs : localMs + offsetMs;
  return instantMs >= instantMinMs && instantMs <= instantMaxMs ? instantMs : Number.NaN;
}

const twoDigits: readonly string[] = Array.from({ length: 60 }, (_, value) =>
  String(value).padStart(2, "0"),
);
const threeDigits: readonly string[] = Array.from({ length: 1_000 }, (_, value) =>
  String(value).padStart(3, "0"),
);

/** The text of the day that was asked for last: a pure memo, since most instants of a run share few days. */
let lastDay = Number.NaN;
let lastDayText = "";

function dayText(day: number): string {
  if (day !== lastDay) {
    // `toISOString` of a given instant reads no clock and no time zone.
    const text = new Date(day * dayMs).toISOString();
    lastDayText = text.slice(0, text.indexOf("T") + 1);
    lastDay = day;
  }
  return lastDayText;
}

function toSeconds(ms: number): string {
  const day = Math.floor(ms / dayMs);
  const seconds = Math.floor((ms - day * dayMs) / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return `${dayText(day)}${twoDigits[hours]}:${twoDigits[minutes - hours * 60]}:${twoDigits[seconds - minutes * 60]}`;
}

function millisOf(ms: number): number {
  return ms - Math.floor(ms / 1_000) * 1_000;
}

/**
 * RFC 3339 in UTC with ms: 2025-01-13T15:00:00.000Z. Years outside 0000 to 9999 have six digits and a sign.
 * `ms` is an integer that a Date can hold, else RangeError.
 */
export function formatInstant(ms: number): string {
  return `${toSeconds(ms)}.${threeDigits[millisOf(ms)]}Z`;
}

/** As `formatInstant`, but without fraction on whole seconds. */
export function formatInstantShort(ms: number): string {
  const millis = millisOf(ms);
  return millis === 0 ? `${toSeconds(ms)}Z` : `${toSeconds(ms)}.${threeDigits[millis]}Z`;
}

const integerToken = /^-?[0-9]+$/;

/** A JSON integer of ms since the epoch within the years 0001 to 9999; NaN for any other value. */
export function epochMillis(value: Value): number {
  let ms = Number.NaN;
  if (typeof value === "number") {
    ms = value;
  } else if (value instanceof NumberToken && integerToken.test(value.text)) {
    ms = value.number + 0;
  }
  return Number.isInteger(ms) && ms >= instantMinMs && ms <= instantMaxMs ? ms : Number.NaN;
}
