import { code, literal } from "./code.ts";
import type { Code } from "./code.ts";
import type { Emitter, Focus } from "./emitter.ts";
import { assignmentsIn } from "./scope.ts";
import type { Local } from "./scope.ts";
import { signatureFault } from "./signature.ts";
import type { BindNode, BlockNode, LambdaNode, Node } from "./syntax.ts";

/** Frames: blocks, what they assign, and lambdas. */

/** Opens a frame for what `nodes` assign, compiles in it, closes it. `enter` sets what must be set before. */
function framed<T>(
  emitter: Emitter,
  nodes: readonly Node[],
  parameters: ReadonlyMap<string, string>,
  emit: () => T,
): { readonly result: T; readonly enter: string } {
  const locals = new Map<string, Local>();
  const counts = assignmentsIn(nodes);
  const base = {
    body: emitter.body,
    conditions: emitter.conditions,
    facts: undefined,
    sentinel: false,
  };
  for (const [name, js] of parameters) {
    locals.set(name, { ...base, js, assignments: (counts.get(name) ?? 0) + 1, assigned: "yes" });
  }
  for (const [name, assignments] of counts) {
    if (locals.has(name)) continue;
    locals.set(name, { ...base, js: emitter.temporary("v"), assignments, assigned: "no" });
  }
  const outer = emitter.scope;
  emitter.scope = { outer, locals };
  const result = emit();
  emitter.scope = outer;
  const enter = [...locals.values()]
    .filter((local) => local.sentinel)
    .map((local) => `${local.js}=${emitter.unbound},`)
    .join("");
  return { result, enter };
}

/** `lastValue` compiles the block's last expression, whose value is the block's. */
export function generateBlock(
  emitter: Emitter,
  node: BlockNode,
  focus: Focus,
  lastValue = (last: Node): Code => emitter.node(last, focus),
): Code {
  const { expressions } = node;
  const last = expressions.at(-1);
  if (last === undefined) return code("undefined", { sequence: false });
  const { result, enter } = framed(emitter, expressions, new Map(), () => [
    ...expressions.slice(0, -1).map((expression) => emitter.node(expression, focus)),
    lastValue(last),
  ]);
  const value = result.at(-1) as Code;
  if (result.length === 1 && enter === "") return value;
  return {
    ...withoutLiteral(value),
    js: `(${enter}${result.map((each) => each.js).join(",")})`,
    atom: false,
  };
}

/** A block's value is not a literal of the text any more, although its type stays known. */
function withoutLiteral(value: Code): Code {
  const { literal: _literal, ...rest } = value;
  return rest;
}

export function generateBind(emitter: Emitter, node: BindNode, focus: Focus): Code {
  const value = emitter.node(node.rhs, focus);
  const local = emitter.assignable(node.lhs.value);
  if (local === undefined) throw emitter.unsupported("This assignment", node);
  const certain = local.body === emitter.body && local.conditions === emitter.conditions;
  if (certain) {
    local.assigned = "yes";
    if (local.assignments === 1) local.facts = withoutLiteral(value);
  } else if (local.assigned === "no") {
    local.assigned = "maybe";
  }
  return { ...withoutLiteral(value), js: `(${local.js}=${value.js})`, atom: false };
}

export function generateLambda(emitter: Emitter, node: LambdaNode, focus: Focus): Code {
  emitter.functionsAsValues = true;
  const parameters = node.arguments.map(() => emitter.fresh("p"));
  const named = new Map(node.arguments.map((each, index) => [each.value, parameters[index] ?? ""]));
  const { tails } = emitter;
  emitter.tails = true;
  const { js: body, callWeight } = emitter.weighedClosure(parameters, () => {
    const { result, enter } = framed(emitter, [node.body], named, () =>
      emitter.node(node.body, focus),
    );
    return `${enter}${result.js}`;
  });
  emitter.tails = tails;
  const facts = { type: "function", optional: false, sequence: false } as const;
  const count = node.arguments.length;
  if (node.signature === undefined)
    return code(`${emitter.use("lambda")}(${count},${callWeight},${body})`, facts);
  const fault = signatureFault(node.signature.definition);
  if (fault !== undefined) throw emitter.fault("UNSUPPORTED", fault, emitter.offsetOf(node));
  const definition = literal(node.signature.definition).js;
  const js = `${emitter.use("signedLambda")}(${count},${callWeight},${body},${definition},${focus.js},${emitter.offsetOf(node)})`;
  return code(js, facts);
}
