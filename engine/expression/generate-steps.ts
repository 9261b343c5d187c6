import { code, quoted } from "./code.ts";
import type { Code, StaticType } from "./code.ts";
import { guardedNames } from "./emitter.ts";
import type { Emitter, Focus } from "./emitter.ts";
import type { ValueType } from "./expression.ts";
import type { Node, SortNode, Stage } from "./syntax.ts";
import { tokenStart } from "./syntax.ts";

/** Steps of paths: names, anything else once per item, orders and predicates. */

/** The JavaScript name of the record. */
export const rootName = "c";

export function noteRead(emitter: Emitter, focus: Focus, name: string | undefined): void {
  if (!focus.root) return;
  if (name === undefined) emitter.readsKnown = false;
  else emitter.reads.add(name);
}

/** Names of the steps from `from` on, as long as they are nothing but names. */
export function plainNames(steps: readonly Node[], from: number): readonly string[] {
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

/** JavaScript for the contexts of step `to`: what the steps before it give. */
export function itemsBefore(
  emitter: Emitter,
  steps: readonly Node[],
  to: number,
  focus: Focus,
): string {
  const [first] = steps;
  const once = focus.single || first?.type === "variable";
  let js = once ? `[${focus.js}]` : `${emitter.use("startItems")}(${focus.js})`;
  let from = 0;
  if (to > 0 && first?.consarray === true) {
    js = `${emitter.use("itemsOf")}(${staged(emitter, first, first.stages, focus).js})`;
    from = 1;
  }
  for (let index = from; index < to; index++) {
    const step = steps[index] as Node;
    js =
      step.type === "sort"
        ? sortStep(emitter, step, js, false)
        : itemStep(emitter, step, js, false, index === 0 && focus.single && focus.root);
  }
  return js;
}

/** `set` evaluates the object, `name` repeats it. */
export function readNames(
  emitter: Emitter,
  set: string,
  name: string,
  names: readonly string[],
  general: "walkNames" | "nameOf" = "walkNames",
): Code {
  const walk = (object: string, from: number): string => {
    const rest =
      general === "nameOf" ? quoted(names[0] ?? "") : emitter.constant(names.slice(from));
    return `${emitter.use(general)}(${object},${rest})`;
  };
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

/** As `readNames` on the record itself, whose fields may be known. */
export function readField(emitter: Emitter, focus: Focus, names: readonly string[]): Code {
  const value = readNames(emitter, focus.js, focus.js, names);
  const [name] = names;
  const known = focus.root && focus.single && names.length === 1 && name !== undefined;
  const facts = known ? emitter.context.fields?.get(name) : undefined;
  if (facts === undefined || facts.type === "any") return value;
  return { ...value, type: staticTypes[facts.type], optional: facts.optional, sequence: false };
}

const staticTypes: Readonly<Record<ValueType, StaticType>> = {
  text: "string",
  number: "numeric",
  decimal: "decimal",
  boolean: "boolean",
  array: "array",
  object: "object",
  function: "function",
  any: "any",
};

/** Steps from `from` on over the items that `items` gives. */
export function stepsFrom(
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
export function staged(
  emitter: Emitter,
  step: Node,
  stages: readonly Stage[] | undefined,
  focus: Focus,
): Code {
  const value =
    step.type === "name"
      ? nameStep(emitter, step.value, focus, step.keepArray === true)
      : emitter.node(step, focus);
  if (stages === undefined || stages.length === 0) return value;
  return filtered(emitter, value, stages);
}

function nameStep(emitter: Emitter, name: string, focus: Focus, kept: boolean): Code {
  noteRead(emitter, focus, name);
  if (kept) return code(`${emitter.use("keptNameOf")}(${focus.js},${quoted(name)})`);
  return readNames(emitter, focus.js, focus.js, [name], "nameOf");
}

/** Predicates one after the other; the result is raw. */
export function filtered(emitter: Emitter, value: Code, stages: readonly Stage[]): Code {
  const js = stages.reduce((current, stage) => filterStage(emitter, current, stage), value.js);
  return code(js, { raw: true });
}

function filterStage(emitter: Emitter, value: string, stage: Stage): string {
  const { expr } = stage;
  if (expr.type === "number" && expr.predicate === undefined) {
    return `${emitter.use("itemAt")}(${value},${Number(expr.value)})`;
  }
  const context = emitter.fresh("c");
  const inner: Focus = { js: context, single: false, root: false };
  const predicate = emitter.closure([context], () => emitter.node(expr, inner).js);
  return `${emitter.use("filterItems")}(${value},${predicate})`;
}
