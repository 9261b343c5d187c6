/** A source of numbers in [0, 1) with 53 random bits. */
export type Random = () => number;

/**
 * The random numbers of one generated record: they depend on seed, record and stream alone, so any record can be
 * made again without those before it. Streams are independent: a new draw in one shifts nothing in another.
 * The generator is xoshiro128** (Blackman and Vigna), its state spread from the three numbers by a 32-bit mixer.
 */
export function recordRandom(seed: number, index: number, stream: number): Random {
  let mixed = 0;
  const spread = (word: number): number => {
    mixed = mix((mixed ^ word) + 0x9e3779b9);
    return mixed;
  };
  spread(seed);
  spread(Math.floor(seed / 2 ** 32));
  spread(index);
  spread(Math.floor(index / 2 ** 32));
  let a = spread(stream);
  let b = spread(1);
  let c = spread(2);
  // The state must not be all zero.
  let d = spread(3) | 1;
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result >>> 0;
  };
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Every bit of the word reaches every bit of the result; one to one. */
function mix(word: number): number {
  let mixed = word | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}
