import { code } from "./code.ts";
import type { Code } from "./code.ts";
import type { Emitter, Focus } from "./emitter.ts";
import { generateBlock } from "./generate-blocks.ts";
import { itemsBefore, staged } from "./generate-steps.ts";
import type { Node, PathNode, SortNode, Stage } from "./syntax.ts";
import { tokenStart } from "./syntax.ts";

/** Paths with `@`, `#` or `%`: from the first step that names something on, they are streams of tuples. */

/** Code for a stream's array of tuples, and the names that the tuples carry. */
interface Stream {
  readonly js: string;
  readonly names: ReadonlySet<string>;
}

/** Index of the first step that names something; -1 for an ordinary path. */
export function firstTupleStep(node: PathNode): number {
  return node.steps.findIndex((step) => step.tuple === true);
}

/** Steps before `from` are ordinary. */
function tuplesOf(emitter: Emitter, node: PathNode, focus: Focus, from: number): Stream {
  const items = itemsBefore(emitter, node.steps, from, focus);
  return streamFrom(emitter, node, focus, from, `${emitter.use("startTuples")}(${items})`);
}

function streamFrom(
  emitter: Emitter,
  { steps }: PathNode,
  focus: Focus,
  from: number,
  tuples: string,
): Stream {
  let stream: Stream = { js: tuples, names: new Set() };
  for (let index = from; index < steps.length; index++) {
    const step = steps[index] as Node;
    stream =
      step.type === "sort"
        ? sortStep(emitter, step, stream)
        : itemStep(emitter, step, stream, index === 0 && focus.single && focus.root);
    for (const stage of step.stages ?? []) stream = stagedTuples(emitter, stage, stream);
  }
  return stream;
}

/** The path's value: the items without their names. */
export function generateTuplePath(
  emitter: Emitter,
  node: PathNode,
  focus: Focus,
  from: number,
): Code {
  if (node.group !== undefined) {
    const items = itemsBefore(emitter, node.steps, from, focus);
    const tuples = emitter.fresh("w");
    let names: ReadonlySet<string> = new Set();
    const closure = emitter.closure([tuples], () => {
      const stream = streamFrom(emitter, node, focus, from, tuples);
      names = stream.names;
      return stream.js;
    });
    const pairs = node.group.lhs.map((pair) => {
      const [key, value] = pair.map((part) => onTuple(emitter, names, part));
      return `[${key},${value}]`;
    });
    const offset = Math.max(0, node.group.position - 1);
    return code(
      `${emitter.use("groupedTuples")}(${items},${closure},[${pairs.join(",")}],${offset})`,
      {
        type: "object",
        optional: false,
        sequence: false,
      },
    );
  }
  const { js } = tuplesOf(emitter, node, focus, from);
  const values = `${emitter.use("tupleValues")}(${js})`;
  return node.keepSingletonArray === true || node.keepArray === true
    ? code(`${emitter.use("keptPath")}(${values})`)
    : code(`${emitter.use("collapse")}(${values})`);
}

function itemStep(emitter: Emitter, step: Node, before: Stream, root: boolean): Stream {
  const names = new Set(before.names);
  const tuple = emitter.fresh("w");
  const focus: Focus = { js: `${tuple}[0]`, single: root, root };
  const closure = emitter.closure([tuple], () =>
    emitter.withTuple(tuple, before.names, () => {
      const inner = streamOf(emitter, step, focus);
      if (inner === undefined) return staged(emitter, step, undefined, focus).js;
      for (const name of inner.names) names.add(name);
      return inner.js;
    }),
  );
  const slots = { focus: step.focus, index: step.index, ancestor: step.ancestor?.label };
  for (const name of Object.values(slots)) if (name !== undefined) names.add(name);
  const slot = (name: string | undefined): number =>
    name === undefined ? 0 : emitter.slotOf(name);
  const binding = emitter.constant({
    focus: slot(slots.focus),
    index: slot(slots.index),
    ancestor: slot(slots.ancestor),
  });
  // A `%` that means the first step's context reads the whole record.
  if (root && step.ancestor !== undefined) emitter.readsKnown = false;
  return { js: `${emitter.use("eachTuple")}(${before.js},${closure},${binding})`, names };
}

function sortStep(emitter: Emitter, step: SortNode, before: Stream): Stream {
  const terms = step.terms.map(
    (term) => `[${onTuple(emitter, before.names, term.expression)},${term.descending}]`,
  );
  const offset = tokenStart(step.position, "^", emitter.source);
  const js = `${emitter.use("orderedTuples")}(${before.js},[${terms.join(",")}],${offset})`;
  return step.index === undefined
    ? { js, names: before.names }
    : numbered(emitter, { js, names: before.names }, step.index);
}

function numbered(emitter: Emitter, stream: Stream, name: string): Stream {
  const js = `${emitter.use("numberedTuples")}(${stream.js},${emitter.slotOf(name)})`;
  return { js, names: new Set([...stream.names, name]) };
}

function stagedTuples(emitter: Emitter, stage: Stage, stream: Stream): Stream {
  if (stage.type === "index") return numbered(emitter, stream, stage.value);
  const { expr } = stage;
  if (expr.type === "number" && expr.predicate === undefined) {
    return { ...stream, js: `${emitter.use("tupleAt")}(${stream.js},${Number(expr.value)})` };
  }
  const predicate = onTuple(emitter, stream.names, expr);
  return { ...stream, js: `${emitter.use("filterTuples")}(${stream.js},${predicate})` };
}

/** A JavaScript function of a tuple that gives the node's value on it. */
function onTuple(emitter: Emitter, names: ReadonlySet<string>, node: Node): string {
  const tuple = emitter.fresh("w");
  const focus: Focus = { js: `${tuple}[0]`, single: false, root: false };
  return emitter.closure([tuple], () =>
    emitter.withTuple(tuple, names, () => emitter.node(node, focus).js),
  );
}

/**
 * A step in parentheses that ends in a path whose names are used behind it: code that gives a TupleStream. Undefined
 * for all other steps.
 */
function streamOf(emitter: Emitter, node: Node, focus: Focus): Stream | undefined {
  if (node.type === "path" && node.tuple === true && node.group === undefined) {
    const stream = tuplesOf(emitter, node, focus, firstTupleStep(node));
    return { ...stream, js: `${emitter.use("tupleStream")}(${stream.js})` };
  }
  if (node.type !== "block" || node.tuple !== true || node.group !== undefined) return undefined;
  const last = node.expressions.at(-1);
  if (last === undefined || !givesStream(last)) return undefined;
  let names: ReadonlySet<string> = new Set();
  const block = generateBlock(emitter, node, focus, (inner) => {
    const stream = streamOf(emitter, inner, focus);
    names = stream?.names ?? names;
    return code(stream?.js ?? "undefined");
  });
  if (node.predicate === undefined) return { js: block.js, names };
  const tuples: Stream = { js: `${block.js}.tuples`, names };
  const chosen = node.predicate.reduce(
    (stream, stage) => stagedTuples(emitter, stage, stream),
    tuples,
  );
  return { ...chosen, js: `${emitter.use("tupleStream")}(${chosen.js})` };
}

function givesStream(node: Node): boolean {
  if (node.group !== undefined || node.tuple !== true) return false;
  if (node.type === "path") return true;
  const last = node.type === "block" ? node.expressions.at(-1) : undefined;
  return last !== undefined && givesStream(last);
}
