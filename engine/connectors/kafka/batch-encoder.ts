import { crc32c } from "../../core/crc32c.ts";
import { attribute, batchHeaderBytes, headerField, lengthPrefixBytes } from "./batch-format.ts";
import type { RecordHeader } from "./batch-format.ts";
import { compress, compressionNumber } from "./compression.ts";
import type { Compression } from "./compression.ts";

/** Who writes a batch, and which of its records is the first. */
export interface BatchProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
}

export const noProducer: BatchProducer = {
  producerId: -1,
  producerEpoch: -1,
  baseSequence: -1,
  transactional: false,
};

export interface BatchRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestampMs: number;
  readonly headers?: readonly RecordHeader[];
}

/** Most bytes that length, attributes, time, offset, key and value lengths and header count of a record take. */
export const recordOverheadBytes = 40;
const roomAtFirstBytes = 16 * 1024;

/** Collects records of one partition into one batch. */
export class BatchEncoder {
  #buffer: Buffer = Buffer.allocUnsafe(roomAtFirstBytes);
  #length = batchHeaderBytes;
  #count = 0;
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;

  get count(): number {
    return this.#count;
  }

  /** Of the batch so far, before compression. */
  get bytes(): number {
    return this.#length;
  }

  append({ key, value, timestampMs, headers }: BatchRecord): void {
    const timeMs = Math.trunc(timestampMs);
    if (this.#count === 0) {
      this.#baseTimestampMs = timeMs;
      this.#maxTimestampMs = timeMs;
    } else if (timeMs > this.#maxTimestampMs) {
      this.#maxTimestampMs = timeMs;
    }
    const delta = timeMs - this.#baseTimestampMs;
    const encodedHeaders = headers === undefined || headers.length === 0 ? noHeaders : encodeHeaders(headers);
    const size =
      1 +
      varintBytes(delta) +
      varintBytes(this.#count) +
      fieldBytes(key) +
      fieldBytes(value) +
      encodedHeaders.length;
    this.#reserve(size + 5);
    const buffer = this.#buffer;
    let at = writeVarint(buffer, this.#length, size);
    buffer[at++] = 0;
    at = writeVarint(buffer, at, delta);
    at = writeVarint(buffer, at, this.#count);
    at = writeField(buffer, at, key);
    at = writeField(buffer, at, value);
    at += encodedHeaders.copy(buffer, at);
    this.#length = at;
    this.#count += 1;
  }

  /** The batch; the encoder must not be used any more. */
  finish(producer: BatchProducer, compression: Compression = "none"): Buffer {
    let batch = this.#buffer.subarray(0, this.#length);
    if (compression !== "none") {
      const records = compress(compression, batch.subarray(batchHeaderBytes));
      batch = Buffer.concat([batch.subarray(0, batchHeaderBytes), records]);
    }
    writeInt64(batch, headerField.baseOffset, 0);
    batch.writeInt32BE(batch.length - lengthPrefixBytes, headerField.batchLength);
    batch.writeInt32BE(-1, headerField.leaderEpoch);
    batch.writeInt8(2, headerField.magic);
    const flags = producer.transactional ? attribute.transactional : 0;
    batch.writeInt16BE(compressionNumber(compression) | flags, headerField.attributes);
    batch.writeInt32BE(this.#count - 1, headerField.lastOffsetDelta);
    writeInt64(batch, headerField.baseTimestamp, this.#baseTimestampMs);
    writeInt64(batch, headerField.maxTimestamp, this.#maxTimestampMs);
    writeInt64(batch, headerField.producerId, producer.producerId);
    batch.writeInt16BE(producer.producerEpoch, headerField.producerEpoch);
    batch.writeInt32BE(producer.baseSequence, headerField.baseSequence);
    batch.writeInt32BE(this.#count, headerField.recordCount);
    batch.writeUInt32BE(crc32c(batch.subarray(headerField.attributes)), headerField.crc);
    return batch;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

const noHeaders = Buffer.from([0]);

function encodeHeaders(headers: readonly RecordHeader[]): Buffer {
  const names = headers.map(({ name }) => Buffer.from(name));
  const size = headers.reduce(
    (sum, { value }, index) => sum + fieldBytes(names[index]!) + fieldBytes(value),
    varintBytes(headers.length),
  );
  const buffer = Buffer.allocUnsafe(size);
  let at = writeVarint(buffer, 0, headers.length);
  for (const [index, { value }] of headers.entries()) {
    at = writeField(buffer, at, names[index]!);
    at = writeField(buffer, at, value);
  }
  return buffer;
}

function writeInt64(buffer: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  buffer.writeInt32BE(high, at);
  buffer.writeUInt32BE(value - high * 2 ** 32, at + 4);
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function varintBytes(value: number): number {
  let rest = zigzag(value);
  let bytes = 1;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = zigzag(value);
  while (rest > 0x7f) {
    buffer[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  buffer[at++] = rest;
  return at;
}

function fieldBytes(field: Buffer | null): number {
  return field === null ? 1 : varintBytes(field.length) + field.length;
}

function writeField(buffer: Buffer, start: number, field: Buffer | null): number {
  if (field === null) return writeVarint(buffer, start, -1);
  const at = writeVarint(buffer, start, field.length);
  buffer.set(field, at);
  return at + field.length;
}
