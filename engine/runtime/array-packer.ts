type PackedArray = Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/**
 * Makes typed arrays that lie in one buffer, one behind the other: what crosses between threads then is one piece of
 * memory. An array that finds no room gets a buffer of its own.
 */
export class ArrayPacker {
  readonly #buffer: ArrayBuffer;
  #at = 0;

  constructor(buffer: ArrayBuffer) {
    this.#buffer = buffer;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return this.#take(Uint8Array, length);
  }

  integers(length: number): Int32Array<ArrayBuffer> {
    return this.#take(Int32Array, length);
  }

  numbers(length: number): Float64Array<ArrayBuffer> {
    return this.#take(Float64Array, length);
  }

  /** With any content. */
  #take<A extends PackedArray>(
    type: {
      readonly BYTES_PER_ELEMENT: number;
      new (length: number): A;
      new (buffer: ArrayBuffer, at: number, length: number): A;
    },
    length: number,
  ): A {
    const unit = type.BYTES_PER_ELEMENT;
    const at = Math.ceil(this.#at / unit) * unit;
    if (at + length * unit > this.#buffer.byteLength) return new type(length);
    this.#at = at + length * unit;
    return new type(this.#buffer, at, length);
  }
}
