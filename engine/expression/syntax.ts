/** The parts of jsonata's syntax tree (after its own post-processing) that the compiler reads. */

interface NodeBase {
  /** jsonata's: code-unit offset of the END of the token. */
  readonly position?: number;
  readonly predicate?: readonly Stage[];
  readonly stages?: readonly Stage[];
  readonly group?: { readonly lhs: readonly Pair[]; readonly position: number };
  readonly keepArray?: boolean;
  readonly consarray?: boolean;
  readonly tuple?: boolean;
  readonly focus?: string;
  readonly index?: string;
  /** Set where a `%` behind means the context of this step. */
  readonly ancestor?: { readonly label: string };
}

export type Pair = readonly [Node, Node];

export interface Stage {
  readonly type: "filter" | "index";
  /** Of filters. */
  readonly expr: Node;
  /** Of indexes: the name. */
  readonly value: string;
  readonly position: number;
}

interface SortTerm {
  readonly descending: boolean;
  readonly expression: Node;
}

export interface PathNode extends NodeBase {
  readonly type: "path";
  readonly steps: readonly Node[];
  readonly keepSingletonArray?: boolean;
}
interface NameNode extends NodeBase {
  readonly type: "name";
  readonly value: string;
}
export interface VariableNode extends NodeBase {
  readonly type: "variable";
  readonly value: string;
}
interface LiteralNode extends NodeBase {
  readonly type: "string" | "number" | "value";
  readonly value: string | number | boolean | null;
}
export interface BinaryNode extends NodeBase {
  readonly type: "binary";
  readonly value: string;
  readonly lhs: Node;
  readonly rhs: Node;
}
export interface NegationNode extends NodeBase {
  readonly type: "unary";
  readonly value: "-";
  readonly expression: Node;
}
export interface ArrayNode extends NodeBase {
  readonly type: "unary";
  readonly value: "[";
  readonly expressions: readonly Node[];
}
export interface ObjectNode extends NodeBase {
  readonly type: "unary";
  readonly value: "{";
  readonly lhs: readonly Pair[];
}
export interface ConditionNode extends NodeBase {
  readonly type: "condition";
  readonly condition: Node;
  readonly then: Node;
  readonly else?: Node;
}
export interface BlockNode extends NodeBase {
  readonly type: "block";
  readonly expressions: readonly Node[];
}
export interface BindNode extends NodeBase {
  readonly type: "bind";
  readonly lhs: VariableNode;
  readonly rhs: Node;
}
export interface CallNode extends NodeBase {
  readonly type: "function" | "partial";
  readonly procedure: Node;
  readonly arguments: readonly Node[];
}
export interface LambdaNode extends NodeBase {
  readonly type: "lambda";
  readonly arguments: readonly VariableNode[];
  readonly body: Node;
  readonly signature?: { readonly definition: string };
  /** A tail call that the parser has wrapped: `body` is the call. */
  readonly thunk?: boolean;
}
export interface ApplyNode extends NodeBase {
  readonly type: "apply";
  readonly lhs: Node;
  readonly rhs: Node;
}
export interface SortNode extends NodeBase {
  readonly type: "sort";
  readonly terms: readonly SortTerm[];
}
export interface RegexNode extends NodeBase {
  readonly type: "regex";
  readonly value: RegExp;
}
interface ParentNode extends NodeBase {
  readonly type: "parent";
  /** The name under which the step it means has bound its context. */
  readonly slot: { readonly label: string };
  readonly value?: undefined;
}
export interface TransformNode extends NodeBase {
  readonly type: "transform";
  readonly pattern: Node;
  readonly update: Node;
  readonly delete?: Node;
  readonly value?: undefined;
}
interface PlainNode extends NodeBase {
  readonly type: "wildcard" | "descendant" | "operator";
  readonly value?: unknown;
}

export type Node =
  | PathNode
  | NameNode
  | VariableNode
  | LiteralNode
  | BinaryNode
  | NegationNode
  | ArrayNode
  | ObjectNode
  | ConditionNode
  | BlockNode
  | BindNode
  | CallNode
  | LambdaNode
  | ApplyNode
  | SortNode
  | RegexNode
  | ParentNode
  | TransformNode
  | PlainNode;

const number = /(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

/** Code-unit offset at which the node's first token starts (jsonata tells where it ends). */
export function startOf(node: Node, source: string): number {
  switch (node.type) {
    case "path": {
      const first = node.steps[0];
      return first === undefined ? 0 : startOf(first, source);
    }
    case "function":
    case "partial":
      return startOf(node.procedure, source);
    case "bind":
    case "apply":
      return startOf(node.lhs, source);
    case "sort":
      return tokenStart(node.position, "^", source);
    case "name": {
      const end = node.position ?? 0;
      const quotes = source[end - 1] === "`" || source[end - 1] === '"' || source[end - 1] === "'";
      return Math.max(0, quotes ? openingQuote(source, end) : end - node.value.length);
    }
    case "variable":
      return Math.max(0, (node.position ?? 0) - node.value.length - 1);
    case "string":
      return openingQuote(source, node.position ?? 0);
    case "number": {
      const end = node.position ?? 0;
      return end - (number.exec(source.slice(0, end))?.[0].length ?? 0);
    }
    case "condition": {
      const end = node.position ?? 0;
      const two = source.slice(end - 2, end);
      return Math.max(0, two === "?:" || two === "??" ? end - 2 : end - 1);
    }
    case "regex":
      return Math.max(0, source.lastIndexOf("/" + node.value.source + "/", node.position));
    case "lambda":
    case "block":
      return Math.max(0, (node.position ?? 0) - 1);
    case "transform":
      return Math.max(0, (node.position ?? 0) - 1);
    case "parent":
      return 0;
    case "unary":
    case "binary":
    case "value":
    case "wildcard":
    case "descendant":
    case "operator":
      break;
  }
  return tokenStart(node.position, String(node.value), source);
}

/** Start of an operator or keyword whose end is known. */
export function tokenStart(end: number | undefined, token: string, source: string): number {
  if (end === undefined) return 0;
  const start = end - token.length;
  return start >= 0 && source.slice(start, end) === token ? start : Math.max(0, end - 1);
}

function openingQuote(source: string, end: number): number {
  const quote = source[end - 1];
  for (let at = end - 2; at >= 0; at--) {
    if (source[at] !== quote) continue;
    let backslashes = 0;
    while (source[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return Math.max(0, end - 1);
}
