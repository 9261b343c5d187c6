import { crc32c } from "../../core/crc32c.ts";
import { EngineError } from "../../core/errors.ts";
import { TOMBSTONE } from "../../core/record.ts";
import { attribute, batchHeaderBytes, headerField, lengthPrefixBytes } from "./batch-format.ts";
import type { Marker, RecordHeader } from "./batch-format.ts";
import { decompress } from "./compression.ts";

/** A batch as its header tells of it; the records are decoded only when asked for. */
export interface RecordBatch {
  /** The buffer and the bytes of it that hold the whole batch. */
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  readonly baseOffset: number;
  /** Of its last record when it was written; compaction may have removed that one since. */
  readonly lastOffset: number;
  readonly attributes: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly count: number;
}

/** Records of one batch, row by row; keys and values are places in `bytes`. */
export interface DecodedRows {
  readonly bytes: Buffer;
  readonly offsets: number[];
  readonly timestampsMs: number[];
  /** -1: no key. */
  readonly keyStarts: number[];
  readonly keyEnds: number[];
  readonly starts: number[];
  /** TOMBSTONE: no value. */
  readonly ends: number[];
}

export function isControl({ attributes }: RecordBatch): boolean {
  return (attributes & attribute.control) !== 0;
}

export function isTransactional({ attributes }: RecordBatch): boolean {
  return (attributes & attribute.transactional) !== 0;
}

/**
 * The batches of a partition in a fetch answer, their checksums verified; one that is cut off at the end is left out.
 * `where` names topic and partition. Throws INPUT_UNDECODABLE for damage and for formats before Kafka 0.11.
 */
export function* readBatches(records: Buffer, where: string): Generator<RecordBatch> {
  let start = 0;
  while (start + batchHeaderBytes <= records.length) {
    const baseOffset = readInt64(records, start + headerField.baseOffset);
    const end = start + lengthPrefixBytes + records.readInt32BE(start + headerField.batchLength);
    const magic = records.readInt8(start + headerField.magic);
    if (magic !== 2) {
      throw undecodable(where, baseOffset, `is in format ${magic} from before Kafka 0.11`);
    }
    if (end < start + batchHeaderBytes) throw undecodable(where, baseOffset, "has no length");
    if (end > records.length) return;
    const checksum = crc32c(records.subarray(start + headerField.attributes, end));
    if (checksum !== records.readUInt32BE(start + headerField.crc)) {
      throw undecodable(where, baseOffset, "does not have the checksum it was written with");
    }
    yield {
      buffer: records,
      start,
      end,
      baseOffset,
      lastOffset: baseOffset + records.readInt32BE(start + headerField.lastOffsetDelta),
      attributes: records.readInt16BE(start + headerField.attributes),
      producerId: readInt64(records, start + headerField.producerId),
      producerEpoch: records.readInt16BE(start + headerField.producerEpoch),
      count: records.readInt32BE(start + headerField.recordCount),
    };
    start = end;
  }
}

/** What a control batch says about the transaction of its producer; undefined for other control records. */
export function markerOf(batch: RecordBatch, where: string): Marker | undefined {
  const { bytes, keyStarts, keyEnds } = decodeRows(batch, where);
  const start = keyStarts[0] ?? -1;
  if (start < 0 || (keyEnds[0] ?? 0) - start < 4) return undefined;
  const type = bytes.readInt16BE(start + 2);
  return type === 1 ? "commit" : type === 0 ? "abort" : undefined;
}

/** All records of a batch. Throws INPUT_UNDECODABLE if it cannot be decompressed or holds what cannot be. */
export function decodeRows(batch: RecordBatch, where: string): DecodedRows {
  const { buffer, start, end, attributes, baseOffset, count } = batch;
  const codec = attributes & attribute.compressionMask;
  let bytes = buffer;
  let at = start + batchHeaderBytes;
  let until = end;
  if (codec !== 0) {
    bytes = decompressed(codec, buffer.subarray(at, end), where, baseOffset);
    at = 0;
    until = bytes.length;
  }
  const appendTimeMs =
    (attributes & attribute.logAppendTime) === 0
      ? undefined
      : readInt64(buffer, start + headerField.maxTimestamp);
  const baseTimeMs = readInt64(buffer, start + headerField.baseTimestamp);
  const rows: DecodedRows = {
    bytes,
    offsets: [],
    timestampsMs: [],
    keyStarts: [],
    keyEnds: [],
    starts: [],
    ends: [],
  };
  const cursor = new VarintCursor(bytes, at);
  for (let left = count; left > 0; left -= 1) {
    const length = cursor.next();
    const recordEnd = cursor.at + length;
    if (length < 0 || recordEnd > until) throw undecodable(where, baseOffset, "is cut off");
    cursor.at += 1;
    const timeDelta = cursor.next();
    rows.timestampsMs.push(appendTimeMs ?? baseTimeMs + timeDelta);
    rows.offsets.push(baseOffset + cursor.next());
    const keyBytes = cursor.next();
    rows.keyStarts.push(keyBytes < 0 ? -1 : cursor.at);
    cursor.at += Math.max(keyBytes, 0);
    rows.keyEnds.push(cursor.at);
    const valueBytes = cursor.next();
    rows.starts.push(cursor.at);
    rows.ends.push(valueBytes < 0 ? TOMBSTONE : cursor.at + valueBytes);
    cursor.at += Math.max(valueBytes, 0);
    if (cursor.at >= recordEnd) throw undecodable(where, baseOffset, "is cut off");
    cursor.at = recordEnd;
  }
  return rows;
}

/** The headers of one row, in order; repeated names stay. They lie behind its value. */
export function headersOf(
  { bytes, starts, ends }: Pick<DecodedRows, "bytes" | "starts" | "ends">,
  row: number,
): RecordHeader[] {
  const end = ends[row] ?? TOMBSTONE;
  const cursor = new VarintCursor(bytes, end === TOMBSTONE ? (starts[row] ?? 0) : end);
  const headers: RecordHeader[] = [];
  for (let left = cursor.next(); left > 0; left -= 1) {
    const nameEnd = cursor.next() + cursor.at;
    const name = bytes.toString("utf8", cursor.at, nameEnd);
    cursor.at = nameEnd;
    const valueBytes = cursor.next();
    const valueEnd = cursor.at + Math.max(valueBytes, 0);
    headers.push({ name, value: valueBytes < 0 ? null : bytes.subarray(cursor.at, valueEnd) });
    cursor.at = valueEnd;
  }
  return headers;
}

class VarintCursor {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** A zigzag number; exact up to 2^53. */
  next(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.at++] ?? 0;
    let value = byte & 0x7f;
    for (let scale = 128; byte > 0x7f; scale *= 128) {
      byte = bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

function decompressed(codec: number, bytes: Buffer, where: string, baseOffset: number): Buffer {
  try {
    return decompress(codec, bytes, `${where} at offset ${baseOffset}`);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw undecodable(where, baseOffset, `cannot be decompressed (${String(error)})`);
  }
}

function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * 2 ** 32 + buffer.readUInt32BE(at + 4);
}

function undecodable(where: string, offset: number, what: string): EngineError {
  return new EngineError("INPUT_UNDECODABLE", `${where}: the batch at offset ${offset} ${what}`, {
    hint: "Nothing was skipped. Restore the topic from another replica, or read it from behind the damage with a fresh state directory.",
  });
}
