/** Seeded random numbers: a multiply-with-carry pair, good enough to choose test data. */
export class Dice {
  #high;
  #low;

  constructor(seed) {
    this.#high = (seed ^ 0x49616e42) >>> 0 || 1;
    this.#low = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
    for (let i = 0; i < 20; i += 1) this.fraction();
  }

  /** In [0, 1). */
  fraction() {
    this.#high = (36_969 * (this.#high & 0xffff) + (this.#high >>> 16)) >>> 0;
    this.#low = (18_000 * (this.#low & 0xffff) + (this.#low >>> 16)) >>> 0;
    return (((this.#high << 16) + this.#low) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, end). */
  below(end) {
    return Math.floor(this.fraction() * end);
  }

  chance(odds) {
    return this.fraction() < odds;
  }

  pick(items) {
    return items[this.below(items.length)];
  }
}
