const keptBlocks = 16;

/**
 * Blocks of one size that are filled again and again. Large buffers that are made and dropped leave holes of many sizes
 * in the memory of the process, which it keeps, and fresh memory costs more than the copying into it. The blocks lie in
 * one piece of memory, apart from everything else; of that piece only what was filled once is really there.
 */
export class BlockPool {
  readonly #blockBytes: number;
  #piece: Buffer | undefined;
  readonly #free: Buffer[] = [];

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  /**
   * A block with any content; a larger one where `needed` is more. That one, and those beyond the piece, are not used
   * again.
   */
  take(needed = 0): Buffer {
    if (needed > this.#blockBytes) return Buffer.allocUnsafeSlow(needed);
    return this.takeSpare() ?? Buffer.allocUnsafeSlow(this.#blockBytes);
  }

  /** A block with any content; undefined while all of the piece are in use. */
  takeSpare(): Buffer | undefined {
    this.#piece ??= this.#newPiece();
    return this.#free.pop();
  }

  /** Ends the use of a block and of all views of it. */
  giveBack(block: Buffer): void {
    if (block.buffer === this.#piece?.buffer) this.#free.push(block);
  }

  #newPiece(): Buffer {
    const piece = Buffer.allocUnsafeSlow(keptBlocks * this.#blockBytes);
    for (let end = piece.length; end > 0; end -= this.#blockBytes) {
      this.#free.push(piece.subarray(end - this.#blockBytes, end));
    }
    return piece;
  }
}
