import { BlockPool } from "../../core/block-pool.ts";

export const blockBytes = 512 * 1024;

/** A block that part of a log was read into, with a count of its references. */
export interface ReadBlock {
  readonly bytes: Buffer;
  /** Adds a reference. */
  readonly retain: () => void;
  /** Drops a reference, once for each: after the last one the block may be filled again. */
  readonly release: () => void;
}

/** Blocks that logs are read into, each filled again once nothing refers to it. */
export class ReadBlocks {
  readonly #pool = new BlockPool(blockBytes);

  /** A block of `length` bytes with any content and one reference. */
  take(length: number): ReadBlock {
    const spare = length > blockBytes ? undefined : this.#pool.takeSpare();
    const block = spare ?? Buffer.allocUnsafeSlow(length);
    let references = 1;
    return {
      bytes: block.subarray(0, length),
      retain: () => {
        references += 1;
      },
      release: () => {
        references -= 1;
        if (references === 0) this.#pool.giveBack(block);
      },
    };
  }
}
