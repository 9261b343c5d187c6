import { code } from "./code.ts";
import type { Code, StaticType } from "./code.ts";
import type { Emitter, Focus } from "./emitter.ts";
import { generateGroup } from "./generate-constructors.ts";
import {
  noteRead,
  plainNames,
  readField,
  readNames,
  rootName,
  staged,
  stepsFrom,
} from "./generate-steps.ts";
import { firstTupleStep, generateTuplePath } from "./generate-tuples.ts";
import type { Node, PathNode } from "./syntax.ts";

/** Paths. Plain names over plain objects are property reads; everything else visits items step by step. */

export function generatePath(emitter: Emitter, node: PathNode, focus: Focus): Code {
  const named = firstTupleStep(node);
  if (named >= 0) return generateTuplePath(emitter, node, focus, named);
  const value = pathValue(emitter, node, focus);
  if (node.group !== undefined) {
    // Groups are made of the results as they are: collapsed, a single array would count as many items.
    const items = `${emitter.use("itemsOf")}(${value.js})`;
    return generateGroup(emitter, node.group.lhs, items, node.group.position);
  }
  if (node.keepSingletonArray === true) return code(`${emitter.use("keptPath")}(${value.js})`);
  if (!value.raw) return value;
  const kept = node.keepArray === true ? `${emitter.use("kept")}(${value.js})` : value.js;
  return code(`${emitter.use("collapse")}(${kept})`);
}

/** The path's value before `[]` and group-by; may be raw. */
function pathValue(emitter: Emitter, node: PathNode, focus: Focus): Code {
  const { steps } = node;
  const [first] = steps;
  if (first === undefined) return code(focus.js);
  const kept = node.keepSingletonArray === true || node.group !== undefined;
  const names = plainNames(steps, 0);
  if (!kept && names.length === steps.length) {
    noteRead(emitter, focus, names[0]);
    return readField(emitter, focus, names);
  }
  const once = focus.single || first.type === "variable" || first.consarray === true;
  if (!once)
    return stepsFrom(emitter, `${emitter.use("startItems")}(${focus.js})`, steps, 0, focus);
  // Property reads and calls of names would lose that a single result came from a path.
  if (kept && first.type === "name") return stepsFrom(emitter, `[${focus.js}]`, steps, 0, focus);
  if (
    first.type === "variable" &&
    (first.value === "" || first.value === "$") &&
    first.predicate === undefined
  ) {
    const direct = kept ? undefined : readOfWhole(emitter, first.value, steps, focus);
    if (direct !== undefined) return direct;
  }
  const head = staged(emitter, first, first.stages, focus);
  if (steps.length === 1) return head;
  const rest = plainNames(steps, 1);
  if (!kept && rest.length === steps.length - 1) return readFrom(emitter, head, rest);
  return stepsFrom(emitter, `${emitter.use("itemsOf")}(${head.js})`, steps, 1, focus);
}

/** `$.name` and `$$.name` on the record itself: reads one field, not the whole record. */
function readOfWhole(
  emitter: Emitter,
  variable: string,
  steps: readonly Node[],
  focus: Focus,
): Code | undefined {
  const whole = variable === "$" ? rootName : focus.js;
  if (variable !== "$" && !focus.single) return undefined;
  const names = plainNames(steps, 1);
  if (names.length === 0) return undefined;
  noteRead(emitter, { js: whole, single: true, root: variable === "$" || focus.root }, names[0]);
  if (names.length === steps.length - 1) {
    const root = variable === "$" || focus.root;
    return readField(emitter, { js: whole, single: true, root }, names);
  }
  const head = readNames(emitter, whole, whole, names);
  return stepsFrom(
    emitter,
    `${emitter.use("itemsOf")}(${head.js})`,
    steps,
    names.length + 1,
    focus,
  );
}

function readFrom(emitter: Emitter, head: Code, names: readonly string[]): Code {
  const value = head.sequence || head.raw ? code(emitter.plainJs(head), { sequence: false }) : head;
  const { set, name } = emitter.held(value);
  const result = readNames(emitter, set, name, names);
  const [only] = names;
  const known: StaticType | undefined =
    names.length === 1 && only !== undefined ? head.members?.get(only) : undefined;
  return known === undefined ? result : { ...result, type: known, sequence: false };
}
