import { RE2JS } from "re2js";

/** A compiled pattern, as ajv wants it. */
export interface Pattern {
  test(text: string): boolean;
  /** Identifies the pattern: ajv shares what prints alike. */
  toString(): string;
}

/**
 * Compiles the text of `pattern` and `patternProperties` for a linear engine, so that no record can make a search
 * explode. Throws if the pattern is faulty or needs what such an engine lacks (look-around, back-references).
 */
export function compilePattern(source: string): Pattern {
  const pattern = RE2JS.compile(RE2JS.translateRegExp(source));
  return { test: (text) => pattern.test(text), toString: () => source };
}

/** What is wrong with a pattern; undefined if it compiles. */
export function patternFault(source: string): string | undefined {
  try {
    compilePattern(source);
    return undefined;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    // The engine's own words for these two say only that the syntax is unknown.
    if (/\(\?<?[=!]/.test(source)) return `look-around is not supported (${cause})`;
    if (/\\(?:[1-9]|k<)/.test(source)) return `back-references are not supported (${cause})`;
    return cause;
  }
}
