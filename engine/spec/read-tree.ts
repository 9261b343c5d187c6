import { CST, isAlias, isMap, isNode, isScalar, isSeq } from "yaml";
import type { Alias, Node, ParsedNode, Scalar, YAMLMap } from "yaml";
import type { Finding } from "../core/finding.ts";
import { makeFinding, relatedPlace } from "./findings.ts";
import type { FindingText } from "./findings.ts";
import { limits } from "./limits.ts";
import type { SourceRange, SourceText } from "./source-text.ts";
import type { SpecMap, SpecMember, SpecNode, SpecScalar } from "./spec-node.ts";
import { tooManyNodes } from "./yaml-document.ts";

export interface SpecTree {
  /** Undefined if the tree outgrows the limits. */
  readonly root: SpecNode | undefined;
  readonly findings: readonly Finding[];
}

/** Names through which JavaScript objects reach their prototypes: never ids or fields. */
const refusedKeys: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** The parser's tree to ours. Aliases are followed within the node budget, so that no text grows without bound. */
export function readTree(file: string, source: SourceText, root: ParsedNode): SpecTree {
  const reader = new TreeReader(file, source);
  try {
    return { root: reader.read(root), findings: reader.findings };
  } catch (error) {
    if (!(error instanceof OutOfBounds)) throw error;
    // What was found on the way is of no use before the text is cut down.
    return { root: undefined, findings: reader.findings.slice(-1) };
  }
}

/** Unwinds the walk; the finding is already recorded. */
class OutOfBounds extends Error {}

class TreeReader {
  readonly findings: Finding[] = [];
  readonly #file: string;
  readonly #source: SourceText;
  /** The latest node of each anchor, in document order, as YAML wants it. */
  readonly #anchors = new Map<string, Node>();
  /** Anchored nodes that are being read: an alias to one of them would never end. */
  readonly #open = new Set<Node>();
  #nodes = 0;
  #depth = 0;
  /** The outermost alias that is being followed. */
  #alias: SourceRange | undefined;

  constructor(file: string, source: SourceText) {
    this.#file = file;
    this.#source = source;
  }

  read(node: Node | null): SpecNode {
    if (isAlias(node)) return this.#follow(node);
    this.#count(node);
    if (node === null) return nothing(0);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    // Reading it again through an alias must not bring back an anchor that was redefined since.
    if (anchor !== undefined && this.#alias === undefined) this.#anchors.set(anchor, node);
    if (isScalar(node)) return this.#scalar(node);
    this.#depth += 1;
    if (this.#depth > limits.depth) {
      this.#stop(node, `lists and maps are nested deeper than ${limits.depth}`);
    }
    this.#open.add(node);
    const collection = isMap(node) ? this.#map(node) : this.#list(node);
    this.#open.delete(node);
    this.#depth -= 1;
    return collection;
  }

  #count(node: Node | null): void {
    this.#nodes += 1;
    if (this.#nodes > limits.nodes) this.#stop(node, tooManyNodes);
  }

  #stop(node: Node | null, message: string): never {
    if (this.#alias === undefined) {
      this.#report(rangeOf(node), { code: "SPEC_TOO_LARGE", message });
    } else {
      const suggestion = "write the values out, or fewer of them";
      this.#report(this.#alias, {
        code: "SPEC_ALIAS",
        message: `with this alias ${message}`,
        suggestion,
      });
    }
    throw new OutOfBounds();
  }

  #follow(alias: Alias): SpecNode {
    const range = rangeOf(alias);
    const target = this.#anchors.get(alias.source);
    if (target === undefined || this.#open.has(target)) {
      const message =
        target === undefined
          ? `no anchor &${alias.source} stands above this alias`
          : `the alias *${alias.source} contains itself`;
      this.#report(range, { code: "SPEC_ALIAS", message });
      this.#count(alias);
      return { kind: "scalar", range, value: null, text: "", token: undefined };
    }
    const outer = this.#alias;
    this.#alias ??= range;
    const value = this.read(target);
    this.#alias = outer;
    return { ...value, range };
  }

  #scalar(node: Scalar): SpecScalar {
    const token = CST.isScalar(node.srcToken) ? node.srcToken : undefined;
    const range = scalarRange(node, this.#source.text);
    const text = node.source ?? "";
    const value = this.#plain(node.value, text, range);
    return { kind: "scalar", range, value, text, token };
  }

  #plain(value: unknown, text: string, range: SourceRange): SpecScalar["value"] {
    if (typeof value === "bigint") return Number(value);
    if (typeof value === "number" && !Number.isFinite(value)) {
      this.#report(range, {
        code: "SPEC_BAD_VALUE",
        message: `${text} is no number of JSON`,
        suggestion: `write "${text}" in quotes if a text is meant`,
      });
      return null;
    }
    if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
    return text;
  }

  #list(node: Node): SpecNode {
    const items = isSeq(node)
      ? node.items.map((item) => this.read(isNode(item) ? item : null))
      : [];
    return { kind: "list", range: collectionRange(node, items.at(-1)?.range), items };
  }

  #map(node: YAMLMap): SpecMap {
    const members = new Map<string, SpecMember>();
    // Keys that are reported and left out still have a first place to name.
    const places = new Map<string, SourceRange>();
    let last: SourceRange | undefined;
    for (const pair of node.items) {
      const keyNode = isNode(pair.key) ? pair.key : null;
      const key = this.#key(keyNode);
      const value = isNode(pair.value) ? this.read(pair.value) : nothing(key.range.end);
      last = value.range.end > key.range.end ? value.range : key.range;
      if (key.name === undefined) continue;
      const before = places.get(key.name);
      if (before !== undefined) {
        this.#report(key.range, {
          code: "SPEC_DUPLICATE_KEY",
          message: `the key ${JSON.stringify(key.name)} stands twice in one map`,
          suggestion: "remove one of the two",
          related: [relatedPlace(this.#file, this.#source.span(before), "first here")],
        });
        continue;
      }
      places.set(key.name, key.range);
      if (this.#refused(key.name, key.range, keyNode)) continue;
      const written = value.kind !== "scalar" || value.token !== undefined;
      // Nothing is written after the colon: the key is what a reader can be shown.
      members.set(key.name, {
        key: key.range,
        value:
          written || value.range.end > value.range.start ? value : { ...value, range: key.range },
      });
    }
    return { kind: "map", range: collectionRange(node, last), members };
  }

  #key(node: Node | null): { name: string | undefined; range: SourceRange } {
    const range = isScalar(node) ? scalarRange(node, this.#source.text) : rangeOf(node);
    if (isAlias(node)) {
      this.#count(node);
      this.#report(range, { code: "SPEC_ALIAS", message: "a key cannot be an alias" });
      return { name: undefined, range };
    }
    const read = this.read(node);
    if (read.kind === "scalar" && typeof read.value === "string")
      return { name: read.value, range };
    const written = read.kind === "scalar" ? read.text : "";
    this.#report(range, {
      code: "SPEC_KEY_NOT_TEXT",
      message: written === "" ? "a key must be text" : `the key ${written} is not text`,
      suggestion: written === "" ? undefined : `write "${written}" in quotes`,
    });
    return { name: undefined, range };
  }

  #refused(name: string, range: SourceRange, node: Node | null): boolean {
    if (name === "<<" && isScalar(node) && node.type === "PLAIN") {
      this.#report(range, {
        code: "SPEC_MERGE_KEY",
        message: "merge keys (<<) are not supported",
        suggestion: "write the fields out",
      });
      return true;
    }
    if (refusedKeys.has(name)) {
      this.#report(range, {
        code: "SPEC_NAME",
        message: `"${name}" cannot be a name or field`,
        suggestion: "choose another name",
      });
      return true;
    }
    return false;
  }

  #report(range: SourceRange, text: FindingText): void {
    this.findings.push(makeFinding(this.#file, this.#source.span(range), text));
  }
}

function nothing(offset: number): SpecScalar {
  return {
    kind: "scalar",
    range: { start: offset, end: offset },
    value: null,
    text: "",
    token: undefined,
  };
}

function rangeOf(node: Node | null): SourceRange {
  const range = node?.range;
  return range ? { start: range[0], end: range[1] } : { start: 0, end: 0 };
}

/** Blocks end with their last line that holds something: the parser counts what follows as theirs. */
function scalarRange(node: Scalar, text: string): SourceRange {
  const { start, end } = rangeOf(node);
  const trimmed = text.slice(start, end).trimEnd().length;
  return { start, end: start + trimmed };
}

/** Of a block: from its first key or dash to the end of its last value, without the comments that follow. */
function collectionRange(node: Node, last: SourceRange | undefined): SourceRange {
  const { start, end } = rangeOf(node);
  const flow = (isMap(node) || isSeq(node)) && node.flow === true;
  return flow || last === undefined ? { start, end } : { start, end: Math.max(start, last.end) };
}
