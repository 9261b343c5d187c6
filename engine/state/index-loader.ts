import type { DedupIndex } from "./dedup-index.ts";
import type { HashWords } from "./hash-chunk.ts";

const partitions = 256;
const entriesPerPartition = 2048;

/**
 * Fills an index with many entries, gathered by sub-table first: inserts in random order would wait for memory at
 * every entry. The content of the index does not depend on the order.
 */
export class IndexLoader {
  readonly #index: DedupIndex;
  readonly #words = new Int32Array(partitions * entriesPerPartition * 4);
  readonly #times = new Float64Array(partitions * entriesPerPartition);
  readonly #counts = new Uint32Array(partitions);
  readonly #hash: HashWords = { a: 0, b: 0, c: 0, d: 0 };

  constructor(index: DedupIndex) {
    this.#index = index;
  }

  add(hash: HashWords, timeMs: number): void {
    const partition = hash.d >>> 24;
    let count = this.#counts[partition] ?? 0;
    if (count === entriesPerPartition) {
      this.#flush(partition);
      count = 0;
    }
    const entry = partition * entriesPerPartition + count;
    this.#words[entry * 4] = hash.a;
    this.#words[entry * 4 + 1] = hash.b;
    this.#words[entry * 4 + 2] = hash.c;
    this.#words[entry * 4 + 3] = hash.d;
    this.#times[entry] = timeMs;
    this.#counts[partition] = count + 1;
  }

  /** Hands over what still waits. */
  finish(): void {
    for (let partition = 0; partition < partitions; partition++) this.#flush(partition);
  }

  #flush(partition: number): void {
    const hash = this.#hash;
    const from = partition * entriesPerPartition;
    const to = from + (this.#counts[partition] ?? 0);
    for (let entry = from; entry < to; entry++) {
      hash.a = this.#words[entry * 4] ?? 0;
      hash.b = this.#words[entry * 4 + 1] ?? 0;
      hash.c = this.#words[entry * 4 + 2] ?? 0;
      hash.d = this.#words[entry * 4 + 3] ?? 0;
      this.#index.raise(hash, this.#times[entry] ?? 0);
    }
    this.#counts[partition] = 0;
  }
}
