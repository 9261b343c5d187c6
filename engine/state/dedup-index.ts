import { wordsPerHash } from "./hash-chunk.ts";
import type { HashWords } from "./hash-chunk.ts";
import { SubTable } from "./sub-table.ts";

/**
 * Key hash -> time, in memory: open addressing in typed arrays. A cell has 12 bytes: 80 bits of the hash and a 16-bit
 * tag that stands for a time; 10 more bits choose one of 1,024 sub-tables, each of which grows alone, so that growing
 * stalls nobody.
 *
 * The times of a key only rise, and a time at or below the cutoff is forgotten. So the content is independent of
 * the order of its entries, and of when expired cells are swept.
 */
export class DedupIndex {
  readonly #tables: readonly SubTable[];
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
  /**
   * Small sub-tables grow as soon as one of them has to. Each reaches its limit by chance: under a steady load one after
   * the other would take more memory, for an hour.
   */
  #sharedCapacity = 0;
  /** During a load. */
  #scratch: Int32Array = noWords;
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
    this.#tables = Array.from({ length: subTables }, () => new SubTable());
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
    const table = this.#tableOf(hash.d);
    const cell = table.locate(hash.a, hash.b, hash.c);
    if (cell >= 0) {
      const timeMs = this.#times[table.tagAt(cell)] ?? -Infinity;
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
    const table = this.#tableOf(hash.d);
    const cell = table.locate(hash.a, hash.b, hash.c);
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
    if ((this.#times[table.tagAt(cell)] ?? -Infinity) >= timeMs) return false;
    const tag = this.#tagOf(timeMs);
    const place = table.locate(hash.a, hash.b, hash.c);
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

  /**
   * As `raise` for each of many hashes of one time, four words each as in a chunk. Inserts in the order of a log would
   * wait for memory at every hash: hashes are gathered in their sub-tables first. Between the first call and `endLoad`
   * nothing else may be called: a search would not find them, or not end.
   */
  load(words: Int32Array, timeMs: number): void {
    const tag = timeMs > this.#cutoffMs ? this.#tagOf(timeMs) : 0;
    this.#count(tag, words.length / wordsPerHash);
    for (let at = 0; at < words.length; at += wordsPerHash) {
      const a = words[at] ?? 0;
      const b = words[at + 1] ?? 0;
      const c = words[at + 2] ?? 0;
      const d = words[at + 3] ?? 0;
      const table = this.#tableOf(d);
      if (tag !== 0 && table.append(a, b, c, tag)) continue;
      this.#count(tag, -1);
      this.#placeAppended(table, d);
      this.raise({ a, b, c, d }, timeMs);
    }
  }

  /** Gives all loaded hashes their places. */
  endLoad(): void {
    for (const [at, table] of this.#tables.entries()) this.#placeAppended(table, at << tableShift);
    this.#scratch = noWords;
  }

  /** `d`: the last word of some hash of this sub-table. */
  #placeAppended(table: SubTable, d: number): void {
    this.#scratch = table.takeAppended(this.#scratch, (a, b, c, tag) => {
      // A hash may be in the overflow with another time: `raise` looks there.
      if (this.#overflow.size === 0 && !table.isFull) {
        const cell = table.locate(a, b, c);
        if (cell < 0) return table.fill(~cell, a, b, c, tag);
      }
      this.#count(tag, -1);
      this.raise({ a, b, c, d }, this.#times[tag] ?? -Infinity);
    });
  }

  /** Makes room for about this many keys at once, before many are loaded. */
  reserve(keys: number): void {
    const cells = Math.ceil(keys / subTables / reserveLoad);
    this.#tables.forEach((table, at) => {
      if (table.capacity < cells) this.#rebuild(table, at, cells);
    });
  }

  /** `d`: the last word of a hash. Ten bits number all sub-tables. */
  #tableOf(d: number): SubTable {
    return this.#tables[d >>> tableShift] as SubTable;
  }

  /** `empty` is the cell where the search for this hash ended, or -1. */
  #insert(table: SubTable, { a, b, c, d }: HashWords, tag: number, empty: number): void {
    if (table.isFull || table.capacity < this.#sharedCapacity) {
      this.#makeRoom(table, d >>> tableShift);
      table.place(a, b, c, tag);
    } else if (empty < 0) {
      table.place(a, b, c, tag);
    } else {
      table.fill(empty, a, b, c, tag);
    }
    this.#count(tag, 1);
  }

  /** So many cells more of this tag. */
  #count(tag: number, cells: number): void {
    if (tag === 0) return;
    this.#cellsByTag[tag] = (this.#cellsByTag[tag] ?? 0) + cells;
    this.#live += cells;
  }

  #makeRoom(table: SubTable, at: number): void {
    const grows = table.isFull && this.#deadIn(table) * 8 < table.used;
    const capacity = grows ? Math.ceil(table.capacity * growth) : table.capacity;
    if (capacity <= sharedCapacityMax) {
      this.#sharedCapacity = Math.max(this.#sharedCapacity, capacity);
    }
    this.#rebuild(table, at, Math.max(capacity, this.#sharedCapacity));
  }

  #deadIn(table: SubTable): number {
    let dead = 0;
    if (this.#dead > 0) {
      for (let cell = 0; cell < table.capacity; cell++) {
        const tag = table.tagAt(cell);
        if (tag !== 0 && this.#times[tag] === -Infinity) dead++;
      }
    }
    return dead;
  }

  #rebuild(table: SubTable, at: number, capacity: number): void {
    table.rebuild(capacity, (tag) => {
      const isLive = this.#times[tag] !== -Infinity;
      if (!isLive) this.#countSwept(tag);
      return isLive;
    });
    if (at === this.#sweepTable) this.#sweepCell = 0;
  }

  #removeCell(table: SubTable, cell: number): void {
    const tag = table.tagAt(cell);
    table.clear(cell);
    if (this.#times[tag] === -Infinity) this.#countSwept(tag);
    else this.#count(tag, -1);
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
      const tag = table.tagAt(this.#sweepCell);
      if (tag !== 0 && this.#times[tag] === -Infinity) {
        table.clear(this.#sweepCell);
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

/** The first ten bits of the last hash word choose one. */
const subTables = 1024;
const tableShift = 22;
const noWords = new Int32Array(0);
const tagLimit = 65_536;
const growth = 1.5;
const reserveLoad = 0.7;
/** Of a sub-table that takes a moment to rebuild. */
const sharedCapacityMax = 2048;
/** A whole turn takes capacity / this many inserts, well below the time between two expiries of a large table. */
const sweepPerInsert = 32;
const sweepPerExpiry = 16;
const sweepAtOnce = 65_536;

function overflowKey(hash: HashWords): string {
  return `${hash.a},${hash.b},${hash.c & 0xffff},${hash.d >>> tableShift}`;
}
