import type { JsonObject } from "../core/json.ts";
import type { Finding } from "../core/finding.ts";

export type SpecPath = readonly (string | number)[];

/** A range in a file: lines and columns from 1, in code points; end exclusive. */
export interface Span {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Where everything of the document stands. Paths run through the raw document, such as ["steps", 3, "ttl"]. */
export interface SpecPositions {
  /** The value at `path`, or of its nearest existing parent. */
  value(path: SpecPath): Span;
  /** The key that introduces `path` (the value where there is none, as for list items). */
  key(path: SpecPath): Span;
  /**
   * The place of code unit `offset` of the scalar's text at `path`: through quotes, escapes, folded and literal
   * blocks. Exact, as the reader of the YAML file counts.
   */
  inside(path: SpecPath, offset: number, length?: number): Span;
  /** The source text of the scalar as written (`0.10`, unquoted); undefined for collections. */
  sourceText(path: SpecPath): string | undefined;
}

/** One parameter after all overrides. */
export interface ParameterValue {
  readonly value: string | number | boolean;
  readonly secret: boolean;
}

/**
 * The document after YAML, parameters and the structural check: plain data whose known fields have the right JSON types.
 * Parts that failed the structural check are left out (and reported).
 */
export interface JobSpec {
  readonly file: string;
  readonly text: string;
  readonly root: JsonObject;
  readonly positions: SpecPositions;
  readonly parameters: ReadonlyMap<string, ParameterValue>;
}

export interface SpecResult {
  /** Undefined if the text could not be read as a document at all. */
  readonly spec: JobSpec | undefined;
  readonly findings: readonly Finding[];
}
