/** Random documents from a seed: no clocks, no Math.random. */

export type Random = () => number;

/** Mulberry32: small, good enough to choose test cases. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T;
}

export const fields = ["a", "b", "c", "n", "s", "items", "tags"];

export function randomDocument(random: Random): Record<string, unknown> {
  return randomObject(random, 3);
}

function randomObject(random: Random, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const field of fields) if (random() < 0.7) object[field] = randomValue(random, depth - 1);
  return object;
}

function randomValue(random: Random, depth: number): unknown {
  const kind = Math.floor(random() * (depth > 0 ? 9 : 6));
  if (kind < 2) return pick(random, [0, 1, 2, 3, -1, 2.5, 10]);
  if (kind < 4) return pick(random, ["", "x", "yy", "a-b", "10", "Hello World"]);
  if (kind === 4) return random() < 0.5;
  if (kind === 5) return null;
  if (kind === 6) return randomObject(random, depth);
  const length = Math.floor(random() * 4);
  if (kind === 7) return Array.from({ length }, () => randomObject(random, depth));
  return Array.from({ length }, () => randomValue(random, depth));
}
