/**
 * Keyed 128-bit hash of key text: MurmurHash3 x86-128 over the UTF-16 code units, seeded in all four lanes. The seed is
 * random per state directory, so that nobody outside can prepare keys that collide in it.
 * The result stays in the fields until the next call: no allocation per record.
 */
export class KeyHash {
  a = 0;
  b = 0;
  c = 0;
  d = 0;
  readonly #seed: Int32Array;
  #text: string | undefined;

  /** 32 hex digits. */
  constructor(seed: string) {
    if (!/^[0-9a-f]{32}$/.test(seed)) throw new RangeError("a hash seed has 32 hex digits");
    this.#seed = Int32Array.from({ length: 4 }, (_, lane) =>
      Number.parseInt(seed.slice(lane * 8, lane * 8 + 8), 16),
    );
  }

  of(text: string): this {
    // A `put` follows the `get` of the same key.
    if (text === this.#text) return this;
    const seed = this.#seed;
    const s1 = seed[0] ?? 0;
    const s2 = seed[1] ?? 0;
    const s3 = seed[2] ?? 0;
    const s4 = seed[3] ?? 0;
    let h1 = s1;
    let h2 = s2;
    let h3 = s3;
    let h4 = s4;
    const length = text.length;
    const blocksEnd = length - (length % 8);
    for (let i = 0; i < blocksEnd; i += 8) {
      h1 ^= scramble1(pair(text, i) ^ s2);
      h1 = (Math.imul(rotate(h1, 19) + h2, 5) + 0x561c_cd1b) | 0;
      h2 ^= scramble2(pair(text, i + 2) ^ s3);
      h2 = (Math.imul(rotate(h2, 17) + h3, 5) + 0x0bca_a747) | 0;
      h3 ^= scramble3(pair(text, i + 4) ^ s4);
      h3 = (Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd_1c35) | 0;
      h4 ^= scramble4(pair(text, i + 6) ^ s1);
      h4 = (Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac_3b17) | 0;
    }
    // Units beyond the end count as 0; the length, mixed in below, tells such texts apart.
    if (blocksEnd < length) h1 ^= scramble1(tail(text, blocksEnd) ^ s2);
    if (blocksEnd + 2 < length) h2 ^= scramble2(tail(text, blocksEnd + 2) ^ s3);
    if (blocksEnd + 4 < length) h3 ^= scramble3(tail(text, blocksEnd + 4) ^ s4);
    if (blocksEnd + 6 < length) h4 ^= scramble4(tail(text, blocksEnd + 6) ^ s1);
    h1 ^= length;
    h2 ^= length;
    h3 ^= length;
    h4 ^= length;
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = (h2 + h1) | 0;
    h3 = (h3 + h1) | 0;
    h4 = (h4 + h1) | 0;
    h1 = finish(h1);
    h2 = finish(h2);
    h3 = finish(h3);
    h4 = finish(h4);
    h1 = (h1 + h2 + h3 + h4) | 0;
    this.a = h1;
    this.b = (h2 + h1) | 0;
    this.c = (h3 + h1) | 0;
    this.d = (h4 + h1) | 0;
    this.#text = text;
    return this;
  }
}

function pair(text: string, at: number): number {
  return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
}

function tail(text: string, at: number): number {
  return at + 1 < text.length ? pair(text, at) : text.charCodeAt(at);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function scramble1(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0x239b_961b), 15), 0xab0e_9789);
}

function scramble2(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0xab0e_9789), 16), 0x38b3_4ae5);
}

function scramble3(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0x38b3_4ae5), 17), 0xa1e3_8b93);
}

function scramble4(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0xa1e3_8b93), 18), 0x239b_961b);
}

function finish(word: number): number {
  let h = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
