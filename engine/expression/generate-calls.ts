import { code, literal } from "./code.ts";
import type { Code, StaticType } from "./code.ts";
import { averageOfDecimals } from "./builtins/numbers.ts";
import { checkPicture } from "./builtins/times.ts";
import { unknownName } from "./builtins/job-functions.ts";
import { literalOnly } from "./builtins/builtin.ts";
import type { Builtin } from "./builtins/builtin.ts";
import type { Emitter, Focus } from "./emitter.ts";
import { shortcuts } from "./generate-shortcuts.ts";
import { noteRead } from "./generate-steps.ts";
import type { CallNode, Node } from "./syntax.ts";

/** Calls of built-ins, of lambdas, and of whatever an expression gives. */

const refused: ReadonlyMap<string, string> = new Map([
  ["eval", "$eval is not supported: text of a record is never run"],
  ["random", "$random is not supported: a replay must give the same result"],
  ["shuffle", "$shuffle is not supported: a replay must give the same result"],
]);

/** `applied` is the left side of `~>`, which becomes the first argument. */
export function generateCall(emitter: Emitter, node: CallNode, focus: Focus, applied?: Code): Code {
  const { procedure } = node;
  const target = builtinOf(emitter, procedure);
  if (target !== undefined) return callOfBuiltin(emitter, target, node, focus, applied);
  const offset = emitter.offsetOf(node);
  const callee = calleeOf(emitter, procedure, focus);
  const args = argumentsOf(emitter, node, focus, applied, undefined);
  const js = `${emitter.use("call")}(${callee},[${args.map((each) => each.js).join(",")}],${offset})`;
  return code(js, { raw: true });
}

/** A call in tail position of a lambda: a built-in is called at once, its result untouched; the rest is left to the caller. */
export function generateTailCall(emitter: Emitter, node: CallNode, focus: Focus): Code {
  if (!emitter.tails || builtinOf(emitter, node.procedure) !== undefined) {
    return generateCall(emitter, node, focus);
  }
  const callee = calleeOf(emitter, node.procedure, focus);
  const args = argumentsOf(emitter, node, focus, undefined, undefined);
  const list = args.map((each) => each.js).join(",");
  const js = `${emitter.use("tailCall")}(${callee},[${list}],${emitter.offsetOf(node)})`;
  return code(js, { raw: true });
}

export function generatePartial(emitter: Emitter, node: CallNode, focus: Focus): Code {
  emitter.functionsAsValues = true;
  const holes = node.arguments.map(
    (argument) => argument.type === "operator" && argument.value === "?",
  );
  const values = node.arguments.map((argument, index) =>
    holes[index] === true ? undefined : emitter.node(argument, focus),
  );
  const args = values.map((value) => value?.js ?? "undefined");
  const target = builtinOf(emitter, node.procedure);
  const offset = emitter.offsetOf(node);
  if (target !== undefined) {
    checkCount(emitter, target, args.length, offset);
    checkLiteral(emitter, target, values, node.arguments, offset);
  }
  const callee =
    target === undefined
      ? calleeOf(emitter, node.procedure, focus, "T1007")
      : target.literalArgument !== undefined && holes[target.literalArgument] !== true
        ? `${emitter.use("checkedValue")}(${emitter.constant(target)},${offset})`
        : emitter.functionValue(target, offset).js;
  const js = `${emitter.use("partial")}(${callee},[${args.join(",")}],${emitter.constant(holes)},${offset})`;
  return code(js, { type: "function", optional: false, sequence: false });
}

/** The built-in that the procedure names, unless a variable of the expression hides it. */
function builtinOf(emitter: Emitter, procedure: Node): Builtin | undefined {
  if (procedure.type !== "variable" || procedure.predicate !== undefined) return undefined;
  if (emitter.variable(procedure.value) !== undefined) return undefined;
  const target = emitter.builtins.get(procedure.value);
  if (target === undefined && procedure.value !== "" && procedure.value !== "$") {
    throw unknownFunction(emitter, procedure.value, emitter.offsetOf(procedure));
  }
  return target;
}

export function unknownFunction(emitter: Emitter, name: string, offset: number): Error {
  const reason = refused.get(name);
  if (reason !== undefined) return emitter.fault("UNSUPPORTED", reason, offset);
  const scope = functionScopes.get(name);
  if (scope !== undefined) {
    return emitter.fault(
      "OUT_OF_SCOPE",
      `The function $${name} is available only ${scope}`,
      offset,
    );
  }
  const message = emitter.suggest(
    `There is no function $${name}`,
    name,
    emitter.builtins.keys(),
    (nearest) => `$${nearest}`,
  );
  return emitter.fault("T1006", message, offset);
}

const functionScopes: ReadonlyMap<string, string> = new Map(
  ["index", "pick", "uniform", "chance"].map((name) => [name, "in the `set` of a generate source"]),
);

function calleeOf(emitter: Emitter, procedure: Node, focus: Focus, reason = "T1005"): string {
  if (procedure.type === "path" && procedure.steps.length === 1) {
    const [step] = procedure.steps;
    const name = step?.type === "name" ? step.value : undefined;
    const at = emitter.offsetOf(procedure);
    if (
      name !== undefined &&
      (emitter.builtins.has(name) || emitter.variable(name) !== undefined)
    ) {
      throw emitter.fault(reason, `${name} is no function; did you mean $${name}?`, at);
    }
    // A record holds data: none of its fields can be called.
    if (name !== undefined && focus.root && focus.single) {
      const message = `${name} is a field, no function: the names of functions begin with $`;
      const nearest = emitter.suggest(message, name, emitter.builtins.keys(), (each) => `$${each}`);
      throw emitter.fault(reason === "T1007" ? "T1008" : "T1006", nearest, at);
    }
  }
  return emitter.node(procedure, focus).js;
}

/** Functions whose callback cannot get into their result. */
const takingCallbacks: ReadonlySet<string> = new Set(
  [
    "map",
    "filter",
    "reduce",
    "single",
    "each",
    "sift",
    "sort",
    "contains",
    "match",
    "replace",
    "split",
  ].map((name) => `$${name}`),
);

function argumentsOf(
  emitter: Emitter,
  node: CallNode,
  focus: Focus,
  applied: Code | undefined,
  target: Builtin | undefined,
): readonly Code[] {
  const callbacks = target !== undefined && takingCallbacks.has(target.name);
  const args = node.arguments.map((argument) => {
    const before = emitter.functionsAsValues;
    const value = emitter.node(argument, focus);
    if (callbacks && (argument.type === "lambda" || argument.type === "regex"))
      emitter.functionsAsValues = before;
    return value;
  });
  return applied === undefined ? args : [applied, ...args];
}

function callOfBuiltin(
  emitter: Emitter,
  target: Builtin,
  node: CallNode,
  focus: Focus,
  applied: Code | undefined,
): Code {
  const offset = emitter.offsetOf(node);
  const count = node.arguments.length + (applied === undefined ? 0 : 1);
  // A picture may leave out the year, or more, which is then that of the processing time.
  const ofToday = target.name === "$toMillis" && count > 1;
  if (target.volatile || ofToday) emitter.deterministic = false;
  checkCount(emitter, target, count, offset);
  const args = argumentsOf(emitter, node, focus, applied, target);
  checkArguments(emitter, target, args, node, offset);
  const fromContext = target.signature.usesContext && count < target.signature.maximum;
  // Only a call that lacks a required argument really reads the context; `$pad(x, 3)` never does.
  const certain = fromContext && count <= target.signature.minimum;
  if (certain) noteRead(emitter, focus, undefined);
  const generic = (names: readonly string[]): string =>
    `${emitter.use("callBuiltin")}(${emitter.constant(target)},[${names.join(",")}],${fromContext ? focus.js : "undefined"},${offset})`;
  const general = resultOf(target, args, generic(args.map((each) => each.js)));
  if (certain) return general;
  return shortcuts.get(target.name)?.(emitter, args, generic, offset) ?? general;
}

/**
 * `$split(text, "-")[1]`: the commonest predicate on a call, done without the array. Undefined if the node is not that.
 */
export function generateSplitPart(emitter: Emitter, node: Node, focus: Focus): Code | undefined {
  if (node.type !== "function" || node.predicate?.length !== 1 || node.group !== undefined)
    return undefined;
  const [predicate] = node.predicate;
  const [text, separator, limit] = node.arguments;
  if (predicate?.type !== "filter" || predicate.expr.type !== "number") return undefined;
  const index = Number(predicate.expr.value);
  if (text === undefined || separator?.type !== "string" || separator.value === "")
    return undefined;
  if (limit !== undefined || !Number.isInteger(index) || index < 0) return undefined;
  const target = builtinOf(emitter, node.procedure);
  if (target?.name !== "$split") return undefined;
  const { set, name } = emitter.held(emitter.node(text, focus));
  const between = literal(String(separator.value)).js;
  const call = `${emitter.use("callBuiltin")}(${emitter.constant(target)},[${name},${between}],undefined,${emitter.offsetOf(node)})`;
  const general = `${emitter.use("collapse")}(${emitter.use("itemAt")}(${call},${index}))`;
  const js = `(typeof ${set}==="string"?${emitter.use("splitPart")}(${name},${between},${index}):${general})`;
  return code(js, { type: "string", sequence: false });
}

function resultOf(target: Builtin, args: readonly Code[], js: string): Code {
  const exact = target.name === "$abs" || target.name === "$sum" || target.name === "$number";
  const type: StaticType = exact && args[0]?.type === "decimal" ? "decimal" : target.returns;
  return code(js, {
    type,
    optional: target.optional,
    raw: target.sequence,
    sequence: target.sequence,
  });
}

function checkCount(emitter: Emitter, target: Builtin, count: number, offset: number): void {
  const { minimum, maximum } = target.signature;
  if (count >= minimum && count <= maximum) return;
  const wanted =
    minimum === maximum || maximum === Number.POSITIVE_INFINITY
      ? `${minimum}${minimum === maximum ? "" : " or more"}`
      : `${minimum} to ${maximum}`;
  const plural = wanted === "1" ? "" : "s";
  throw emitter.fault(
    "T0410",
    `${target.name} takes ${wanted} argument${plural}, not ${count}`,
    offset,
  );
}

/** Faults that constant arguments make certain. */
function checkArguments(
  emitter: Emitter,
  target: Builtin,
  args: readonly Code[],
  node: CallNode,
  offset: number,
): void {
  const [first] = args;
  const firstOffset =
    node.arguments[0] === undefined ? offset : emitter.offsetOf(node.arguments[0]);
  const { tables, parameters } = emitter.context;
  if (typeof first?.literal === "string") {
    const name = first.literal;
    if ((target.name === "$row" || target.name === "$has_row") && !tables.has(name)) {
      throw unknownName("table", name, tables.keys(), firstOffset);
    }
    if (target.name === "$param" && !parameters.has(name)) {
      throw unknownName("parameter", name, parameters.keys(), firstOffset);
    }
  }
  if (target.name === "$average" && first?.type === "decimal") throw averageOfDecimals(offset);
  checkLiteral(emitter, target, args, node.arguments, offset);
}

/** Of dates, in one expression: each is made into a search of its own. */
const picturesMax = 32;

/** The picture of a date must be written down, and be well-formed. */
function checkLiteral(
  emitter: Emitter,
  target: Builtin,
  args: readonly (Code | undefined)[],
  nodes: readonly Node[],
  offset: number,
): void {
  const { literalArgument } = target;
  const picture = literalArgument === undefined ? undefined : args[literalArgument];
  if (picture === undefined || picture.js === "undefined") return;
  const node = nodes.at((literalArgument ?? 0) - args.length);
  const at = node === undefined ? offset : emitter.offsetOf(node);
  if (typeof picture.literal !== "string")
    throw emitter.fault("UNSUPPORTED", literalOnly(target), at);
  if (++emitter.pictures > picturesMax) {
    throw emitter.fault("UNSUPPORTED", `An expression has at most ${picturesMax} pictures`, at);
  }
  checkPicture(target.name, picture.literal, at);
}
