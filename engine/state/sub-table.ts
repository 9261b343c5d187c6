/** A cell: two words of a hash, then 16 more bits of it and a tag of 16 bits, 0 where the cell is empty. */
const wordsPerCell = 3;
const low16 = 0xffff;
const cellsAtFirst = 16;
const loadMax = 0.8;

/**
 * Cells of a part of all hashes: open addressing in a typed array. Cells are nearly sorted by hash (home place
 * proportional to its first word), which lets a growing table stream.
 */
export class SubTable {
  #cells = new Int32Array(0);
  #capacity = 0;
  /** Cells in use. */
  #used = 0;
  /** Value of `#used` at which it must grow. */
  #limit = 0;
  /** capacity / 2^32: first hash word -> home cell. */
  #scale = 0;
  /** Cells at the start of the array that have no place yet. */
  #appended = 0;

  constructor() {
    this.#resize(cellsAtFirst);
  }

  get capacity(): number {
    return this.#capacity;
  }

  get used(): number {
    return this.#used;
  }

  /** True if it must be rebuilt before one more cell is put into it. */
  get isFull(): boolean {
    return this.#used >= this.#limit;
  }

  /** 0 for an empty cell. */
  tagAt(cell: number): number {
    return (this.#cells[cell * wordsPerCell + 2] ?? 0) & low16;
  }

  /** The cell of this hash, or, as its complement (negative), the empty cell where the search ended. */
  locate(a: number, b: number, c: number): number {
    const cells = this.#cells;
    const bits = c & low16;
    let cell = this.#home(a);
    for (;;) {
      const at = cell * wordsPerCell;
      const word = cells[at + 2] ?? 0;
      if ((word & low16) === 0) return ~cell;
      if (cells[at] === a && cells[at + 1] === b && word >>> 16 === bits) return cell;
      if (++cell === this.#capacity) cell = 0;
    }
  }

  /** Puts a hash that is not in the table. There is always an empty cell: the limit is below the capacity. */
  place(a: number, b: number, c: number, tag: number): void {
    let cell = this.#home(a);
    while (this.tagAt(cell) !== 0) {
      if (++cell === this.#capacity) cell = 0;
    }
    this.fill(cell, a, b, c, tag);
  }

  fill(cell: number, a: number, b: number, c: number, tag: number): void {
    this.#write(cell, a, b, c, tag);
    this.#used++;
  }

  /** Empties a cell and moves later ones of its run back, so that no search meets a hole before its goal. */
  clear(cell: number): void {
    const cells = this.#cells;
    const capacity = this.#capacity;
    let hole = cell;
    let next = cell;
    for (;;) {
      if (++next === capacity) next = 0;
      const word = cells[next * wordsPerCell + 2] ?? 0;
      if ((word & low16) === 0) break;
      const fromHome = distance(this.#home(cells[next * wordsPerCell] ?? 0), next, capacity);
      if (fromHome < distance(hole, next, capacity)) continue;
      cells[hole * wordsPerCell] = cells[next * wordsPerCell] ?? 0;
      cells[hole * wordsPerCell + 1] = cells[next * wordsPerCell + 1] ?? 0;
      cells[hole * wordsPerCell + 2] = word;
      hole = next;
    }
    cells[hole * wordsPerCell + 2] = 0;
    this.#used--;
  }

  /** Moves cells into a new array, in order. `keeps` is called once for each, with its tag. */
  rebuild(capacity: number, keeps: (tag: number) => boolean): void {
    const old = this.#cells;
    this.#resize(capacity);
    for (let at = 0; at < old.length; at += wordsPerCell) {
      const word = old[at + 2] ?? 0;
      const tag = word & low16;
      if (tag !== 0 && keeps(tag)) this.place(old[at] ?? 0, old[at + 1] ?? 0, word >>> 16, tag);
    }
  }

  /**
   * Writes a hash behind those appended before, without a place where it would be found. False if there is no room, or
   * the table has cells in their places. Until all were taken nothing else may be asked of the table.
   */
  append(a: number, b: number, c: number, tag: number): boolean {
    if (this.#used > 0 || this.#appended === this.#capacity) return false;
    this.#write(this.#appended++, a, b, c, tag);
    return true;
  }

  /** Empties the table of what was appended, by way of `scratch`, which may grow, and visits it. Gives `scratch`. */
  takeAppended(
    scratch: Int32Array,
    visit: (a: number, b: number, c: number, tag: number) => void,
  ): Int32Array {
    const words = this.#appended * wordsPerCell;
    if (words === 0) return scratch;
    const taken = scratch.length < words ? new Int32Array(words) : scratch;
    taken.set(this.#cells.subarray(0, words));
    this.#cells.fill(0, 0, words);
    this.#appended = 0;
    for (let at = 0; at < words; at += wordsPerCell) {
      const word = taken[at + 2] ?? 0;
      visit(taken[at] ?? 0, taken[at + 1] ?? 0, word >>> 16, word & low16);
    }
    return taken;
  }

  #write(cell: number, a: number, b: number, c: number, tag: number): void {
    const cells = this.#cells;
    const at = cell * wordsPerCell;
    cells[at] = a;
    cells[at + 1] = b;
    cells[at + 2] = (c << 16) | tag;
  }

  #resize(capacity: number): void {
    this.#cells = new Int32Array(capacity * wordsPerCell);
    this.#capacity = capacity;
    this.#used = 0;
    this.#limit = Math.floor(capacity * loadMax);
    this.#scale = capacity / 2 ** 32;
  }

  /** Below the capacity: rounding of the product cannot reach it, a double has 53 bits. */
  #home(word: number): number {
    return Math.floor((word >>> 0) * this.#scale);
  }
}

function distance(from: number, to: number, capacity: number): number {
  return to >= from ? to - from : to - from + capacity;
}
