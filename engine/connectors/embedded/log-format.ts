import { crc32 } from "node:zlib";
import { TOMBSTONE } from "../../core/record.ts";

/**
 * Bytes of a partition's log: chunks of records, one behind the other.
 *
 * Chunk: magic, CRC over all that follows, bytes of its records, number of records (uint32 each), offset of the first
 * (float64); then the records. Record: bytes of its key, of its value (int32 each, -1 for none), ms since the epoch
 * (float64), key, value. One checksum per chunk instead of per record keeps reading cheap.
 */
export const chunkHeaderBytes = 24;
const chunkMagic = 0x314b_4350;
const recordHeaderBytes = 16;

/** A chunk is closed by the record that takes it here. */
const chunkBytesTarget = 64 * 1024;
const bufferBytesFirst = 4 * 1024;
/** No chunk is longer: a damaged length must not make a reader ask for gigabytes. */
const chunkBytesMax = 2 ** 28;

export interface LogRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** ms since the epoch. */
  readonly timestampMs: number;
}

/** Packs records of one partition into chunks. */
export class ChunkPacker {
  #nextOffset = 0;
  /** Grows with what is packed at once, and stays. */
  #buffer = Buffer.alloc(0);
  #length = 0;
  /** Place of the open chunk in the buffer; -1 if none is open. */
  #chunkAt = -1;
  #chunkOffset = 0;

  /** Forgets what was packed and not taken. */
  begin(nextOffset: number): void {
    this.#nextOffset = nextOffset;
    this.#length = 0;
    this.#chunkAt = -1;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Bytes that it holds in memory. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** Bytes packed and not taken. */
  get length(): number {
    return this.#length;
  }

  add(record: LogRecord): void {
    const { key, value, timestampMs } = record;
    const keyBytes = key?.length ?? 0;
    const valueBytes = value?.length ?? 0;
    this.#reserve(chunkHeaderBytes + recordHeaderBytes + keyBytes + valueBytes);
    if (this.#chunkAt < 0) {
      this.#chunkAt = this.#length;
      this.#chunkOffset = this.#nextOffset;
      this.#length += chunkHeaderBytes;
    }
    const buffer = this.#buffer;
    let at = this.#length;
    buffer.writeInt32LE(key === null ? -1 : keyBytes, at);
    buffer.writeInt32LE(value === null ? -1 : valueBytes, at + 4);
    buffer.writeDoubleLE(timestampMs, at + 8);
    at += recordHeaderBytes;
    if (key !== null) buffer.set(key, at);
    at += keyBytes;
    if (value !== null) buffer.set(value, at);
    this.#length = at + valueBytes;
    this.#nextOffset += 1;
    if (this.#length - this.#chunkAt >= chunkBytesTarget) this.#closeChunk();
  }

  /** All bytes packed so far, as whole chunks; valid until the next `add`. */
  take(): Buffer {
    this.#closeChunk();
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  #closeChunk(): void {
    if (this.#chunkAt < 0) return;
    const chunk = this.#buffer.subarray(this.#chunkAt, this.#length);
    chunk.writeUInt32LE(chunkMagic, 0);
    chunk.writeUInt32LE(chunk.length - chunkHeaderBytes, 8);
    chunk.writeUInt32LE(this.#nextOffset - this.#chunkOffset, 12);
    chunk.writeDoubleLE(this.#chunkOffset, 16);
    chunk.writeUInt32LE(crc32(chunk.subarray(8)), 4);
    this.#chunkAt = -1;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(
      Math.max(2 ** Math.ceil(Math.log2(needed)), bufferBytesFirst),
    );
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

export interface ChunkHeader {
  /** Bytes of the whole chunk, header included. */
  readonly length: number;
  readonly count: number;
  readonly firstOffset: number;
}

/** The header at `at`; undefined if none is there. Its contents hold only once `isChunkWhole`. */
export function chunkHeader(bytes: Buffer, at: number): ChunkHeader | undefined {
  if (at + chunkHeaderBytes > bytes.length || bytes.readUInt32LE(at) !== chunkMagic) {
    return undefined;
  }
  const length = chunkHeaderBytes + bytes.readUInt32LE(at + 8);
  if (length > chunkBytesMax) return undefined;
  return {
    length,
    count: bytes.readUInt32LE(at + 12),
    firstOffset: bytes.readDoubleLE(at + 16),
  };
}

export function isChunkWhole(bytes: Buffer, at: number, length: number): boolean {
  return crc32(bytes.subarray(at + 8, at + length)) === bytes.readUInt32LE(at + 4);
}

/** Rows of one partition in one buffer, in log order: as in RawBatch, and where their keys start. */
export interface LogRows {
  readonly bytes: Buffer;
  readonly starts: number[];
  /** TOMBSTONE for a record without a value. */
  readonly ends: number[];
  /** The key of row i is `bytes[keyStarts[i] .. starts[i])`; -1 for a record without a key. */
  readonly keyStarts: number[];
  readonly offsets: number[];
  readonly timestampsMs: number[];
}

/** Appends up to `count` records that start at `at` to `rows`; the place behind them. */
export function readRecords(rows: LogRows, at: number, firstOffset: number, count: number): number {
  const { bytes } = rows;
  let next = at;
  for (let index = 0; index < count; index += 1) {
    const keyBytes = bytes.readInt32LE(next);
    const valueBytes = bytes.readInt32LE(next + 4);
    rows.timestampsMs.push(bytes.readDoubleLE(next + 8));
    next += recordHeaderBytes;
    rows.keyStarts.push(keyBytes < 0 ? -1 : next);
    if (keyBytes > 0) next += keyBytes;
    rows.starts.push(next);
    if (valueBytes > 0) next += valueBytes;
    rows.ends.push(valueBytes < 0 ? TOMBSTONE : next);
    rows.offsets.push(firstOffset + index);
  }
  return next;
}

/** The place behind `count` records that start at `at`. */
export function skipRecords(bytes: Buffer, at: number, count: number): number {
  let next = at;
  for (let index = 0; index < count; index += 1) {
    const keyBytes = Math.max(0, bytes.readInt32LE(next));
    const valueBytes = Math.max(0, bytes.readInt32LE(next + 4));
    next += recordHeaderBytes + keyBytes + valueBytes;
  }
  return next;
}
