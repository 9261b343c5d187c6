import { code, literal } from "./code.ts";
import type { Code, StaticType } from "./code.ts";
import type { Emitter, Focus } from "./emitter.ts";
import { generateBind, generateBlock, generateLambda } from "./generate-blocks.ts";
import {
  generateCall,
  generatePartial,
  generateSplitPart,
  generateTailCall,
  unknownFunction,
} from "./generate-calls.ts";
import { generateArray, generateGroup, generateObject } from "./generate-constructors.ts";
import { generateBinary, generateNegation, truth } from "./generate-operators.ts";
import { generatePath } from "./generate-paths.ts";
import { filtered, noteRead, rootName } from "./generate-steps.ts";
import { Regex } from "./regex.ts";
import { linearSearch } from "./regex-syntax.ts";
import type { Scope } from "./scope.ts";
import { tokenStart } from "./syntax.ts";
import type {
  ApplyNode,
  CallNode,
  ConditionNode,
  Node,
  RegexNode,
  TransformNode,
  VariableNode,
} from "./syntax.ts";

/** Code for any node of the syntax tree; the value may be an uncollapsed sequence. */
export function generate(emitter: Emitter, node: Node, focus: Focus): Code {
  const wrapped =
    node.predicate !== undefined || (node.group !== undefined && node.type !== "path");
  if (node.keepArray !== true && !wrapped) return generateKind(emitter, node, focus);
  const part = node.keepArray === true ? undefined : generateSplitPart(emitter, node, focus);
  if (part !== undefined) return part;
  const { tails } = emitter;
  // A predicate works on the value itself, so it cannot be left to the caller.
  if (wrapped) emitter.tails = false;
  let value = wrapped
    ? emitter.rawNode(
        { ...node, predicate: undefined, group: undefined, keepArray: false } as unknown as Node,
        focus,
      )
    : generateKind(emitter, node, focus);
  emitter.tails = tails;
  if (node.predicate !== undefined) value = filtered(emitter, value, node.predicate);
  if (node.group !== undefined && node.type !== "path") {
    const items = `${emitter.use("itemsOf")}(${value.js})`;
    value = generateGroup(emitter, node.group.lhs, items, node.group.position);
  }
  if (node.keepArray !== true || !value.raw) return value;
  return { ...value, js: `${emitter.use("kept")}(${value.js})` };
}

function generateKind(emitter: Emitter, node: Node, focus: Focus): Code {
  switch (node.type) {
    case "path":
      return generatePath(emitter, node, focus);
    case "name":
      return generatePath(emitter, { type: "path", steps: [node] }, focus);
    case "string":
    case "number":
    case "value":
      return literal(node.value);
    case "variable":
      return generateVariable(emitter, node, focus);
    case "binary":
      return generateBinary(emitter, node, focus);
    case "unary":
      if (node.value === "-") return generateNegation(emitter, node, focus);
      return node.value === "["
        ? generateArray(emitter, node, focus)
        : generateObject(emitter, node, focus);
    case "condition":
      return generateCondition(emitter, node, focus);
    case "block":
      return generateBlock(emitter, node, focus);
    case "bind":
      return generateBind(emitter, node, focus);
    case "function":
      return generateCall(emitter, node, focus);
    case "partial":
      return generatePartial(emitter, node, focus);
    case "lambda":
      return node.thunk === true
        ? generateTailCall(emitter, node.body as CallNode, focus)
        : generateLambda(emitter, node, focus);
    case "apply":
      return generateApply(emitter, node, focus);
    case "wildcard":
      noteRead(emitter, focus, undefined);
      return code(`${emitter.use("wildcard")}(${focus.js})`, { raw: true });
    case "descendant":
      noteRead(emitter, focus, undefined);
      return code(`${emitter.use("descendants")}(${focus.js})`, { raw: true });
    case "regex":
      return generateRegex(emitter, node);
    case "transform":
      return generateTransform(emitter, node);
    case "parent":
      return emitter.variable(node.slot.label) ?? code("undefined", { sequence: false });
    case "sort":
    case "operator":
      break;
  }
  throw emitter.unsupported("This construct", node);
}

function generateRegex(emitter: Emitter, node: RegexNode): Code {
  const offset = emitter.offsetOf(node);
  emitter.functionsAsValues = true;
  try {
    const regex = new Regex(linearSearch(node.value), node.value.source, offset);
    return code(emitter.constant(regex), { type: "function", optional: false, sequence: false });
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw emitter.fault(
      "UNSUPPORTED",
      `This regular expression is not supported: ${cause}`,
      offset,
    );
  }
}

/** Its parts see the copy's objects, never the record: none of them is the focus that `reads` reports. */
function generateTransform(emitter: Emitter, node: TransformNode): Code {
  emitter.functionsAsValues = true;
  const parts = [node.pattern, node.update, node.delete].map((part) => {
    if (part === undefined) return "undefined";
    const context = emitter.fresh("c");
    const focus: Focus = { js: context, single: false, root: false };
    return emitter.closure([context], () => emitter.node(part, focus).js);
  });
  const offsets = emitter.constant({
    whole: emitter.offsetOf(node),
    update: emitter.offsetOf(node.update),
    delete: node.delete === undefined ? 0 : emitter.offsetOf(node.delete),
  });
  const js = `${emitter.use("transform")}(${parts.join(",")},${offsets})`;
  return code(js, { type: "function", optional: false, sequence: false });
}

interface ScopedVariable {
  readonly runtime: "windowFacts" | "revision" | "isFinal" | "errorEnvelope" | "lateFacts";
  readonly type: StaticType;
  readonly scopes: readonly string[];
  readonly where: string;
}

/** Variables that the place of an expression provides. */
const scopedVariables: ReadonlyMap<string, ScopedVariable> = new Map([
  [
    "window",
    {
      runtime: "windowFacts",
      type: "object",
      scopes: ["result"],
      where: "in the `set` of an aggregate",
    },
  ],
  [
    "revision",
    {
      runtime: "revision",
      type: "number",
      scopes: ["result"],
      where: "in the `set` of an aggregate",
    },
  ],
  [
    "is_final",
    {
      runtime: "isFinal",
      type: "boolean",
      scopes: ["result"],
      where: "in the `set` of an aggregate",
    },
  ],
  [
    "error",
    {
      runtime: "errorEnvelope",
      type: "object",
      scopes: ["sink", "record"],
      where: "behind an error port",
    },
  ],
  [
    "late",
    {
      runtime: "lateFacts",
      type: "object",
      scopes: ["sink", "record"],
      where: "behind a `late` port",
    },
  ],
]);

function generateVariable(emitter: Emitter, node: VariableNode, focus: Focus): Code {
  const name = node.value;
  if (name === "") {
    noteRead(emitter, focus, undefined);
    return code(focus.js, { atom: true });
  }
  if (name === "$") {
    emitter.readsKnown = false;
    return code(rootName, { atom: true });
  }
  const offset = emitter.offsetOf(node);
  const local = emitter.variable(name);
  if (local !== undefined) return local;
  const scoped = scopedVariables.get(name);
  if (scoped?.scopes.includes(emitter.context.scope) === true) {
    return code(`${emitter.use(scoped.runtime)}()`, { type: scoped.type, sequence: false });
  }
  if (scoped !== undefined) {
    throw emitter.fault(
      "OUT_OF_SCOPE",
      `The variable $${name} is available only ${scoped.where}`,
      offset,
    );
  }
  const target = emitter.builtins.get(name);
  if (target !== undefined) return emitter.functionValue(target, offset);
  const fault = unknownFunction(emitter, name, offset);
  if ((fault as { reason?: string }).reason !== "T1006") throw fault;
  const message = emitter.suggest(
    `There is no variable $${name}`,
    name,
    [...variablesInReach(emitter.scope), ...emitter.builtins.keys()],
    (nearest) => `$${nearest}`,
  );
  throw emitter.fault("UNKNOWN_VARIABLE", message, offset);
}

function variablesInReach(scope: Scope | undefined): readonly string[] {
  return scope === undefined ? [] : [...scope.locals.keys(), ...variablesInReach(scope.outer)];
}

/** `a ? b : c`, and `a ?: c` and `a ?? c`, whose left side the parser has doubled: it is evaluated once here. */
function generateCondition(emitter: Emitter, node: ConditionNode, focus: Focus): Code {
  const end = node.position ?? 0;
  const token = emitter.source.slice(Math.max(0, end - 2), end);
  if (token === "?:" || token === "??") {
    // Whether there is a left side is known only when it has been called: it is in no tail position.
    const { tails } = emitter;
    emitter.tails = false;
    const value = emitter.node(node.then, focus);
    emitter.tails = tails;
    const { set, name } = emitter.held(value);
    const otherwise = otherwiseOf(emitter, node, focus);
    const test = token === "??" ? `${set}!==undefined` : truth(emitter, { ...value, js: set });
    return joinedCode(
      `(${test}?${name}:${otherwise.js})`,
      { ...value, optional: false },
      otherwise,
    );
  }
  const test = truth(emitter, emitter.node(node.condition, focus));
  const then = emitter.conditionally(() => emitter.node(node.then, focus));
  const otherwise = otherwiseOf(emitter, node, focus);
  return joinedCode(`(${test}?${then.js}:${otherwise.js})`, then, otherwise);
}

function otherwiseOf(emitter: Emitter, node: ConditionNode, focus: Focus): Code {
  const { else: otherwise } = node;
  if (otherwise === undefined) return code("undefined", { sequence: false });
  return emitter.conditionally(() => emitter.node(otherwise, focus));
}

function joinedCode(js: string, one: Code, other: Code): Code {
  const type = one.type === other.type ? one.type : other.js === "undefined" ? one.type : "any";
  return code(js, {
    type,
    optional: one.optional || other.optional,
    sequence: one.sequence || other.sequence,
    raw: one.raw || other.raw,
  });
}

function generateApply(emitter: Emitter, node: ApplyNode, focus: Focus): Code {
  const left = emitter.node(node.lhs, focus);
  if (
    node.rhs.type === "function" &&
    node.rhs.predicate === undefined &&
    node.rhs.group === undefined
  ) {
    return generateCall(emitter, node.rhs, focus, left);
  }
  const right = emitter.node(node.rhs, focus);
  const offset = tokenStart(node.position, "~>", emitter.source);
  return code(`${emitter.use("chain")}(${left.js},${right.js},${offset})`, { raw: true });
}
