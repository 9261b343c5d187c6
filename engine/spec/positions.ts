import { placeScalar } from "./scalar-offsets.ts";
import type { PlacedText } from "./placed-text.ts";
import type { Span, SpecPath, SpecPositions } from "./job-spec.ts";
import type { SourceRange, SourceText } from "./source-text.ts";
import type { SpecNode, SpecScalar } from "./spec-node.ts";

/** Positions of a document by paths through it. */
export class TreePositions implements SpecPositions {
  readonly #source: SourceText;
  readonly #root: SpecNode;
  readonly #placed = new Map<SpecScalar["token"], PlacedText | undefined>();

  constructor(source: SourceText, root: SpecNode) {
    this.#source = source;
    this.#root = root;
  }

  value(path: SpecPath): Span {
    return this.#source.span(this.#find(path).node.range);
  }

  key(path: SpecPath): Span {
    const found = this.#find(path);
    return this.#source.span(found.key ?? found.node.range);
  }

  inside(path: SpecPath, offset: number, length = 1): Span {
    const { node, exact } = this.#find(path);
    const range =
      exact && node.kind === "scalar" ? this.#rangeInside(node, offset, length) : undefined;
    return this.#source.span(range ?? node.range);
  }

  sourceText(path: SpecPath): string | undefined {
    const { node, exact } = this.#find(path);
    return exact && node.kind === "scalar" ? node.text : undefined;
  }

  #rangeInside(scalar: SpecScalar, offset: number, length: number): SourceRange | undefined {
    return this.#place(scalar)?.range(offset, length);
  }

  #place(scalar: SpecScalar): PlacedText | undefined {
    if (scalar.token === undefined) return undefined;
    if (!this.#placed.has(scalar.token)) {
      const placed = placeScalar(this.#source.text, scalar.token);
      // Should the two readings of a scalar ever differ, no place in it can be told.
      this.#placed.set(scalar.token, placed.text === scalar.text ? placed : undefined);
    }
    return this.#placed.get(scalar.token);
  }

  /** The node at `path`, or the nearest above it, and the key that leads to it. */
  #find(path: SpecPath): { node: SpecNode; key: SourceRange | undefined; exact: boolean } {
    let node = this.#root;
    let key: SourceRange | undefined;
    for (const part of path) {
      if (node.kind === "map") {
        const member = node.members.get(String(part));
        if (member === undefined) return { node, key, exact: false };
        node = member.value;
        key = member.key;
      } else if (node.kind === "list") {
        const item = typeof part === "number" ? node.items[part] : undefined;
        if (item === undefined) return { node, key, exact: false };
        node = item;
        key = undefined;
      } else {
        return { node, key, exact: false };
      }
    }
    return { node, key, exact: true };
  }
}
