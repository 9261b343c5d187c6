import { Decimal } from "../core/decimal.ts";
import { nearestName } from "../core/nearest.ts";
import { NumberToken } from "../core/number-token.ts";
import type { Builtin } from "./builtins/builtin.ts";
import { code } from "./code.ts";
import type { Code } from "./code.ts";
import { ExpressionError } from "./expression.ts";
import type { CompileContext } from "./expression.ts";
import type { RuntimeName } from "./runtime.ts";
import type { Body, Local, Scope } from "./scope.ts";
import { startOf } from "./syntax.ts";
import type { Node } from "./syntax.ts";
import { FunctionValue } from "./values.ts";

/** What an expression is evaluated on, at one place of the text. */
export interface Focus {
  /** The JavaScript name that holds it. */
  readonly js: string;
  /** One context even if it is an array: the record itself. */
  readonly single: boolean;
  /** The record itself: reading its members is what `reads` reports. */
  readonly root: boolean;
}

/** What one compilation knows and collects. The files `generate-*.ts` turn kinds of nodes into code with it. */
export class Emitter {
  readonly source: string;
  readonly context: CompileContext;
  readonly builtins: ReadonlyMap<string, Builtin>;
  readonly constants: unknown[] = [];
  readonly used = new Set<RuntimeName>();
  readonly reads = new Set<string>();
  /** False as soon as the whole record is read. */
  readsKnown = true;
  /** False once something is read that a replay may find changed. */
  deterministic = true;
  /** True if a function may end up in the result. */
  functionsAsValues = false;
  /** True inside a lambda's body where a call may be left to the caller (see TailCall). */
  tails = false;
  /** Pictures of dates so far. */
  pictures = 0;
  /** Conditions and closures around the node being compiled. */
  conditions = 0;
  body: Body = { names: [] };
  scope: Scope = { outer: undefined, locals: new Map() };
  readonly #generate: (emitter: Emitter, node: Node, focus: Focus) => Code;
  readonly #slots = new Map<string, number>();
  /** Of the heaviest function within the one being compiled. */
  #innerWeight = 0;
  #counter = 0;

  constructor(
    source: string,
    context: CompileContext,
    builtins: ReadonlyMap<string, Builtin>,
    generate: (emitter: Emitter, node: Node, focus: Focus) => Code,
  ) {
    this.source = source;
    this.context = context;
    this.builtins = builtins;
    this.#generate = generate;
  }

  /** The node's value; may be an uncollapsed sequence (`raw`). */
  rawNode(node: Node, focus: Focus): Code {
    return this.#generate(this, node, focus);
  }

  node(node: Node, focus: Focus): Code {
    const value = this.rawNode(node, focus);
    if (!value.raw || (this.tails && isTail(node))) return value;
    return code(`${this.use("collapse")}(${value.js})`);
  }

  /** As data: for members of arrays and objects, arguments, names to walk. */
  plainJs(value: Code): string {
    return value.sequence || value.raw ? `${this.use("plain")}(${value.js})` : value.js;
  }

  use(name: RuntimeName): string {
    this.used.add(name);
    return name;
  }

  constant(value: unknown): string {
    const known = this.constants.indexOf(value);
    return `k${known >= 0 ? known : this.constants.push(value) - 1}`;
  }

  /** A fresh local of the current JavaScript function. */
  temporary(prefix = "t"): string {
    const name = this.fresh(prefix);
    this.body.names.push(name);
    return name;
  }

  fresh(prefix: string): string {
    return `${prefix}${this.#counter++}`;
  }

  /** Makes a value usable several times: `set` is to be evaluated first, where it stands, then `name`. */
  held(value: Code): { readonly set: string; readonly name: string } {
    if (value.atom) return { set: value.js, name: value.js };
    const name = this.temporary();
    return { set: `(${name}=${value.js})`, name };
  }

  /** A JavaScript function with these parameters, its result given by `emit`. It runs within the one around it. */
  closure(parameters: readonly string[], emit: () => string): string {
    const { js, weight } = this.weighedClosure(parameters, emit);
    this.#innerWeight = Math.max(this.#innerWeight, weight);
    return js;
  }

  /**
   * A function that is called from elsewhere, and the weight of its frames on JavaScript's stack: one for each function
   * within functions, 64 locals and (for the operands of nested calls) 400 characters of source.
   */
  weighedClosure(
    parameters: readonly string[],
    emit: () => string,
  ): { readonly js: string; readonly weight: number; readonly callWeight: number } {
    const outer = this.body;
    const outerWeight = this.#innerWeight;
    this.body = { names: [] };
    this.#innerWeight = 0;
    this.conditions++;
    const result = emit();
    const { names } = this.body;
    const weight = 1 + this.#innerWeight + Math.trunc(names.length / 64);
    this.body = outer;
    this.#innerWeight = outerWeight;
    this.conditions--;
    const list = parameters.join(",");
    const js =
      names.length === 0
        ? `((${list})=>(${result}))`
        : `((${list})=>{let ${names.join(",")};return ${result}})`;
    return { js, weight, callWeight: weight + Math.min(16, Math.trunc(js.length / 400)) };
  }

  /** Code that may not be reached. */
  conditionally<T>(emit: () => T): T {
    this.conditions++;
    const result = emit();
    this.conditions--;
    return result;
  }

  offsetOf(node: Node): number {
    return startOf(node, this.source);
  }

  fault(reason: string, message: string, offset: number): ExpressionError {
    return new ExpressionError("EXPRESSION_ERROR", reason, message, offset);
  }

  unsupported(what: string, node: Node): ExpressionError {
    return this.fault("UNSUPPORTED", `${what} is not supported`, this.offsetOf(node));
  }

  /** `message`, with the nearest of the known names if one is near. */
  suggest(
    message: string,
    name: string,
    known: Iterable<string>,
    mark: (name: string) => string,
  ): string {
    const nearest = nearestName(name, known);
    return nearest === undefined ? message : `${message}; did you mean ${mark(nearest)}?`;
  }

  /** The variable's value here, or undefined if no frame around binds the name. */
  variable(name: string): Code | undefined {
    return this.#lookUp(name, this.scope);
  }

  /** The variable that an assignment here sets: the names of tuples are a frame of their own, which none assigns. */
  assignable(name: string): Local | undefined {
    let scope: Scope | undefined = this.scope;
    while (scope?.tuple === true) scope = scope.outer;
    return scope?.locals.get(name);
  }

  /** Compiles where a tuple's names are known: slots of the JavaScript array `tuple`. */
  withTuple<T>(tuple: string, names: Iterable<string>, emit: () => T): T {
    const locals = new Map<string, Local>();
    for (const name of names) {
      locals.set(name, {
        js: `${tuple}[${this.slotOf(name)}]`,
        body: this.body,
        assignments: 1,
        conditions: this.conditions,
        assigned: "yes",
        facts: undefined,
        sentinel: false,
      });
    }
    const outer = this.scope;
    this.scope = { outer, locals, tuple: true };
    const result = emit();
    this.scope = outer;
    return result;
  }

  /** Index of a name in tuples; 0 is the context. */
  slotOf(name: string): number {
    const slot = this.#slots.get(name) ?? this.#slots.size + 1;
    this.#slots.set(name, slot);
    return slot;
  }

  #lookUp(name: string, scope: Scope | undefined): Code | undefined {
    for (let at = scope; at !== undefined; at = at.outer) {
      const local = at.locals.get(name);
      if (local === undefined) continue;
      if (local.assigned === "yes") return this.#read(local);
      // Compiled before any assignment and running before it, too: the name still means an outer one.
      if (local.assigned === "no" && local.body === this.body) continue;
      const outer = this.#lookUp(name, at.outer) ?? this.#builtinValue(name);
      if (outer === undefined) return code(local.js, { atom: true });
      local.sentinel = true;
      return code(`(${local.js}!==${this.unbound}?${local.js}:${outer.js})`);
    }
    return undefined;
  }

  #read(local: Local): Code {
    return { ...(local.facts ?? code(local.js)), js: local.js, atom: local.assignments < 2 };
  }

  #builtinValue(name: string): Code | undefined {
    const target = this.builtins.get(name);
    return target === undefined ? undefined : this.functionValue(target, 0);
  }

  functionValue(target: Builtin, offset: number): Code {
    this.functionsAsValues = true;
    if (target.volatile) this.deterministic = false;
    const js = `${this.use("builtinValue")}(${this.constant(target)},${offset})`;
    return code(js, { type: "function", optional: false, sequence: false });
  }

  /** What a local holds before it is assigned, where that must be told from absent. */
  get unbound(): string {
    return this.constant(unboundMark);
  }
}

/** True if the node may leave a tail call: then its value goes to the caller of the lambda untouched. */
function isTail(node: Node | undefined): boolean {
  if (node?.type === "lambda") return node.thunk === true;
  if (node?.type === "condition") return isTail(node.then) || isTail(node.else);
  return node?.type === "block" && isTail(node.expressions.at(-1));
}

const unboundMark = Symbol("not assigned yet");

/** Names that a plain property read must not be used for: prototypes' and those of our own opaque values. */
export const guardedNames: ReadonlySet<string> = new Set(
  [
    Object.prototype,
    Decimal.prototype,
    new Decimal(0, 0, undefined, undefined, "string"),
    new NumberToken("0"),
    new FunctionValue(0, () => undefined),
  ].flatMap((value) => Object.getOwnPropertyNames(value)),
);
