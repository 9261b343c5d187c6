import jsonata from "jsonata";
import { ExpressionError } from "./expression.ts";
import { syntaxAdvice } from "./foreign-syntax.ts";
import { scan } from "./scan.ts";
import type { Node } from "./syntax.ts";
import { tokenStart } from "./syntax.ts";

/** Caps on a source text, applied before the parser sees it: parsing nested `?:` and `??` doubles at every level. */
const sourceLimits = {
  /** Code units. */
  length: 20_000,
  /** Brackets within brackets. */
  nesting: 48,
  /** Brackets within brackets that all hold `?:` or `??`. */
  defaultNesting: 6,
  /**
   * Operators beside and around each other, a bracket as two: parser and compiler descend once for each. With the
   * brackets they fit a stack of 300 kB, so that no machine's stack decides what compiles.
   */
  operators: 150,
} as const;

/** Parses with jsonata's parser. Throws ExpressionError with the start of the faulty token. */
export function parseExpression(source: string): Node {
  if (source.length > sourceLimits.length) {
    throw tooLarge(`The expression is longer than ${sourceLimits.length} characters`, 0);
  }
  const shape = scan(source);
  if (shape.nesting > sourceLimits.nesting) {
    throw tooLarge(
      `Brackets are nested deeper than ${sourceLimits.nesting} levels`,
      shape.deepestAt,
    );
  }
  if (shape.operators > sourceLimits.operators) {
    throw tooLarge(
      `More than ${sourceLimits.operators} operators stand beside each other: name parts of the expression with :=`,
      shape.operatorsAt,
    );
  }
  if (shape.defaultNesting > sourceLimits.defaultNesting) {
    throw tooLarge(
      `Brackets with ?: or ?? are nested deeper than ${sourceLimits.defaultNesting} levels`,
      shape.deepestAt,
    );
  }
  try {
    return jsonata(source).ast() as unknown as Node;
  } catch (error) {
    throw syntaxError(error, source);
  }
}

function tooLarge(message: string, offset: number): ExpressionError {
  return new ExpressionError("EXPRESSION_LIMIT", "SOURCE_LIMIT", message, offset);
}

interface ParserFault {
  readonly code?: string;
  readonly message?: string;
  readonly position?: number;
  readonly token?: unknown;
  readonly value?: unknown;
}

function syntaxError(error: unknown, source: string): ExpressionError {
  const { code, message, position, token: faulty, value } = error as ParserFault;
  if (code === undefined) {
    if (error instanceof RangeError) return tooLarge("The expression is nested too deep", 0);
    const text = error instanceof Error ? error.message : "it cannot be parsed";
    return new ExpressionError("EXPRESSION_ERROR", "SYNTAX", `Syntax error: ${text}`, 0);
  }
  // The parser does not tell where the parent stands that cannot be found.
  if (code === "S0217") {
    const text = "There is no parent here: % needs a step of the same path before it";
    return new ExpressionError("EXPRESSION_ERROR", code, text, Math.max(0, source.indexOf("%")));
  }
  const token = code === "S0213" ? value : faulty;
  const end = Math.min(position ?? source.length, source.length);
  const offset =
    code === "S0203" || token === undefined || token === "(end)"
      ? end
      : tokenStart(end, typeof token === "string" ? token : JSON.stringify(token), source);
  const text = message ?? `Syntax error (${code})`;
  const advice = syntaxAdvice(source, offset);
  const advised = advice === undefined ? text : `${text}; ${advice}`;
  return new ExpressionError("EXPRESSION_ERROR", code, advised, offset);
}
