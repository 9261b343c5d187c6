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
  /** The context of every tuple is the record itself. */
  readonly root: boolean;
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
  const root = from === 0 && focus.single && focus.root;
  let stream: Stream = { js: tuples, names: new Set(), root };
  for (let index = from; index < steps.length; index++) {
    const step = steps[index] as Node;
    stream =
      step.type === "sort" ? sortStep(emitter, step, stream) : itemStep(emitter, step, stream);
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
    let grouped: Stream | undefined;
    const closure = emitter.closure([tuples], () => {
      const stream = streamFrom(emitter, node, focus, from, tuples);
      grouped = stream;
      return stream.js;
    });
    const pairs = node.group.lhs.map((pair) => {
      const [key, value] = pair.map((part) => onTuple(emitter, grouped as Stream, part, false));
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

function itemStep(emitter: Emitter, step: Node, before: Stream): Stream {
  const { root } = before;
  const names = new Set(before.names);
  let stays = root && step.focus !== undefined;
  const tuple = emitter.fresh("w");
  const focus: Focus = { js: `${tuple}[0]`, single: root, root };
  const closure = emitter.closure([tuple], () =>
    emitter.withTuple(tuple, before.names, () => {
      const inner = streamOf(emitter, step, focus);
      if (inner === undefined) return staged(emitter, step, undefined, focus).js;
      for (const name of inner.names) names.add(name);
      stays = inner.root;
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
  return {
    js: `${emitter.use("eachTuple")}(${before.js},${closure},${binding})`,
    names,
    root: stays,
  };
}

function sortStep(emitter: Emitter, step: SortNode, before: Stream): Stream {
  const terms = step.terms.map(
    (term) => `[${onTuple(emitter, before, term.expression)},${term.descending}]`,
  );
  const offset = tokenStart(step.position, "^", emitter.source);
  const js = `${emitter.use("orderedTuples")}(${before.js},[${terms.join(",")}],${offset})`;
  const sorted: Stream = { ...before, js };
  return step.index === undefined ? sorted : numbered(emitter, sorted, step.index);
}

function numbered(emitter: Emitter, stream: Stream, name: string): Stream {
  const js = `${emitter.use("numberedTuples")}(${stream.js},${emitter.slotOf(name)})`;
  return { ...stream, js, names: new Set([...stream.names, name]) };
}

function stagedTuples(emitter: Emitter, stage: Stage, stream: Stream): Stream {
  if (stage.type === "index") return numbered(emitter, stream, stage.value);
  const { expr } = stage;
  if (expr.type === "number" && expr.predicate === undefined) {
    return { ...stream, js: `${emitter.use("tupleAt")}(${stream.js},${Number(expr.value)})` };
  }
  const predicate = onTuple(emitter, stream, expr);
  return { ...stream, js: `${emitter.use("filterTuples")}(${stream.js},${predicate})` };
}

/** A JavaScript function of a tuple that gives the node's value on it. `single` is false for the tuple of a group. */
function onTuple(emitter: Emitter, { names, root }: Stream, node: Node, single = true): string {
  const tuple = emitter.fresh("w");
  const focus: Focus = { js: `${tuple}[0]`, single: single && root, root };
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
  let stream: Stream | undefined;
  const block = generateBlock(emitter, node, focus, (inner) => {
    stream = streamOf(emitter, inner, focus);
    return code(stream?.js ?? "undefined");
  });
  const { names, root } = stream ?? { names: new Set<string>(), root: false };
  if (node.predicate === undefined) return { js: block.js, names, root };
  const tuples: Stream = { js: `${block.js}.tuples`, names, root };
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
