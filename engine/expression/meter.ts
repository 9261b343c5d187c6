import { ExpressionError } from "./expression.ts";

/**
 * Budgets of one evaluation. They count work, not time, so the same record fails the same way on every machine
 * and at every replay. Evaluation is synchronous and never nested, hence one meter for all.
 */
export const meter = {
  /** Steps left: one per item visited or function called, and see `charactersPerStep`. */
  fuel: 0,
  /** Stack weight of the calls that have not returned yet. */
  depth: 0,
  /** Set when arithmetic gave NaN or an infinity, so that results are searched for it only then. */
  nonFinite: false,
};

/**
 * A step stands for some 200 ns of a common machine. What takes longer must take more steps, or an expression within its
 * budget could keep a job for minutes: a text is read, or written, at this many code units a step.
 */
const charactersPerStep = 32;

export const limits = {
  fuel: 1_000_000,
  /**
   * Stack weight of nested calls, and levels of nested data that `$string`, `=` and `**` walk, together. One takes at
   * most 600 bytes of JavaScript's stack, so that a stack of 300 kB holds them all: this limit, never the machine's
   * stack, decides what becomes of a record.
   */
  depth: 350,
  /** Code units of one text. */
  textLength: 10_000_000,
  /** Members of one array. */
  arrayLength: 1_000_000,
} as const;

export function spend(steps: number): void {
  if ((meter.fuel -= steps) < 0) {
    throw overLimit("FUEL", `The expression took more than ${limits.fuel} steps`);
  }
}

/** `levels`: of data that is being walked, on top of the calls. */
export function checkDepth(levels: number): void {
  if (levels + meter.depth > limits.depth) {
    throw overLimit("D1011", `Functions or data are nested deeper than ${limits.depth} levels`);
  }
}

/** Call before making an array of this many members: they count as steps, too. */
export function spendArray(length: number): void {
  if (length > limits.arrayLength) {
    throw overLimit("D2015", `An array would have more than ${limits.arrayLength} members`);
  }
  spend(length);
}

/** Returns the text unless it is too long. Short ones cost nothing. */
export function checkedText(text: string): string {
  if (text.length > 1000) spendText(text.length);
  return text;
}

/** Call before anything looks at this many code units of texts. */
export function spendReading(length: number): void {
  if (length >= charactersPerStep) spend(Math.trunc(length / charactersPerStep));
}

/** Call before making a text of this length. */
export function spendText(length: number): void {
  if (length > limits.textLength) {
    throw overLimit("TEXT_LENGTH", `A text would be longer than ${limits.textLength} characters`);
  }
  spendReading(length);
}

/** A fault of a budget or cap; where in the text it was reached says nothing. */
export function overLimit(reason: string, message: string): ExpressionError {
  return new ExpressionError("EXPRESSION_LIMIT", reason, message, 0);
}
