// Exact amounts of the oracle: a BigInt coefficient and a scale, `digits` x 10^-`scale`.
import { NumberText } from "./exact-json.mjs";

const digitsMax = 38;

/** Decimal text or a JSON number written like one; undefined for anything else. */
export function decimal(value) {
  const text = value instanceof NumberText ? value.text : value;
  if (typeof text !== "string") return undefined;
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = ""] = match;
  if (whole.length + fraction.length > digitsMax) return undefined;
  const digits = BigInt(whole + fraction);
  return { digits: sign === "-" ? -digits : digits, scale: fraction.length };
}

function atScale(amount, scale) {
  return amount.digits * 10n ** BigInt(scale - amount.scale);
}

export function add(a, b) {
  const scale = Math.max(a.scale, b.scale);
  return { digits: atScale(a, scale) + atScale(b, scale), scale };
}

export function compare(a, b) {
  const scale = Math.max(a.scale, b.scale);
  const difference = atScale(a, scale) - atScale(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** A positive amount over `divisor`, rounded half up to two decimals, as text. */
export function inCents(amount, divisor) {
  const unit = 10n ** BigInt(amount.scale) * divisor;
  const cents = (amount.digits * 200n + unit) / (unit * 2n);
  const text = String(cents).padStart(3, "0");
  return `${text.slice(0, -2)}.${text.slice(-2)}`;
}
