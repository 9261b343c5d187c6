/** Room for most batches. */
const bufferBytes = 1024 * 1024;

/** Buffers that cross to the other thread and back. Each is a piece of memory of its own: a transfer takes all of it. */
export class CrossingBuffers {
  readonly #spare: ArrayBuffer[];

  /** `count`: how many will be in use at once. All are made now, so that memory does not grow later. */
  constructor(count: number) {
    this.#spare = Array.from({ length: count }, () => new ArrayBuffer(bufferBytes));
  }

  /** A buffer with any content, of this many bytes or more. */
  take(bytes: number): ArrayBuffer {
    return (bytes > bufferBytes ? undefined : this.#spare.pop()) ?? new ArrayBuffer(bytes);
  }

  /** To be taken again, unless it was made for an unusual batch. */
  giveBack(buffer: ArrayBuffer): void {
    if (buffer.byteLength === bufferBytes) this.#spare.push(buffer);
  }
}
