/** A text as bytes, whatever is in it: UTF-8 would lose half a surrogate pair. */
export interface PackedText {
  /** One for each unit if that is enough for all of them, otherwise two. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** In UTF-16 units. */
  readonly length: number;
}

type PackedArray = Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

const wideCharacter = /[^\0-\u00ff]/;

/**
 * Makes typed arrays and texts that lie in one buffer, one behind the other: what crosses between threads then is one
 * piece of memory. What finds no room gets a buffer of its own.
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

  text(text: string): PackedText {
    const { length } = text;
    const bytes = this.bytes(wideCharacter.test(text) ? 2 * length : length);
    bufferOn(bytes).write(text, encodingOf({ bytes, length }));
    return { bytes, length };
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

/** The other side of `ArrayPacker.text`. */
export function unpackText(text: PackedText): string {
  return bufferOn(text.bytes).toString(encodingOf(text));
}

function encodingOf({ bytes, length }: PackedText): BufferEncoding {
  return bytes.length === length ? "latin1" : "utf16le";
}

/** The same memory. */
export function bufferOn({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
