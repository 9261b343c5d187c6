import type { HashWords } from "./hash-chunk.ts";

/**
 * Key hash -> time, in memory: open addressing in typed arrays. A cell has 12 bytes: 80 bits of the hash and a 16-bit
 * tag that stands for a time; 8 more bits choose one of 256 sub-tables, each of which grows alone, so that growing
 * stalls nobody. Cells are nearly sorted by hash (home place proportional to the first word), which lets a growing
 * sub-table stream.
 *
 * The times of a key only rise, and a time at or below the cutoff is forgotten. So the content is independent of
 * the order of its entries, and of when expired cells are swept.
 */
export class DedupIndex {
  readonly #tables: SubTable[];
  /** Time by tag; -Infinity once expired. Tag 0 marks an empty cell. */
  readonly #times: Float64Array;
  readonly #cellsByTag: Uint32Array;
  readonly #tagByTime = new Map<number, number>();
  readonly #freeTags: number[] = [];
  readonly #tagsMax: number;
  #tagsUsed = 1;
  /** How often cells had to be swept to free tags. */
  #freedTags = 0;
  #cutoffMs = -Infinity;
  /** Smallest live time in the tables. */
  #earliestMs = Infinity;
  #live = 0;
  /** Cells whose time has expired, still to be swept. */
  #dead = 0;
  #sweepTable = 0;
  #sweepCell = 0;
  #recentMs = NaN;
  #recentTag = 0;
  /** Entries that found no free tag: too many distinct times are live. */
  readonly #overflow = new Map<string, number>();
  #overflowEarliestMs = Infinity;

  /** `tagsMax` is smaller in tests only. */
  constructor(options: { readonly tagsMax?: number } = {}) {
    this.#tagsMax = Math.min(options.tagsMax ?? tagLimit, tagLimit);
    this.#times = new Float64Array(this.#tagsMax).fill(-Infinity);
    this.#cellsByTag = new Uint32Array(this.#tagsMax);
    this.#tables = Array.from({ length: subTables }, () => newTable(cellsAtFirst));
  }

  /** Number of live keys. */
  get size(): number {
    return this.#live + this.#overflow.size;
  }

  /** Entries with a time at or below this are forgotten; never goes back. */
  get cutoffMs(): number {
    return this.#cutoffMs;
  }

  /** The live time of this hash, or undefined. */
  find(hash: HashWords): number | undefined {
    const table = this.#tableOf(hash);
    const cell = locate(table, hash);
    if (cell >= 0) {
      const timeMs = this.#times[(table.cells[cell * 3 + 2] ?? 0) & tagMask] ?? -Infinity;
      if (timeMs !== -Infinity) return timeMs;
    }
    return this.#overflow.size === 0 ? undefined : this.#overflow.get(overflowKey(hash));
  }

  /** Raises the time of this hash to `timeMs`. False if nothing changed: it was as high already, or has expired. */
  raise(hash: HashWords, timeMs: number): boolean {
    if (timeMs <= this.#cutoffMs) return false;
    if (this.#dead > 0) this.#sweep(sweepPerInsert);
    if (this.#overflow.size > 0) {
      const key = overflowKey(hash);
      const heldMs = this.#overflow.get(key);
      if (heldMs !== undefined) {
        if (heldMs >= timeMs) return false;
        this.#overflow.set(key, timeMs);
        return true;
      }
    }
    const table = this.#tableOf(hash);
    const cell = locate(table, hash);
    const freedBefore = this.#freedTags;
    if (cell < 0) {
      const tag = this.#tagOf(timeMs);
      if (tag === 0) {
        this.#putOverflow(hash, timeMs);
        return true;
      }
      // Finding a tag may have swept cells away: then the empty cell is another one.
      this.#insert(table, hash, tag, this.#freedTags === freedBefore ? ~cell : -1);
      return true;
    }
    const heldTag = (table.cells[cell * 3 + 2] ?? 0) & tagMask;
    if ((this.#times[heldTag] ?? -Infinity) >= timeMs) return false;
    const tag = this.#tagOf(timeMs);
    const place = locate(table, hash);
    if (place >= 0) this.#removeCell(table, place);
    if (tag === 0) this.#putOverflow(hash, timeMs);
    else this.#insert(table, hash, tag, -1);
    return true;
  }

  /** Forgets every entry with a time at or below `cutoffMs`. Cheap: their cells are swept later, bit by bit. */
  expireThrough(cutoffMs: number): void {
    if (this.#dead > 0) this.#sweep(sweepPerExpiry);
    if (!(cutoffMs > this.#cutoffMs)) return;
    this.#cutoffMs = cutoffMs;
    if (this.#overflowEarliestMs <= cutoffMs) this.#expireOverflow(cutoffMs);
    if (this.#earliestMs > cutoffMs) return;
    this.#recentMs = NaN;
    this.#earliestMs = Infinity;
    for (const [timeMs, tag] of this.#tagByTime) {
      if (timeMs > cutoffMs) {
        if (timeMs < this.#earliestMs) this.#earliestMs = timeMs;
        continue;
      }
      this.#tagByTime.delete(timeMs);
      this.#times[tag] = -Infinity;
      const cells = this.#cellsByTag[tag] ?? 0;
      this.#live -= cells;
      this.#dead += cells;
      if (cells === 0) this.#freeTags.push(tag);
    }
  }

  /** What stands for a time in `raiseCells`, until the next `expireThrough`; 0 if there is none left. */
  tagForCells(timeMs: number): number {
    return timeMs > this.#cutoffMs ? this.#tagOf(timeMs) : 0;
  }

  /** As `raise` for each of many hashes of one sub-table. Three words each: two of the hash, then the third and a tag. */
  raiseCells(tableNumber: number, cells: Int32Array): void {
    const table = this.#tables[tableNumber] as SubTable;
    const hash: HashWords = { a: 0, b: 0, c: 0, d: tableNumber << 24 };
    for (let at = 0; at < cells.length; at += 3) {
      const word = cells[at + 2] ?? 0;
      hash.a = cells[at] ?? 0;
      hash.b = cells[at + 1] ?? 0;
      hash.c = word >>> 16;
      const tag = word & tagMask;
      const cell = locate(table, hash);
      if (cell < 0 && this.#overflow.size === 0) this.#insert(table, hash, tag, ~cell);
      else this.raise(hash, this.#times[tag] ?? -Infinity);
    }
  }

  /** Makes room for about this many keys at once, before many are loaded. */
  reserve(keys: number): void {
    const cells = Math.ceil(keys / subTables / reserveLoad);
    this.#tables.forEach((table, at) => {
      if (table.capacity < cells) this.#rebuild(table, at, cells);
    });
  }

  #tableOf(hash: HashWords): SubTable {
    // The index is one byte and there are 256 tables.
    return this.#tables[hash.d >>> 24] as SubTable;
  }

  /** `empty` is the cell where the search for this hash ended, or -1. */
  #insert(table: SubTable, hash: HashWords, tag: number, empty: number): void {
    const word = (hash.c << 16) | tag;
    if (table.used >= table.limit) {
      this.#makeRoom(table, hash.d >>> 24);
      place(table, hash.a, hash.b, word);
    } else if (empty < 0) {
      place(table, hash.a, hash.b, word);
    } else {
      fill(table, empty, hash.a, hash.b, word);
    }
    this.#cellsByTag[tag] = (this.#cellsByTag[tag] ?? 0) + 1;
    this.#live++;
  }

  #makeRoom(table: SubTable, at: number): void {
    let dead = 0;
    if (this.#dead > 0) {
      for (let i = 2; i < table.cells.length; i += 3) {
        const tag = (table.cells[i] ?? 0) & tagMask;
        if (tag !== 0 && this.#times[tag] === -Infinity) dead++;
      }
    }
    const enough = dead * 8 >= table.used;
    this.#rebuild(table, at, enough ? table.capacity : Math.ceil(table.capacity * growth));
  }

  /** Moves the live cells into a new array, in order. */
  #rebuild(table: SubTable, at: number, capacity: number): void {
    const old = table.cells;
    resize(table, capacity);
    for (let i = 0; i < old.length; i += 3) {
      const word = old[i + 2] ?? 0;
      const tag = word & tagMask;
      if (tag === 0) continue;
      if (this.#times[tag] === -Infinity) this.#countSwept(tag);
      else place(table, old[i] ?? 0, old[i + 1] ?? 0, word);
    }
    if (at === this.#sweepTable) this.#sweepCell = 0;
  }

  #removeCell(table: SubTable, cell: number): void {
    const tag = (table.cells[cell * 3 + 2] ?? 0) & tagMask;
    clear(table, cell);
    if (this.#times[tag] === -Infinity) {
      this.#countSwept(tag);
    } else {
      this.#cellsByTag[tag] = (this.#cellsByTag[tag] ?? 0) - 1;
      this.#live--;
    }
  }

  #countSwept(tag: number): void {
    this.#dead--;
    const left = (this.#cellsByTag[tag] ?? 0) - 1;
    this.#cellsByTag[tag] = left;
    if (left === 0) this.#freeTags.push(tag);
  }

  /** Looks at the next `cells` cells for expired ones. Clearing moves cells only towards places yet to be seen. */
  #sweep(cells: number): void {
    let table = this.#tables[this.#sweepTable] as SubTable;
    for (let i = 0; i < cells; i++) {
      const tag = (table.cells[this.#sweepCell * 3 + 2] ?? 0) & tagMask;
      if (tag !== 0 && this.#times[tag] === -Infinity) {
        clear(table, this.#sweepCell);
        this.#countSwept(tag);
        if (this.#dead === 0) return;
        continue;
      }
      if (++this.#sweepCell < table.capacity) continue;
      this.#sweepCell = 0;
      this.#sweepTable = (this.#sweepTable + 1) % subTables;
      table = this.#tables[this.#sweepTable] as SubTable;
    }
  }

  /** The tag of a live time, a new one if needed; 0 if there is none left. */
  #tagOf(timeMs: number): number {
    if (timeMs === this.#recentMs) return this.#recentTag;
    let tag = this.#tagByTime.get(timeMs);
    if (tag === undefined) {
      tag = this.#newTag();
      if (tag === 0) return 0;
      this.#tagByTime.set(timeMs, tag);
      this.#times[tag] = timeMs;
      if (timeMs < this.#earliestMs) this.#earliestMs = timeMs;
    }
    this.#recentMs = timeMs;
    this.#recentTag = tag;
    return tag;
  }

  #newTag(): number {
    const free = this.#freeTags.pop();
    if (free !== undefined) return free;
    if (this.#tagsUsed < this.#tagsMax) return this.#tagsUsed++;
    if (this.#dead === 0) return 0;
    // Rare: expired cells hold the tags that are needed now. One turn round all tables frees them.
    this.#freedTags++;
    while (this.#dead > 0) this.#sweep(sweepAtOnce);
    return this.#freeTags.pop() ?? 0;
  }

  #putOverflow(hash: HashWords, timeMs: number): void {
    this.#overflow.set(overflowKey(hash), timeMs);
    if (timeMs < this.#overflowEarliestMs) this.#overflowEarliestMs = timeMs;
  }

  #expireOverflow(cutoffMs: number): void {
    this.#overflowEarliestMs = Infinity;
    for (const [key, timeMs] of this.#overflow) {
      if (timeMs <= cutoffMs) this.#overflow.delete(key);
      else if (timeMs < this.#overflowEarliestMs) this.#overflowEarliestMs = timeMs;
    }
  }
}

/** The first byte of the last hash word chooses one. */
export const subTables = 256;
const cellsAtFirst = 16;
const tagLimit = 65_536;
const tagMask = 0xffff;
const growth = 1.5;
const loadMax = 0.8;
const reserveLoad = 0.7;
/** A whole turn takes capacity / this many inserts, well below the time between two expiries of a large table. */
const sweepPerInsert = 32;
const sweepPerExpiry = 16;
const sweepAtOnce = 65_536;

interface SubTable {
  cells: Int32Array;
  capacity: number;
  /** Cells in use, expired ones included. */
  used: number;
  /** Value of `used` at which it must grow. */
  limit: number;
  /** capacity / 2^32: first hash word -> home cell. */
  scale: number;
}

function newTable(capacity: number): SubTable {
  const table = { cells: new Int32Array(0), capacity: 0, used: 0, limit: 0, scale: 0 };
  resize(table, capacity);
  return table;
}

function resize(table: SubTable, capacity: number): void {
  table.cells = new Int32Array(capacity * 3);
  table.capacity = capacity;
  table.used = 0;
  table.limit = Math.floor(capacity * loadMax);
  table.scale = capacity / 2 ** 32;
}

/** Below the capacity: rounding of the product cannot reach it, a double has 53 bits. */
function home(table: SubTable, word: number): number {
  return Math.floor((word >>> 0) * table.scale);
}

/** The cell of this hash, or, as its complement (negative), the empty cell where the search ended. */
function locate(table: SubTable, hash: HashWords): number {
  const { cells, capacity } = table;
  const a = hash.a;
  const b = hash.b;
  const c = hash.c & 0xffff;
  let cell = home(table, a);
  for (;;) {
    const at = cell * 3;
    const word = cells[at + 2] ?? 0;
    if ((word & tagMask) === 0) return ~cell;
    if (cells[at] === a && cells[at + 1] === b && word >>> 16 === c) return cell;
    if (++cell === capacity) cell = 0;
  }
}

/** Puts a cell whose hash is not in the table. There is always an empty cell: `limit` is below the capacity. */
function place(table: SubTable, a: number, b: number, word: number): void {
  const { cells, capacity } = table;
  let cell = home(table, a);
  while (((cells[cell * 3 + 2] ?? 0) & tagMask) !== 0) {
    if (++cell === capacity) cell = 0;
  }
  fill(table, cell, a, b, word);
}

function fill(table: SubTable, cell: number, a: number, b: number, word: number): void {
  const { cells } = table;
  cells[cell * 3] = a;
  cells[cell * 3 + 1] = b;
  cells[cell * 3 + 2] = word;
  table.used++;
}

/** Empties a cell and moves later ones of its run back, so that no search meets a hole before its goal. */
function clear(table: SubTable, cell: number): void {
  const { cells, capacity } = table;
  let hole = cell;
  let next = cell;
  for (;;) {
    if (++next === capacity) next = 0;
    const word = cells[next * 3 + 2] ?? 0;
    if ((word & tagMask) === 0) break;
    const fromHome = distance(home(table, cells[next * 3] ?? 0), next, capacity);
    if (fromHome < distance(hole, next, capacity)) continue;
    cells[hole * 3] = cells[next * 3] ?? 0;
    cells[hole * 3 + 1] = cells[next * 3 + 1] ?? 0;
    cells[hole * 3 + 2] = word;
    hole = next;
  }
  cells[hole * 3 + 2] = 0;
  table.used--;
}

function distance(from: number, to: number, capacity: number): number {
  return to >= from ? to - from : to - from + capacity;
}

function overflowKey(hash: HashWords): string {
  return `${hash.a},${hash.b},${hash.c & 0xffff},${hash.d >>> 24}`;
}
