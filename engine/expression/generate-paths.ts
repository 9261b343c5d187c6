import { code, quoted } from "./code.ts";
import type { Code, StaticType } from "./code.ts";
import { guardedNames } from "./emitter.ts";
import type { Emitter, Focus } from "./emitter.ts";
import { generateGroup } from "./generate-constructors.ts";
import type { Node, PathNode, SortNode, Stage } from "./syntax.ts";
import { tokenStart } from "./syntax.ts";

/** Paths. Plain names over plain objects are property reads; everything else visits items step by step. */

export function generatePath(emitter: Emitter, node: PathNode, focus: Focus): Code {
  for (const step of node.steps) refuseTuples(emitter, step);
  const value = pathValue(emitter, node, focus);
  const kept =
    node.keepSingletonArray === true
      ? code(`${emitter.use("keptPath")}(${value.js})`)
      : value.raw
        ? code(`${emitter.use("collapse")}(${value.js})`)
        : value;
  if (node.group === undefined) return kept;
  const items = `${emitter.use("itemsOf")}(${kept.js})`;
  return generateGroup(emitter, node.group.lhs, items, node.group.position);
}

function refuseTuples(emitter: Emitter, step: Node): void {
  if (
    step.focus !== undefined ||
    step.stages?.some((stage) => stage.type === "index") === true ||
    step.index !== undefined
  ) {
    throw emitter.unsupported(step.focus === undefined ? "#" : "@", step);
  }
  if (step.tuple === true || step.ancestor !== undefined) {
    throw emitter.unsupported("The parent operator %", step);
  }
}

/** The path's value before `[]` and group-by; may be raw. */
function pathValue(emitter: Emitter, node: PathNode, focus: Focus): Code {
  const { steps } = node;
  const [first] = steps;
  if (first === undefined) return code(focus.js);
  const kept = node.keepSingletonArray === true;
  const names = plainNames(steps, 0);
  if (!kept && names.length === steps.length) {
    noteRead(emitter, focus, names[0]);
    return readNames(emitter, focus.js, focus.js, names);
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
  if (names.length === steps.length - 1) return readNames(emitter, whole, whole, names);
  const head = readNames(emitter, whole, whole, names);
  return stepsFrom(
    emitter,
    `${emitter.use("itemsOf")}(${head.js})`,
    steps,
    names.length + 1,
    focus,
  );
}

/** The JavaScript name of the record. */
export const rootName = "c";

export function noteRead(emitter: Emitter, focus: Focus, name: string | undefined): void {
  if (!focus.root) return;
  if (name === undefined) emitter.readsKnown = false;
  else emitter.reads.add(name);
}

/** Names of the steps from `from` on, as long as they are nothing but names. */
function plainNames(steps: readonly Node[], from: number): readonly string[] {
  const names: string[] = [];
  for (const step of steps.slice(from)) {
    if (
      step.type !== "name" ||
      step.stages !== undefined ||
      step.predicate !== undefined ||
      step.group !== undefined
    )
      break;
    names.push(step.value);
  }
  return names;
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

/** `set` evaluates the object, `name` repeats it. */
function readNames(emitter: Emitter, set: string, name: string, names: readonly string[]): Code {
  const walk = (object: string, from: number): string =>
    `${emitter.use("walkNames")}(${object},${emitter.constant(names.slice(from))})`;
  const read = (from: number, objectSet: string, object: string): string => {
    const property = names[from] ?? "";
    if (guardedNames.has(property))
      return `(${objectSet === object ? "" : `${objectSet},`}${walk(object, from)})`;
    const isObject = `typeof ${objectSet}==="object"&&${object}!==null&&!${emitter.use("isArray")}(${object})`;
    const value = `${object}[${quoted(property)}]`;
    if (from === names.length - 1) return `(${isObject}?${value}:${walk(object, from)})`;
    const inner = emitter.temporary();
    return `(${isObject}?${read(from + 1, `(${inner}=${value})`, inner)}:${walk(object, from)})`;
  };
  return code(read(0, set, name));
}

/** Steps from `from` on over the items that `items` gives. */
function stepsFrom(
  emitter: Emitter,
  items: string,
  steps: readonly Node[],
  from: number,
  focus: Focus,
): Code {
  let js = items;
  for (let index = from; index < steps.length; index++) {
    const step = steps[index];
    if (step === undefined) continue;
    const last = index === steps.length - 1;
    js =
      step.type === "sort"
        ? sortStep(emitter, step, js, last)
        : itemStep(emitter, step, js, last, index === 0 && focus.single && focus.root);
  }
  return code(js, { raw: true });
}

/** `root`: the only item is the record itself. */
function itemStep(
  emitter: Emitter,
  step: Node,
  items: string,
  last: boolean,
  root: boolean,
): string {
  const context = emitter.fresh("c");
  const inner: Focus = { js: context, single: root, root };
  const closure = emitter.closure([context], () => staged(emitter, step, step.stages, inner).js);
  return `${emitter.use(last ? "lastItem" : "eachItem")}(${items},${closure})`;
}

function sortStep(emitter: Emitter, step: SortNode, items: string, last: boolean): string {
  const terms = step.terms.map((term) => {
    const context = emitter.fresh("c");
    const inner: Focus = { js: context, single: false, root: false };
    const key = emitter.closure([context], () => emitter.node(term.expression, inner).js);
    return `[${key},${term.descending}]`;
  });
  const offset = tokenStart(step.position, "^", emitter.source);
  const stages = step.stages ?? [];
  const ordered = `${emitter.use(last && stages.length === 0 ? "orderedLast" : "ordered")}(${items},[${terms.join(",")}],${offset})`;
  if (stages.length === 0) return ordered;
  const filtered = stages.reduce((value, stage) => filterStage(emitter, value, stage), ordered);
  return last ? filtered : `${emitter.use("itemsOf")}(${filtered})`;
}

/** A step's value with the predicates behind it. */
function staged(
  emitter: Emitter,
  step: Node,
  stages: readonly Stage[] | undefined,
  focus: Focus,
): Code {
  const value =
    step.type === "name" ? nameStep(emitter, step.value, focus) : emitter.node(step, focus);
  if (stages === undefined || stages.length === 0) return value;
  return filtered(emitter, value, stages);
}

function nameStep(emitter: Emitter, name: string, focus: Focus): Code {
  noteRead(emitter, focus, name);
  return readNames(emitter, focus.js, focus.js, [name]);
}

/** Predicates one after the other; the result is raw. */
export function filtered(emitter: Emitter, value: Code, stages: readonly Stage[]): Code {
  const js = stages.reduce((current, stage) => filterStage(emitter, current, stage), value.js);
  return code(js, { raw: true });
}

function filterStage(emitter: Emitter, value: string, stage: Stage): string {
  const { expr } = stage;
  if (stage.type === "index") throw emitter.unsupported("#", expr);
  if (expr.type === "number" && expr.predicate === undefined) {
    return `${emitter.use("itemAt")}(${value},${Number(expr.value)})`;
  }
  const context = emitter.fresh("c");
  const inner: Focus = { js: context, single: false, root: false };
  const predicate = emitter.closure([context], () => emitter.node(expr, inner).js);
  return `${emitter.use("filterItems")}(${value},${predicate})`;
}
