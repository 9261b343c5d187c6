import { decimalFromNumber, parseDecimal } from "./decimal.ts";
import type { Decimal } from "./decimal.ts";

/**
 * A JSON number whose double would print other digits (`12345678901234567890`, `1e400`, `0.10`).
 * It computes as its double and leaves the engine as its source text (semantics.md section 1).
 */
export class NumberToken {
  readonly text: string;
  readonly number: number;

  constructor(text: string) {
    this.text = text;
    this.number = Number(text);
  }

  /** Keeps all digits visible in logs; records are written by `serializeValue`. */
  toJSON(): string {
    return this.text;
  }
}

/** Up to this many digits the shortest text of a double has the value that was written. */
const doubleDigits = 15;

/** The exact value of a token: undefined beyond 38 digits, and where an exponent stands behind more than 15. */
export function exactToken({ text, number }: NumberToken): Decimal | undefined {
  const digits = text.replace(/[eE].*/, "").replace(/[^0-9]/g, "").length;
  return digits <= doubleDigits ? decimalFromNumber(number) : parseDecimal(text);
}
