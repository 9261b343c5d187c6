import assert from "node:assert/strict";
import { Decimal as Oracle } from "decimal.js";
import {
  addDecimals,
  compareDecimals,
  decimalText,
  divideDecimals,
  isZeroDecimal,
  multiplyDecimals,
  negateDecimal,
  parseDecimal,
  remainderDecimals,
  roundDecimal,
  subtractDecimals,
} from "../../engine/core/decimal.ts";
import type { Decimal, RoundingMode } from "../../engine/core/decimal.ts";

/** The engine's decimals beside decimal.js, which computes everything the slow way. */

export const Exact = Oracle.clone({ precision: 5_000, toExpPos: 9e15, toExpNeg: -9e15 });
/** A quotient of two texts of 38 digits that is no tie differs from one long before 200 digits. */
const Quotient = Exact.clone({ precision: 200, rounding: Oracle.ROUND_DOWN });
const oracleModes: Readonly<Record<RoundingMode, Oracle.Rounding>> = {
  half_up: Oracle.ROUND_HALF_UP,
  half_even: Oracle.ROUND_HALF_EVEN,
  down: Oracle.ROUND_DOWN,
  up: Oracle.ROUND_UP,
  floor: Oracle.ROUND_FLOOR,
  ceiling: Oracle.ROUND_CEIL,
};
export const modes: readonly RoundingMode[] = [
  "half_up",
  "half_even",
  "down",
  "up",
  "floor",
  "ceiling",
];

export function decimal(text: string): Decimal {
  const parsed = parseDecimal(text);
  assert.ok(parsed !== undefined, `not a decimal: ${text}`);
  return parsed;
}

export function oracleText(value: Oracle, scale: number): string {
  const text = value.toFixed(scale);
  return /^-[0.]*$/.test(text) ? text.slice(1) : text;
}

/** Every value has one form: small with a safe integer, or large and beyond it. */
export function checkForm(value: Decimal): void {
  if (value.large === undefined) {
    assert.ok(Number.isSafeInteger(value.coefficient) && !Object.is(value.coefficient, -0));
  } else {
    assert.ok(Number.isNaN(value.coefficient));
    const coefficient = BigInt(decimalText(value).replace(/[.-]/g, ""));
    assert.ok(coefficient > BigInt(Number.MAX_SAFE_INTEGER));
  }
}

/** A small seeded generator (mulberry32): the same operations on every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Decimal texts of all lengths, many near 2^53 and near ties. */
function randomText(random: () => number): string {
  const kind = random();
  const sign = random() < 0.4 ? "-" : "";
  if (kind < 0.15) {
    const near = BigInt(Number.MAX_SAFE_INTEGER) + BigInt(Math.floor(random() * 5) - 2);
    const digits = String(near);
    const scale = Math.floor(random() * 16);
    return scale === 0
      ? sign + digits
      : `${sign}${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`;
  }
  const lengthMax = kind < 0.7 ? 7 : 20;
  const whole = Math.floor(random() * lengthMax) + 1;
  const scale = random() < 0.3 ? 0 : Math.floor(random() * (lengthMax - 2)) + 1;
  let digits = "";
  for (let index = 0; index < whole + scale; index += 1) {
    digits += random() < 0.3 ? "05"[Math.floor(random() * 2)] : Math.floor(random() * 10);
  }
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
}

/** `rounds` times eight operations on random operands. Throws at the first difference. Returns how many were compared. */
export function compareWithOracle(seed: number, rounds: number): number {
  const random = seeded(seed);
  let compared = 0;
  for (let round = 0; round < rounds; round += 1) {
    const leftText = randomText(random);
    const rightText = randomText(random);
    const left = decimal(leftText);
    const right = decimal(rightText);
    const exactLeft = new Exact(leftText);
    const exactRight = new Exact(rightText);
    const scale = Math.max(left.scale, right.scale);
    const mode = modes[Math.floor(random() * modes.length)] ?? "down";
    const target = Math.floor(random() * 12) - 3;
    const place = `${leftText} ${rightText} ${target} ${mode}`;
    const check = (result: Decimal, expected: Oracle, expectedScale: number): void => {
      compared += 1;
      checkForm(result);
      assert.equal(result.token, undefined);
      assert.equal(result.jsonKind, "string");
      assert.equal(decimalText(result), oracleText(expected, expectedScale), place);
      assert.equal(result.scale, expectedScale, place);
    };
    check(addDecimals(left, right), exactLeft.plus(exactRight), scale);
    check(subtractDecimals(left, right), exactLeft.minus(exactRight), scale);
    check(multiplyDecimals(left, right), exactLeft.times(exactRight), left.scale + right.scale);
    check(negateDecimal(left), exactLeft.negated(), left.scale);
    compared += 1;
    assert.equal(compareDecimals(left, right), exactLeft.cmp(exactRight), place);
    const quantum = new Exact(`1e${-target}`);
    const resultScale = Math.max(target, 0);
    const rounded = exactLeft.div(quantum).toDecimalPlaces(0, oracleModes[mode]).times(quantum);
    check(roundDecimal(left, target, mode), rounded, resultScale);
    if (isZeroDecimal(right)) {
      continue;
    }
    check(remainderDecimals(left, right), exactLeft.mod(exactRight), scale);
    const quotient = Quotient.div(leftText, rightText).div(quantum);
    const divided = quotient.toDecimalPlaces(0, oracleModes[mode]).times(quantum);
    check(divideDecimals(left, right, target, mode), divided, resultScale);
  }
  return compared;
}
