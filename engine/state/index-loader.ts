import { subTables } from "./dedup-index.ts";
import type { DedupIndex } from "./dedup-index.ts";

/** All sub-tables together: 50 MB at most, until `finish`. */
const cellsPerTableMax = 16_384;

/**
 * Fills an index with many entries, gathered by sub-table first: inserts in random order would wait for memory at
 * every entry. The content of the index does not depend on the order. Nothing may expire before `finish`.
 */
export class IndexLoader {
  readonly #index: DedupIndex;
  readonly #cellsPerTable: number;
  readonly #cells: Int32Array;
  readonly #counts = new Uint32Array(subTables);

  /** `entries`: about how many will be added. Makes room for them. */
  constructor(index: DedupIndex, entries: number) {
    this.#index = index;
    this.#cellsPerTable = Math.min(Math.ceil(entries / subTables), cellsPerTableMax) + 1;
    this.#cells = new Int32Array(subTables * this.#cellsPerTable * 3);
    index.reserve(entries);
  }

  /** Hashes of one time: four words each, as in a chunk. */
  add(words: Int32Array, timeMs: number): void {
    const tag = this.#index.tagForCells(timeMs);
    if (tag === 0) return this.#addUntagged(words, timeMs);
    const cells = this.#cells;
    const cellsPerTable = this.#cellsPerTable;
    for (let at = 0; at < words.length; at += 4) {
      const table = (words[at + 3] ?? 0) >>> 24;
      let count = this.#counts[table] ?? 0;
      if (count === cellsPerTable) {
        this.#flush(table);
        count = 0;
      }
      const cell = (table * cellsPerTable + count) * 3;
      cells[cell] = words[at] ?? 0;
      cells[cell + 1] = words[at + 1] ?? 0;
      cells[cell + 2] = ((words[at + 2] ?? 0) << 16) | tag;
      this.#counts[table] = count + 1;
    }
  }

  /** Hands over what still waits. */
  finish(): void {
    for (let table = 0; table < subTables; table++) this.#flush(table);
  }

  #flush(table: number): void {
    const from = table * this.#cellsPerTable * 3;
    const to = from + (this.#counts[table] ?? 0) * 3;
    this.#index.raiseCells(table, this.#cells.subarray(from, to));
    this.#counts[table] = 0;
  }

  #addUntagged(words: Int32Array, timeMs: number): void {
    for (let at = 0; at < words.length; at += 4) {
      const [a = 0, b = 0, c = 0, d = 0] = words.subarray(at, at + 4);
      this.#index.raise({ a, b, c, d }, timeMs);
    }
  }
}
