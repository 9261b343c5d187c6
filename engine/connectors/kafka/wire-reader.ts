/** An answer of a broker ended early or holds a length that cannot be. */
export class WireError extends Error {}

const two32 = 2 ** 32;

/** Reads Kafka's wire types from a buffer, front to back. Slices share the buffer's memory. */
export class WireReader {
  readonly buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  get left(): number {
    return this.buffer.length - this.at;
  }

  int8(): number {
    return this.buffer.readInt8(this.#take(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.#take(4));
  }

  /** Exact up to 2^53, which offsets, producer ids and times do not pass. */
  int64(): number {
    const at = this.#take(8);
    return this.buffer.readInt32BE(at) * two32 + this.buffer.readUInt32BE(at + 4);
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  uuid(): string {
    const at = this.#take(16);
    return this.buffer.toString("hex", at, at + 16);
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.#take(1)] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new WireError("a variable-length number is too long");
  }

  string(): string {
    return this.nullableString() ?? "";
  }

  nullableString(): string | null {
    const length = this.int16();
    if (length < 0) return null;
    const at = this.#take(length);
    return this.buffer.toString("utf8", at, at + length);
  }

  compactString(): string {
    return this.compactNullableString() ?? "";
  }

  compactNullableString(): string | null {
    const length = this.uvarint() - 1;
    if (length < 0) return null;
    const at = this.#take(length);
    return this.buffer.toString("utf8", at, at + length);
  }

  compactBytes(): Buffer | null {
    const length = this.uvarint() - 1;
    if (length < 0) return null;
    const at = this.#take(length);
    return this.buffer.subarray(at, at + length);
  }

  array<T>(item: () => T): T[] {
    return this.#items(this.int32(), item);
  }

  compactArray<T>(item: () => T): T[] {
    return this.#items(this.uvarint() - 1, item);
  }

  /** Tagged fields of a flexible version: none is needed here. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left -= 1) {
      this.uvarint();
      this.#take(this.uvarint());
    }
  }

  skip(bytes: number): void {
    this.#take(bytes);
  }

  #items<T>(count: number, item: () => T): T[] {
    if (count > this.left) throw new WireError(`a list of ${count} items in ${this.left} bytes`);
    const items: T[] = [];
    for (let left = count; left > 0; left -= 1) items.push(item());
    return items;
  }

  #take(bytes: number): number {
    const { at } = this;
    if (bytes < 0 || at + bytes > this.buffer.length) {
      throw new WireError(`${bytes} bytes wanted at ${at} of ${this.buffer.length}`);
    }
    this.at = at + bytes;
    return at;
  }
}
