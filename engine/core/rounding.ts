export type RoundingMode = "half_up" | "half_even" | "down" | "up" | "floor" | "ceiling";

/**
 * Whether a quotient cut towards zero moves one step away from zero. `half` compares what was cut off with one half
 * (-1, 0, 1); the rest is known not to be zero.
 */
export function roundsAway(
  mode: RoundingMode,
  negative: boolean,
  half: number,
  odd: boolean,
): boolean {
  switch (mode) {
    case "half_up":
      return half >= 0;
    case "half_even":
      return half > 0 || (half === 0 && odd);
    case "down":
      return false;
    case "up":
      return true;
    case "floor":
      return negative;
    case "ceiling":
      return !negative;
    default:
      return mode satisfies never;
  }
}

/** numerator / denominator as a rounded integer; both safe integers or powers of ten, denominator not zero. */
export function divideRounded(numerator: number, denominator: number, mode: RoundingMode): number {
  // Safe integers: the double quotient never reaches the next integer by rounding, so `trunc` cuts exactly.
  const quotient = Math.trunc(numerator / denominator);
  const rest = numerator - quotient * denominator;
  if (rest === 0) {
    return quotient;
  }
  const negative = numerator < 0 !== denominator < 0;
  const half = Math.sign(2 * Math.abs(rest) - Math.abs(denominator));
  return roundsAway(mode, negative, half, quotient % 2 !== 0)
    ? quotient + (negative ? -1 : 1)
    : quotient;
}
