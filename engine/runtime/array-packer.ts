/** A text as bytes, whatever is in it: UTF-8 would lose half a surrogate pair. */
export interface PackedText {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly encoding: "latin1" | "utf16le";
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
    const encoding = wideCharacter.test(text) ? "utf16le" : "latin1";
    const bytes = this.bytes(encoding === "latin1" ? text.length : 2 * text.length);
    viewOf(bytes).write(text, encoding);
    return { bytes, encoding };
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
export function unpackText({ bytes, encoding }: PackedText): string {
  return viewOf(bytes).toString(encoding);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
