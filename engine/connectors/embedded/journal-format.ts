import { crc32 } from "node:zlib";
import type { JournalEntry } from "./topics-state.ts";

/**
 * Bytes of the journal: a header, then entries, each followed by a seal.
 *
 * An entry is written and synced, and only then sealed; the next entry follows the seal. So at most the last entry can be
 * torn by a crash. What is invalid in front of a valid seal had been synced once: that is damage, not a tear.
 *
 * Entry: magic, length of its text, CRC over length and text (uint32 each), JSON text. Seal: magic, its own place in
 * the file (float64), CRC over both.
 */
export const journalHeader = Buffer.from("PLTOPIC1", "latin1");

const entryMagic = 0x314a_4550;
const sealMagic = 0x3153_4550;
const entryHeaderBytes = 12;
export const sealBytes = 16;

export function encodeEntry(entry: JournalEntry): Buffer {
  const text = Buffer.from(JSON.stringify(entry), "utf8");
  const frame = Buffer.alloc(entryHeaderBytes + text.length);
  frame.writeUInt32LE(entryMagic, 0);
  frame.writeUInt32LE(text.length, 4);
  text.copy(frame, entryHeaderBytes);
  frame.writeUInt32LE(crc32(text, crc32(frame.subarray(4, 8))), 8);
  return frame;
}

/** The seal that stands at byte `at` of the file. */
export function encodeSeal(at: number): Buffer {
  const seal = Buffer.alloc(sealBytes);
  seal.writeUInt32LE(sealMagic, 0);
  seal.writeDoubleLE(at, 4);
  seal.writeUInt32LE(crc32(seal.subarray(0, 12)), 12);
  return seal;
}

/** The valid frames from some place of the file on. */
export interface JournalScan {
  readonly entries: readonly { readonly entry: JournalEntry; readonly at: number }[];
  /** Place in the file behind the last valid frame. */
  readonly end: number;
  /** True if the last valid frame is a seal, or there is no frame. */
  readonly sealed: boolean;
  /** Place of the first frame that is invalid and had been synced. */
  readonly damagedAt: number | undefined;
}

/** `bytes` are those of the file from byte `from` on, where a frame starts. */
export function scanJournal(bytes: Buffer, from: number): JournalScan {
  const entries: { entry: JournalEntry; at: number }[] = [];
  let at = 0;
  let sealed = true;
  for (;;) {
    if (isSeal(bytes, at, from)) {
      at += sealBytes;
      sealed = true;
      continue;
    }
    const text = entryText(bytes, at);
    if (text === undefined) break;
    const entry: unknown = JSON.parse(text.toString("utf8"));
    if (!isEntry(entry)) break;
    entries.push({ entry, at: from + at });
    at += entryHeaderBytes + text.length;
    sealed = false;
  }
  const damagedAt = hasSealBehind(bytes, at, from) ? from + at : undefined;
  return { entries, end: from + at, sealed, damagedAt };
}

function entryText(bytes: Buffer, at: number): Buffer | undefined {
  if (at + entryHeaderBytes > bytes.length) return undefined;
  if (bytes.readUInt32LE(at) !== entryMagic) return undefined;
  const start = at + entryHeaderBytes;
  const end = start + bytes.readUInt32LE(at + 4);
  if (end > bytes.length) return undefined;
  const text = bytes.subarray(start, end);
  const checksum = crc32(text, crc32(bytes.subarray(at + 4, at + 8)));
  return checksum === bytes.readUInt32LE(at + 8) ? text : undefined;
}

/** The checksum vouches for the rest. */
function isEntry(value: unknown): value is JournalEntry {
  return typeof value === "object" && value !== null && "seq" in value && "kind" in value;
}

function isSeal(bytes: Buffer, at: number, from: number): boolean {
  return (
    at + sealBytes <= bytes.length &&
    bytes.readUInt32LE(at) === sealMagic &&
    bytes.readDoubleLE(at + 4) === from + at &&
    bytes.readUInt32LE(at + 12) === crc32(bytes.subarray(at, at + 12))
  );
}

const sealStart = encodeSeal(0).subarray(0, 4);

function hasSealBehind(bytes: Buffer, at: number, from: number): boolean {
  for (
    let next = bytes.indexOf(sealStart, at);
    next >= 0;
    next = bytes.indexOf(sealStart, next + 1)
  ) {
    if (isSeal(bytes, next, from)) return true;
  }
  return false;
}
