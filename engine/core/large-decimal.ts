import { Decimal as DecimalJs } from "decimal.js";
import { roundsAway } from "./rounding.ts";
import type { RoundingMode } from "./rounding.ts";

export type LargeDecimal = DecimalJs;

/** All digits of a result's text. */
export const digitsMax = 1_000;

/** A result has more than 1,000 digits. */
export class DecimalLimitError extends Error {
  constructor() {
    super(`a decimal result has more than ${digitsMax} digits`);
    this.name = "DecimalLimitError";
  }
}

/**
 * The library behind coefficients that a double cannot hold. Its precision only has to exceed what exact arithmetic
 * on two operands of 1,000 digits can reach; results are then held to `digitsMax`.
 */
export const Large = DecimalJs.clone({
  precision: 4_100,
  rounding: DecimalJs.ROUND_DOWN,
  modulo: DecimalJs.ROUND_DOWN,
  toExpPos: 9e15,
  toExpNeg: -9e15,
  maxE: 9e15,
  minE: -9e15,
});

/** value x 10^places. */
export function shift(value: LargeDecimal, places: number): LargeDecimal {
  return places === 0 ? value : value.times(new Large(`1e${places}`));
}

/** numerator / denominator as a rounded integer; the denominator is not zero. */
export function divideLargeRounded(
  numerator: LargeDecimal,
  denominator: LargeDecimal,
  mode: RoundingMode,
): LargeDecimal {
  if (!numerator.isZero() && numerator.e - denominator.e > digitsMax) {
    throw new DecimalLimitError();
  }
  const quotient = numerator.divToInt(denominator);
  const rest = numerator.mod(denominator);
  if (rest.isZero()) {
    return quotient;
  }
  const negative = numerator.isNegative() !== denominator.isNegative();
  const half = rest.abs().times(2).cmp(denominator.abs());
  const odd = !quotient.mod(2).isZero();
  return roundsAway(mode, negative, half, odd) ? quotient.plus(negative ? -1 : 1) : quotient;
}
