import { Decimal, decimalText } from "./decimal.ts";
import { NumberToken } from "./number-token.ts";
import { isList } from "./value-kind.ts";
import type { Value } from "./value.ts";

/*
 * A key is the components' texts, separated by NUL. Each starts with a letter for its type, so that types sort
 * null, false, true, numbers, texts, arrays, objects. A NUL inside a component is followed by U+FFFF (or U+FFFE for a
 * lone surrogate, which UTF-8 could not tell from others), the one that separates by a letter. So distinct keys have
 * distinct texts, and the order of code points, which is the byte order of UTF-8, is the order of the keys.
 */

// oxlint-disable-next-line no-control-regex
const special = /[\u0000\ud800-\udfff]/;
// oxlint-disable-next-line no-control-regex
const nuls = /\u0000/g;
const loneSurrogates = /[\ud800-\udfff]/gu;

/**
 * The canonical text of a key of one or several components: equal for equal values, decimals and numbers by value
 * (12.0 = 12.00, the number 5 = the decimal 5), 1 and "1" apart. `compareKeys` gives its order.
 */
export function encodeKey(components: readonly Value[]): string {
  let key = "";
  for (let index = 0; index < components.length; index += 1) {
    const component = encodeComponent(components[index] ?? null);
    key = index === 0 ? component : `${key}\u0000${component}`;
  }
  return key;
}

function encodeComponent(value: Value): string {
  if (typeof value === "string") {
    return special.test(value) ? `t${escapeText(value)}` : `t${value}`;
  }
  if (typeof value === "number") {
    return encodeNumber(String(value));
  }
  if (value === null) {
    return "a";
  }
  if (typeof value === "boolean") {
    return value ? "c" : "b";
  }
  if (value instanceof Decimal) {
    return encodeNumber(decimalText(value));
  }
  // By its own digits, not its double: two long numbers that differ in the last one are two keys.
  if (value instanceof NumberToken) {
    return encodeNumber(value.text);
  }
  if (isList(value)) {
    return `v${escapeNuls(encodeKey(value))}`;
  }
  const members = Object.entries(value).sort(([a], [b]) => compareKeys(a, b));
  return `w${escapeNuls(encodeKey(members.flat()))}`;
}

function escapeNuls(text: string): string {
  return text.replace(nuls, "\u0000\uffff");
}

function escapeText(text: string): string {
  return escapeNuls(text).replace(
    loneSurrogates,
    (unit) => `\u0000\ufffe${unit.charCodeAt(0).toString(16)}`,
  );
}

const numberParts = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/** A number's text as a text whose order is the numbers' order: sign, exponent, digits without zeros at the ends. */
function encodeNumber(text: string): string {
  const parts = numberParts.exec(text);
  if (parts === null) {
    throw new RangeError(`not a JSON number: ${text}`);
  }
  const whole = parts[2] ?? "";
  const digitsAndZeros = whole + (parts[3] ?? "");
  let start = 0;
  while (digitsAndZeros.charCodeAt(start) === 0x30) {
    start += 1;
  }
  let end = digitsAndZeros.length;
  while (end > start && digitsAndZeros.charCodeAt(end - 1) === 0x30) {
    end -= 1;
  }
  if (start === end) {
    return "n0";
  }
  const digits = digitsAndZeros.slice(start, end);
  const negative = parts[1] === "-";
  const exponentText = parts[4] ?? "0";
  if (exponentText.length > exponentLengthMax) {
    // Such a number is noise; it only has to stand on the right side and apart from others.
    const far = exponentText.startsWith("-") === negative ? "z" : "A";
    return `n${negative ? "-" : "1"}${far}${text}`;
  }
  // The value is 0.d1d2... x 10^exponent.
  const exponent = Number(exponentText) + whole.length - start;
  return negative
    ? `n-${encodeExponent(-exponent)}${complement(digits)}:`
    : `n1${encodeExponent(exponent)}${digits}`;
}

const exponentLengthMax = 15;

/** A letter for sign and length (P to _ below zero, a to p above), then the digits, complemented below zero. */
function encodeExponent(exponent: number): string {
  const digits = String(Math.abs(exponent));
  return exponent < 0
    ? String.fromCharCode(0x60 - digits.length) + complement(digits)
    : String.fromCharCode(0x60 + digits.length) + digits;
}

function complement(digits: string): string {
  let complemented = "";
  for (let index = 0; index < digits.length; index += 1) {
    complemented += String.fromCharCode(0x69 - digits.charCodeAt(index));
  }
  return complemented;
}

/** Surrogates stand above U+FFFF in the order of code points, below U+E000 in that of code units. */
function rank(unit: number): number {
  if (unit < 0xd800) {
    return unit;
  }
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Order of encoded keys: component by component; texts in the byte order of UTF-8. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) {
      return rank(left) < rank(right) ? -1 : 1;
    }
  }
  return Math.sign(a.length - b.length);
}
