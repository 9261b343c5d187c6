import { Decimal } from "./decimal.ts";
import { memberText, serializeValue } from "./json-text.ts";
import { NumberToken } from "./number-token.ts";
import { isList } from "./value-kind.ts";
import type { StreamRecord } from "./record.ts";
import type { Value, ValueObject } from "./value.ts";

/**
 * JSON text of a record's value, the same that `serializeValue` writes. Members that are as they came are not written
 * again: their text is used where it is what would be written (ADR 0010).
 */
export function writeRecord(record: StreamRecord): string {
  const { writtenText } = record;
  if (writtenText !== undefined) return writtenText;
  const { value, exact, text, added } = record;
  if (text !== undefined) {
    const names = Object.keys(value);
    const kept = names.length - added;
    if (isCompact(text, names) && lengthOfMembers(value, kept) === text.length) {
      return added === 0 ? text : withAdded(text, value, names, kept);
    }
  }
  return exact ? serializeValue(value) : JSON.stringify(value);
}

/** Sorts out at a glance most texts that have blanks or escapes. */
function isCompact(text: string, [first = ""]: readonly string[]): boolean {
  const colonAt = first.length + 3;
  const behind = text.charCodeAt(colonAt + 1);
  const begins = text.length === 2 || (text.charCodeAt(colonAt) === 0x3a && behind > 0x20);
  return begins && !text.includes("\\");
}

function withAdded(
  text: string,
  value: ValueObject,
  names: readonly string[],
  kept: number,
): string {
  let longer = text.slice(0, -1);
  for (let index = kept; index < names.length; index += 1) {
    const name = names[index] as string;
    if (index > 0) longer += ",";
    longer += memberText(name, value[name] as Value);
  }
  return `${longer}}`;
}

/**
 * Length, in UTF-16 units, of the text of an object with the first `count` members of `value` if no string needs an
 * escape. An equal length proves a text of the same meaning identical, since blanks, escapes and a member that a later
 * one replaced make it longer, and `parseRecordText` keeps every number's own digits. NaN where an object may have its
 * members in another order than its text: names that are numbers come first.
 */
function lengthOfMembers(value: ValueObject, count: number): number {
  // Braces, and for each member two quotes, a colon and, but for the last, a comma.
  let length = count === 0 ? 2 : 1 + count * 4;
  let left = count;
  // `for in`: V8 then finds `value[name]` by its place.
  for (const name in value) {
    if (left === 0) break;
    left -= 1;
    const first = name.charCodeAt(0);
    if (first >= 0x30 && first <= 0x39) return Number.NaN;
    length += name.length + lengthOf(value[name] as Value);
    if (Number.isNaN(length)) return length;
  }
  return length;
}

function lengthOf(value: Value): number {
  if (typeof value === "string") return value.length + 2;
  if (typeof value !== "object") return String(value).length;
  if (value === null) return 4;
  if (value instanceof Decimal) {
    const { token, jsonKind } = value;
    return token === undefined ? Number.NaN : token.length + (jsonKind === "string" ? 2 : 0);
  }
  if (value instanceof NumberToken) return value.text.length;
  if (!isList(value)) {
    return lengthOfMembers(value, Object.keys(value).length);
  }
  let length = value.length === 0 ? 2 : 1 + value.length;
  for (const item of value) {
    length += lengthOf(item);
    if (Number.isNaN(length)) return length;
  }
  return length;
}
