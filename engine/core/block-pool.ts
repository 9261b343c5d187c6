const sparesMax = 16;

/**
 * Blocks of one size that are filled again and again. Large buffers that are made and dropped leave holes of many sizes
 * in the memory of the process, which it keeps; and fresh memory costs more than the copying into it.
 */
export class BlockPool {
  readonly #blockBytes: number;
  readonly #spares: Buffer[] = [];

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  /** A block of the pool's size, with any content; a larger one where `needed` is more, which the pool will not keep. */
  take(needed = 0): Buffer {
    if (needed > this.#blockBytes) return Buffer.allocUnsafeSlow(needed);
    return this.#spares.pop() ?? Buffer.allocUnsafeSlow(this.#blockBytes);
  }

  /** Ends the use of a block and of all views of it. A few are kept. */
  giveBack(block: Buffer): void {
    if (block.length !== this.#blockBytes || this.#spares.length === sparesMax) return;
    this.#spares.push(block);
  }
}
