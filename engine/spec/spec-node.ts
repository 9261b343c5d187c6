import type { CST } from "yaml";
import type { SourceRange } from "./source-text.ts";

/**
 * The document as a tree of our own: aliases followed, keys unique text, every value with its place in the source.
 * What could not be taken (duplicate keys, merge keys, keys that are no text) is reported and not in it.
 */
export type SpecNode = SpecMap | SpecList | SpecScalar;

export interface SpecMap {
  readonly kind: "map";
  readonly range: SourceRange;
  readonly members: ReadonlyMap<string, SpecMember>;
}

export interface SpecMember {
  readonly key: SourceRange;
  readonly value: SpecNode;
}

export interface SpecList {
  readonly kind: "list";
  readonly range: SourceRange;
  readonly items: readonly SpecNode[];
}

export interface SpecScalar {
  readonly kind: "scalar";
  readonly range: SourceRange;
  readonly value: null | boolean | number | string;
  /** The text after quotes, escapes and folding, before it became a number or boolean: `0.10`. */
  readonly text: string;
  /** Undefined where nothing is written (`ttl:`). */
  readonly token: CST.FlowScalar | CST.BlockScalar | undefined;
}
