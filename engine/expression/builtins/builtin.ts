import { failure } from "../failure.ts";
import { spendReading } from "../meter.ts";
import { signatureOf } from "../signature.ts";
import type { DecimalPolicy, Signature } from "../signature.ts";
import { FunctionValue } from "../values.ts";
import type { Outcome } from "../values.ts";

/** What the compiler knows of a function's result. `decimal` and `number` are told apart: only numbers compute inline. */
type ResultType = "string" | "number" | "boolean" | "decimal" | "array" | "object" | "any";

export interface Builtin {
  /** With its dollar sign, as messages show it. */
  readonly name: string;
  readonly signature: Signature;
  /** Arguments that higher-order functions fill in when this function is handed to them. */
  readonly arity: number;
  readonly returns: ResultType;
  /** False if it gives a value whenever it returns. */
  readonly optional: boolean;
  /** True if the result may be a Sequence that is still to be collapsed. */
  readonly sequence: boolean;
  readonly decimals: DecimalPolicy;
  /** Distinguishes a Sequence from an array among its arguments. */
  readonly keepsSequences: boolean;
  /** Index of the argument that must be a literal of the text: the picture of a date. */
  readonly literalArgument: number | undefined;
  /** Gives something else at another time, or at random. */
  readonly volatile: boolean;
  /** Arguments have passed the signature. */
  readonly implementation: (args: readonly Outcome[], offset: number) => Outcome;
}

interface Options {
  readonly arity?: number;
  readonly returns?: ResultType;
  readonly optional?: boolean;
  readonly sequence?: boolean;
  readonly decimals?: DecimalPolicy;
  readonly keepsSequences?: boolean;
  readonly literalArgument?: number;
  readonly volatile?: boolean;
}

export function builtin(
  name: string,
  signature: string,
  options: Options,
  implementation: Builtin["implementation"],
): Builtin {
  const checked = signatureOf(signature);
  return {
    name: `$${name}`,
    signature: checked,
    arity: options.arity ?? (Number.isFinite(checked.maximum) ? checked.maximum : 0),
    returns: options.returns ?? "any",
    optional: options.optional ?? true,
    sequence: options.sequence ?? false,
    decimals: options.decimals ?? "count",
    keepsSequences: options.keepsSequences ?? false,
    literalArgument: options.literalArgument,
    volatile: options.volatile ?? false,
    implementation,
  };
}

/** The call that generated code makes when it has no shortcut. */
export function callBuiltin(
  target: Builtin,
  args: readonly Outcome[],
  context: Outcome,
  offset: number,
): Outcome {
  const { decimals, keepsSequences } = target;
  const matched = target.signature.match(
    args,
    context,
    target.name,
    offset,
    decimals,
    keepsSequences,
  );
  for (const argument of matched) if (typeof argument === "string") spendReading(argument.length);
  return target.implementation(matched, offset);
}

/** A built-in as a value, to hand to `$map` or to chain. */
export function builtinValue(target: Builtin, offset: number): FunctionValue {
  return new FunctionValue(target.arity, (...args) => {
    const { literalArgument } = target;
    if (literalArgument !== undefined && args[literalArgument] !== undefined) {
      throw failure("UNSUPPORTED", literalOnly(target), offset);
    }
    return callBuiltin(target, args, undefined, offset);
  });
}

/** As a value whose literal argument is known to be one. */
export function checkedValue(target: Builtin, offset: number): FunctionValue {
  return new FunctionValue(target.arity, (...args) => callBuiltin(target, args, undefined, offset));
}

export function literalOnly(target: Builtin): string {
  return `The picture of ${target.name} must be a text literal, so that it can be checked`;
}
