import { collectionFunctions } from "./builtins/collections.ts";
import type { Builtin } from "./builtins/builtin.ts";
import { formattingFunctions } from "./builtins/borrowed.ts";
import { generatorFunctions, jobFunctions } from "./builtins/job-functions.ts";
import { higherOrderFunctions } from "./builtins/higher-order.ts";
import { matchingFunctions } from "./builtins/matching.ts";
import { numberFunctions } from "./builtins/numbers.ts";
import { stringFunctions } from "./builtins/strings.ts";
import { timeFunctions } from "./builtins/times.ts";
import type { Code, StaticType } from "./code.ts";
import { Emitter } from "./emitter.ts";
import { evaluation } from "./evaluation.ts";
import { ExpressionError } from "./expression.ts";
import type { CompileContext, CompiledExpression, ValueType } from "./expression.ts";
import { generate } from "./generate.ts";
import { rootName } from "./generate-steps.ts";
import { limits, meter } from "./meter.ts";
import { parseExpression } from "./parse.ts";
import type { Node } from "./syntax.ts";
import { checkResult } from "./result.ts";
import { runtime } from "./runtime.ts";
import { collapse, plain } from "./values.ts";
import type { Item, Outcome } from "./values.ts";

/**
 * Compiles an expression to a JavaScript function. Throws ExpressionError, whose offset is the start of the faulty
 * token, for syntax errors, unknown names, wrong argument counts and constructs that are not supported.
 */
export function compileExpression(source: string, context: CompileContext): CompiledExpression {
  try {
    return compile(source, context);
  } catch (error) {
    if (error instanceof RangeError) {
      throw new ExpressionError(
        "EXPRESSION_LIMIT",
        "SOURCE_LIMIT",
        "The expression is nested too deep",
        0,
      );
    }
    throw error;
  }
}

function compile(source: string, context: CompileContext): CompiledExpression {
  // Pictures are tried out, which takes steps: not of what the last evaluation left.
  meter.fuel = limits.fuel;
  const emitter = new Emitter(source, context, builtinsFor(context), generate);
  const tree = parseExpression(source);
  const { program, value } = generateProgram(emitter, tree);
  // Nothing of the text is in `program` but quoted strings, numbers and fixed names.
  // oxlint-disable-next-line typescript/no-implied-eval -- compiling is the purpose of this file
  const make = new Function("r", "k", "w", program) as (
    functions: typeof runtime,
    constants: readonly unknown[],
    frame: Frame,
  ) => CompiledExpression["evaluate"];
  const checked = !isScalar(value) && !isPlainRead(tree);
  return {
    source,
    reads: emitter.readsKnown ? emitter.reads : undefined,
    gives: { type: valueTypes[value.type], optional: value.optional },
    deterministic: emitter.deterministic,
    field: fieldOf(source, tree),
    evaluate: make(runtime, emitter.constants, checked ? checkedFrame : plainFrame),
  };
}

const valueTypes: Readonly<Record<StaticType, ValueType>> = {
  string: "text",
  number: "number",
  numeric: "number",
  decimal: "decimal",
  boolean: "boolean",
  array: "array",
  object: "object",
  function: "function",
  any: "any",
};

/** What surrounds the generated code of every expression. */
interface Frame {
  readonly meter: typeof meter;
  readonly evaluation: typeof evaluation;
  readonly fuel: number;
  /** Of results that are neither text, boolean nor absent. */
  readonly leave: (result: Outcome) => Item | undefined;
  readonly fault: (error: unknown) => ExpressionError;
}

const plainFrame: Frame = {
  meter,
  evaluation,
  fuel: limits.fuel,
  leave: (outcome) => {
    const result = plain(collapse(outcome));
    if (meter.nonFinite && result !== undefined) checkResult(result);
    return result;
  },
  fault: asExpressionError,
};

const checkedFrame: Frame = {
  ...plainFrame,
  leave: (outcome) => {
    const result = plain(collapse(outcome));
    if (meter.nonFinite || typeof result === "object") checkResult(result ?? null);
    return result;
  },
};

function isScalar(value: Code): boolean {
  return ["string", "number", "numeric", "boolean", "decimal"].includes(value.type);
}

/** Fields of the record are data, and no larger than what they were read from. */
function isPlainRead(tree: Node): boolean {
  const steps = tree.type === "path" && tree.group === undefined ? tree.steps : [tree];
  return steps.every(
    (step, index) =>
      (step.type === "name" ||
        (index === 0 && step.type === "variable" && (step.value === "" || step.value === "$"))) &&
      step.tuple !== true,
  );
}

/** The field that the expression is nothing but the name of. */
function fieldOf(source: string, tree: Node): string | undefined {
  const [step] = tree.type === "path" ? tree.steps : [tree];
  return step?.type === "name" && step.value === source.trim() ? step.value : undefined;
}

function asExpressionError(error: unknown): ExpressionError {
  if (error instanceof ExpressionError) return error;
  if (error instanceof RangeError) {
    return new ExpressionError(
      "EXPRESSION_LIMIT",
      "D1011",
      "Functions or data are nested too deep",
      0,
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ExpressionError("EXPRESSION_ERROR", "INTERNAL", message, 0);
}

function generateProgram(
  emitter: Emitter,
  tree: ReturnType<typeof parseExpression>,
): { program: string; value: Code } {
  let value: Code | undefined;
  const block = { type: "block", expressions: [tree] } as const;
  const { js: main, callWeight } = emitter.weighedClosure([rootName], () => {
    value = emitter.rawNode(block, { js: rootName, single: true, root: true });
    return value.js;
  });
  const constants = emitter.constants.map((_, index) => `k${index}=k[${index}]`);
  const program = [
    '"use strict";',
    `const {${[...emitter.used].join(",")}}=r;`,
    constants.length === 0 ? "" : `const ${constants.join(",")};`,
    `const run=${main},{meter,evaluation,fuel,leave,fault}=w;`,
    // In the program itself, so that the engine can inline each expression into its own frame.
    `return (${rootName},e)=>{meter.fuel=fuel;meter.depth=${callWeight - 1};meter.nonFinite=false;evaluation.context=e;`,
    `try{const x=run(${rootName});`,
    'return typeof x==="string"||typeof x==="boolean"||x===undefined?x:leave(x)}',
    "catch(f){throw fault(f)}}",
  ].join("");
  return { program, value: value as unknown as Code };
}

const always: readonly Builtin[] = [
  ...stringFunctions,
  ...matchingFunctions,
  ...numberFunctions,
  ...collectionFunctions,
  ...higherOrderFunctions,
  ...timeFunctions,
  ...formattingFunctions,
];

/** Functions of the last context, which many expressions of one job share. */
const known = new WeakMap<CompileContext, ReadonlyMap<string, Builtin>>();

function builtinsFor(context: CompileContext): ReadonlyMap<string, Builtin> {
  let builtins = known.get(context);
  if (builtins === undefined) {
    const generators = context.scope === "generate" ? generatorFunctions : [];
    const all = [...always, ...jobFunctions(context), ...generators];
    builtins = new Map(all.map((each) => [each.name.slice(1), each]));
    known.set(context, builtins);
  }
  return builtins;
}
