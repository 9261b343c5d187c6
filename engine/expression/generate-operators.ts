import { decimalFromNumber } from "../core/decimal.ts";
import { decimalDivision } from "./arithmetic.ts";
import { code, literal } from "./code.ts";
import type { Code } from "./code.ts";
import type { Emitter, Focus } from "./emitter.ts";
import type { RuntimeName } from "./runtime.ts";
import { tokenStart } from "./syntax.ts";
import type { BinaryNode, NegationNode, Node } from "./syntax.ts";

/** Operators: the common types are settled inline, everything else in one call that also knows the errors. */

export function generateBinary(emitter: Emitter, node: BinaryNode, focus: Focus): Code {
  const offset = tokenStart(node.position, node.value, emitter.source);
  switch (node.value) {
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return arithmetic(emitter, node, focus, offset);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return comparison(emitter, node, focus, offset);
    case "=":
    case "!=":
      return equality(emitter, node, focus, offset);
    case "in":
      return inclusion(emitter, node, focus, offset);
    case "and":
    case "or":
      return logic(emitter, node, focus);
    case "&":
      return concatenation(emitter, node, focus, offset);
    case "..": {
      const from = emitter.node(node.lhs, focus);
      const to = emitter.node(node.rhs, focus);
      return code(`${emitter.use("range")}(${from.js},${to.js},${offset})`, { raw: true });
    }
    default:
      throw emitter.unsupported(`The operator ${node.value}`, node);
  }
}

const arithmeticNames: Readonly<Record<string, RuntimeName>> = {
  "+": "add",
  "-": "subtract",
  "*": "multiply",
  "/": "divide",
  "%": "remainder",
};

function arithmetic(emitter: Emitter, node: BinaryNode, focus: Focus, offset: number): Code {
  const left = emitter.node(node.lhs, focus);
  const right = emitter.node(node.rhs, focus);
  refuseType(emitter, left, "T2001", `The left side of ${node.value} must be a number`, node.lhs);
  refuseType(emitter, right, "T2002", `The right side of ${node.value} must be a number`, node.rhs);
  const exact = left.type === "decimal" || right.type === "decimal";
  if (exact && node.value === "/") throw decimalDivision(offset);
  const a = emitter.held(left);
  const b = emitter.held(right);
  const result = emitter.temporary();
  const slow = `${emitter.use(arithmeticNames[node.value] ?? "add")}(${a.name},${b.name},${offset}${exactForms(emitter, left, right)})`;
  // One test covers overflow, NaN and division by zero: only finite numbers give 0 when taken from themselves.
  // A quotient or remainder by an infinity is finite, so there the divisor is looked at, too.
  const divides = (node.value === "/" || node.value === "%") && right.literal === undefined;
  const finite = divides ? `${b.name}-${b.name}===0` : "";
  const test = [
    isNumber(left, a.name),
    isNumber(right, b.name),
    finite,
    `(${result}=${a.name}${node.value}${b.name})-${result}===0`,
  ]
    .filter((part) => part !== "")
    .join("&&");
  const js = `(${prefix(a, b)}${test}?${result}:${slow})`;
  const optional = left.optional || right.optional;
  const isNumeric = (side: Code): boolean => side.type === "number" || side.type === "numeric";
  const bothNumbers = isNumeric(left) && isNumeric(right);
  return code(js, {
    type: exact ? "decimal" : bothNumbers ? "number" : "any",
    optional,
    sequence: false,
  });
}

type Held = ReturnType<Emitter["held"]>;

/** Evaluates both sides, in order, before anything looks at them. */
function prefix(...sides: readonly Held[]): string {
  return sides.map((side) => (side.set === side.name ? "" : `${side.set},`)).join("");
}

function isNumber(value: Code, name: string): string {
  return value.type === "number" && !value.optional ? "" : `typeof ${name}==="number"`;
}

/** Exact forms of literal operands, as further arguments of the slow calls. */
function exactForms(emitter: Emitter, left: Code, right: Code): string {
  const forms = [left, right].map((side) =>
    typeof side.literal === "number"
      ? emitter.constant(decimalFromNumber(side.literal))
      : "undefined",
  );
  return forms.every((form) => form === "undefined") ? "" : `,${forms.join(",")}`;
}

/** A literal or a result that can never be a number is a fault of the text, not of a record. */
function refuseType(
  emitter: Emitter,
  value: Code,
  reason: string,
  message: string,
  node: Node,
): void {
  const fits = ["number", "numeric", "decimal", "any"].includes(value.type);
  const never = value.type === "string" || value.type === "boolean";
  // What may be absent gives nothing instead of an error.
  if (
    (!fits && (value.literal !== undefined || (never && !value.optional))) ||
    value.literal === null
  ) {
    throw emitter.fault(reason, message, emitter.offsetOf(node));
  }
}

const comparisonNames: Readonly<Record<string, RuntimeName>> = {
  "<": "less",
  "<=": "lessOrEqual",
  ">": "greater",
  ">=": "greaterOrEqual",
};

function comparison(emitter: Emitter, node: BinaryNode, focus: Focus, offset: number): Code {
  const left = emitter.node(node.lhs, focus);
  const right = emitter.node(node.rhs, focus);
  refuseDecimalText(emitter, left, right, offset);
  const a = emitter.held(left);
  const b = emitter.held(right);
  const test = [isNumber(left, a.name), isNumber(right, b.name)]
    .filter((part) => part !== "")
    .join("&&");
  const fast = `${a.name}${node.value}${b.name}`;
  if (test === "") return code(`(${prefix(a, b)}${fast})`, { type: "boolean", optional: false });
  const number = [left, right].find((side) => typeof side.literal === "number")?.literal;
  const exact = typeof number === "number" ? `,${emitter.constant(decimalFromNumber(number))}` : "";
  const slow = `${emitter.use(comparisonNames[node.value] ?? "less")}(${a.name},${b.name},${offset}${exact})`;
  return code(`(${prefix(a, b)}${test}?${fast}:${slow})`, { type: "boolean", sequence: false });
}

/** A decimal beside a text never compares: known at load where both types are. */
function refuseDecimalText(emitter: Emitter, left: Code, right: Code, offset: number): void {
  const types = [left.type, right.type];
  if (types.includes("decimal") && types.includes("string")) {
    throw emitter.fault("T2009", "A decimal cannot be compared with a text", offset);
  }
}

function equality(emitter: Emitter, node: BinaryNode, focus: Focus, offset: number): Code {
  const left = emitter.node(node.lhs, focus);
  const right = emitter.node(node.rhs, focus);
  refuseDecimalText(emitter, left, right, offset);
  const a = emitter.held(left);
  const b = emitter.held(right);
  const same = node.value === "=" ? "===" : "!==";
  const slow = `${emitter.use(node.value === "=" ? "equals" : "differs")}(${a.name},${b.name},${offset})`;
  const known = left.literal === undefined ? right.literal : left.literal;
  const type = typeof known === "number" ? "number" : "string";
  const simple = (value: Code, name: string): string =>
    value.literal !== undefined ? "" : `typeof ${name}==="${type}"`;
  const test =
    known === null || typeof known === "boolean"
      ? ""
      : [simple(left, a.name), simple(right, b.name)].filter((part) => part !== "").join("&&");
  // Comparing long texts takes steps; a literal is never long.
  const short = known === undefined ? `&&${a.name}.length<1000` : "";
  const js = test === "" ? slow : `${test}${short}?${a.name}${same}${b.name}:${slow}`;
  return code(`(${prefix(a, b)}${js})`, { type: "boolean", optional: false, sequence: false });
}

const comparedInline = 8;

function inclusion(emitter: Emitter, node: BinaryNode, focus: Focus, offset: number): Code {
  const left = emitter.node(node.lhs, focus);
  const facts = { type: "boolean", optional: false, sequence: false } as const;
  const members = literalMembers(node.rhs);
  const includes = emitter.use("includes");
  if (members === undefined) {
    const right = emitter.node(node.rhs, focus);
    return code(`${includes}(${left.js},${right.js},${offset})`, facts);
  }
  if (left.type === "decimal" && members.some((each) => typeof each === "string")) {
    throw emitter.fault("T2009", "A decimal cannot be among texts", offset);
  }
  const { set, name } = emitter.held(left);
  const list = emitter.constant(Object.freeze(members));
  const slow = `${includes}(${name},${list},${offset})`;
  const texts = members.filter((each) => typeof each === "string");
  if (texts.length === 0) return code(`(${prefix({ set, name })}${slow})`, facts);
  const fast =
    texts.length <= comparedInline
      ? `(${texts.map((text) => `${name}===${literal(text).js}`).join("||")})`
      : `${emitter.constant(new Set(texts))}.has(${name})`;
  return code(`(${prefix({ set, name })}typeof ${name}==="string"?${fast}:${slow})`, facts);
}

/** Values of `[literal, ...]`. */
function literalMembers(node: Node): readonly (string | number | boolean | null)[] | undefined {
  if (node.type !== "unary" || node.value !== "[" || node.predicate !== undefined) return undefined;
  const values: (string | number | boolean | null)[] = [];
  for (const item of node.expressions) {
    const isLiteral = item.type === "string" || item.type === "number" || item.type === "value";
    if (!isLiteral || item.predicate !== undefined || item.group !== undefined) return undefined;
    values.push(item.value);
  }
  return values;
}

function logic(emitter: Emitter, node: BinaryNode, focus: Focus): Code {
  const left = truth(emitter, emitter.node(node.lhs, focus));
  const right = emitter.conditionally(() => truth(emitter, emitter.node(node.rhs, focus)));
  const js = `(${left}${node.value === "and" ? "&&" : "||"}${right})`;
  return code(js, { type: "boolean", optional: false, sequence: false });
}

/** JavaScript that is true or false as the value counts. */
export function truth(emitter: Emitter, value: Code): string {
  if (value.type === "boolean") return value.optional ? `(${value.js}===true)` : value.js;
  return `${emitter.use("truthy")}(${value.js})`;
}

function concatenation(emitter: Emitter, node: BinaryNode, focus: Focus, offset: number): Code {
  const sides = operandsOf(node).map((side) => textJs(emitter, emitter.node(side, focus), offset));
  const js = `${emitter.use("joined")}(${sides.join("+")})`;
  return code(js, { type: "string", optional: false, sequence: false });
}

/** Operands of `a & b & c`, joined in one go. */
function operandsOf(node: BinaryNode): readonly Node[] {
  const reversed: Node[] = [];
  let at: Node = node;
  while (
    at.type === "binary" &&
    at.value === "&" &&
    at.predicate === undefined &&
    at.group === undefined
  ) {
    reversed.push(at.rhs);
    at = at.lhs;
  }
  reversed.push(at);
  return reversed.toReversed();
}

function textJs(emitter: Emitter, value: Code, offset: number): string {
  if (value.type === "string" && !value.optional) return value.js;
  const { set, name } = emitter.held(value);
  return `(typeof ${set}==="string"?${name}:${emitter.use("concatenable")}(${name},${offset}))`;
}

export function generateNegation(emitter: Emitter, node: NegationNode, focus: Focus): Code {
  const value = emitter.node(node.expression, focus);
  const offset = tokenStart(node.position, "-", emitter.source);
  const { type } = value;
  if (type === "number" && !value.optional)
    return code(`(-${value.js})`, { type, optional: false });
  return code(`${emitter.use("negate")}(${value.js},${offset})`, {
    type: type === "decimal" || type === "number" ? type : "any",
    optional: value.optional,
    sequence: false,
  });
}
