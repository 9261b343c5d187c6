import type { ExpressionError } from "./expression.ts";
import { failure, shown } from "./failure.ts";
import { checkDepth, limits, meter, spend } from "./meter.ts";
import { signatureOf } from "./signature.ts";
import { FunctionValue, TailCall, collapse, plain } from "./values.ts";
import type { FunctionBody, Outcome } from "./values.ts";

/** Calls whatever `procedure` is, and what it tail-calls. The result may be a Sequence that is still to be collapsed. */
export function call(procedure: Outcome, args: readonly Outcome[], offset: number): Outcome {
  if (!(procedure instanceof FunctionValue)) throw notCallable(procedure, offset);
  let weight = procedure.stackWeight;
  enter(weight);
  let result = procedure.invoke(...args);
  while (result instanceof TailCall) {
    if (!(result.procedure instanceof FunctionValue)) {
      throw notCallable(result.procedure, result.offset);
    }
    meter.depth -= weight;
    weight = result.procedure.stackWeight;
    enter(weight);
    result = result.procedure.invoke(...result.args);
  }
  meter.depth -= weight;
  return result;
}

/** Calls with at most the arguments that the function can take, as `$map` and its like do. */
export function apply(
  procedure: FunctionValue,
  offset: number,
  first: Outcome,
  second: Outcome,
  third: Outcome,
): Outcome {
  const { parameterCount } = procedure;
  const weight = procedure.stackWeight + 1;
  enter(weight);
  const given =
    parameterCount >= 3
      ? procedure.invoke(first, second, third)
      : parameterCount === 2
        ? procedure.invoke(first, second)
        : procedure.invoke(first);
  const result = given instanceof TailCall ? call(given.procedure, given.args, offset) : given;
  meter.depth -= weight;
  return result;
}

function enter(weight: number): void {
  if (--meter.fuel < 0) spend(1);
  meter.depth += weight;
  if (meter.depth > limits.depth) checkDepth(0);
}

function notCallable(value: Outcome, offset: number): ExpressionError {
  const message =
    value === undefined
      ? "There is no such function: the names of functions begin with $"
      : `Cannot call ${shown(value)}, which is no function`;
  return failure("T1006", message, offset);
}

export function lambda(arity: number, weight: number, body: FunctionBody): FunctionValue {
  spend(1);
  return new FunctionValue(arity, body, weight);
}

/** A lambda with a signature such as `<n-n:n>`: its arguments are checked at each call. */
export function signedLambda(
  arity: number,
  weight: number,
  body: FunctionBody,
  definition: string,
  context: Outcome,
  offset: number,
): FunctionValue {
  const signature = signatureOf(definition);
  return new FunctionValue(
    arity,
    (...args) => body(...signature.match(args, plain(context), "the function", offset)),
    weight,
  );
}

export function tailCall(procedure: Outcome, args: readonly Outcome[], offset: number): TailCall {
  return new TailCall(procedure, args, offset);
}

/** `lhs ~> rhs`: applies, or chains two functions to one. */
export function chain(left: Outcome, right: Outcome, offset: number): Outcome {
  if (!(right instanceof FunctionValue)) {
    throw failure("T2006", `The right side of ~> must be a function, not ${shown(right)}`, offset);
  }
  if (!(left instanceof FunctionValue)) return call(right, [left], offset);
  return new FunctionValue(1, (value) =>
    call(right, [collapse(call(left, [value], offset))], offset),
  );
}

/** `$f(?, 2)`: `holes[i]` says that argument i is still open. */
export function partial(
  procedure: Outcome,
  args: readonly Outcome[],
  holes: readonly boolean[],
  offset: number,
): FunctionValue {
  if (!(procedure instanceof FunctionValue)) {
    throw failure(
      "T1008",
      `Cannot fill in arguments of ${shown(procedure)}, which is no function`,
      offset,
    );
  }
  return new FunctionValue(holes.filter((hole) => hole).length, (...given) => {
    let next = 0;
    return call(
      procedure,
      args.map((argument, index) => (holes[index] === true ? given[next++] : argument)),
      offset,
    );
  });
}
