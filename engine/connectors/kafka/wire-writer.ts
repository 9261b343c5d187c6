const two32 = 2 ** 32;

/** Writes Kafka's wire types to a buffer that grows. */
export class WireWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(roomBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(roomBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written; shares memory with the writer, which must not be used any more. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  int8(value: number): this {
    const at = this.#take(1);
    this.#buffer.writeInt8(value, at);
    return this;
  }

  int16(value: number): this {
    const at = this.#take(2);
    this.#buffer.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#take(4);
    this.#buffer.writeInt32BE(value, at);
    return this;
  }

  /** Exact up to 2^53. */
  int64(value: number): this {
    const at = this.#take(8);
    const high = Math.floor(value / two32);
    this.#buffer.writeInt32BE(high, at);
    this.#buffer.writeUInt32BE(value - high * two32, at + 4);
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  uuid(value: string): this {
    return this.raw(Buffer.from(value, "hex"));
  }

  uvarint(value: number): this {
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#byte((rest & 0x7f) | 0x80);
    return this.#byte(rest);
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.from(value);
    return this.int16(bytes.length).raw(bytes);
  }

  compactString(value: string | null): this {
    if (value === null) return this.uvarint(0);
    const bytes = Buffer.from(value);
    return this.uvarint(bytes.length + 1).raw(bytes);
  }

  bytes(value: Uint8Array | null): this {
    if (value === null) return this.int32(-1);
    return this.int32(value.length).raw(value);
  }

  compactBytes(value: Uint8Array | null): this {
    if (value === null) return this.uvarint(0);
    return this.uvarint(value.length + 1).raw(value);
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    items.forEach(write);
    return this;
  }

  compactArray<T>(items: readonly T[], write: (item: T) => void): this {
    this.uvarint(items.length + 1);
    items.forEach(write);
    return this;
  }

  noTags(): this {
    return this.uvarint(0);
  }

  raw(bytes: Uint8Array): this {
    // Taken first: taking may put another buffer in place.
    const at = this.#take(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  #byte(value: number): this {
    const at = this.#take(1);
    this.#buffer[at] = value;
    return this;
  }

  #take(bytes: number): number {
    const at = this.#length;
    const end = at + bytes;
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = end;
    return at;
  }
}
