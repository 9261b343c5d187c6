import { Decimal } from "../core/decimal.ts";
import { code, literal } from "./code.ts";
import type { Code, StaticType } from "./code.ts";
import type { Emitter } from "./emitter.ts";
import type { RuntimeName } from "./runtime.ts";

/**
 * Code for calls of common built-ins with arguments of the common types. Each falls back to the general call, which
 * checks the signature; a shortcut only has to be right for what it tests.
 */
type Shortcut = (
  emitter: Emitter,
  args: readonly Code[],
  /** The general call with these arguments. */
  generic: (names: readonly string[]) => string,
  offset: number,
) => Code | undefined;

/** `test` on the first argument, then `fast`, else the general call with the argument repeated. */
function ofText(
  fast: (emitter: Emitter, text: string, rest: readonly Code[]) => string,
  type: StaticType,
): Shortcut {
  return (emitter, args, generic) => {
    const [first, ...rest] = args;
    if (first === undefined || rest.some((each) => !isConstant(each))) return undefined;
    const { set, name } = emitter.held(first);
    const others = rest.map((each) => each.js);
    const js = `(typeof ${set}==="string"?${fast(emitter, name, rest)}:${generic([name, ...others])})`;
    return code(js, { type, optional: first.optional, sequence: false });
  };
}

function isConstant(value: Code): boolean {
  return typeof value.literal === "string" || typeof value.literal === "number";
}

function withTexts(name: RuntimeName): Shortcut {
  const shortcut = ofText(
    (emitter, text, rest) =>
      `${emitter.use(name)}(${[text, ...rest.map((each) => each.js)].join(",")})`,
    name === "splitText" ? "array" : "string",
  );
  return (emitter, args, generic, offset) =>
    args.length === 2 && typeof args[1]?.literal === "string"
      ? shortcut(emitter, args, generic, offset)
      : undefined;
}

const not: Shortcut = (emitter, [value], _generic) => {
  if (value === undefined) return undefined;
  const { set, name } = emitter.held(value);
  const negated = value.type === "boolean" ? `!${name}` : `!${emitter.use("truthy")}(${name})`;
  if (!value.optional) {
    return code(`(${set === name ? "" : `${set},`}${negated})`, {
      type: "boolean",
      optional: false,
    });
  }
  return code(`(${set}===undefined?undefined:${negated})`, { type: "boolean" });
};

const boolean: Shortcut = (emitter, [value]) => {
  if (value === undefined) return undefined;
  if (value.type === "boolean") return value;
  const { set, name } = emitter.held(value);
  return code(`(${set}===undefined?undefined:${emitter.use("truthy")}(${name}))`, {
    type: "boolean",
  });
};

const exists: Shortcut = (_emitter, [value]) =>
  value === undefined
    ? undefined
    : code(`(${value.js}!==undefined)`, { type: "boolean", optional: false });

const string: Shortcut = (emitter, args, generic) => {
  const [value] = args;
  if (value === undefined || args.length > 1) return undefined;
  const { set, name } = emitter.held(value);
  const text = `typeof ${set}==="string"?${name}:`;
  const small = `typeof ${name}==="number"&&(${name}|0)===${name}?""+${name}:`;
  return code(`(${text}${small}${generic([name])})`, { type: "string", optional: value.optional });
};

const number: Shortcut = (emitter, [value], generic, offset) => {
  if (value === undefined || value.type === "decimal") return value;
  const { set, name } = emitter.held(value);
  const text = `typeof ${name}==="string"?${emitter.use("numberOf")}(${name},${offset})`;
  return code(`(typeof ${set}==="number"?${name}:${text}:${generic([name])})`, {
    type: value.type === "string" ? "number" : "any",
    optional: value.optional,
    sequence: false,
  });
};

const round: Shortcut = (emitter, [value, scale, mode], _generic, offset) => {
  if (value === undefined) return undefined;
  const rounding = JSON.stringify(emitter.context.rounding);
  const others = [scale, mode].map((each) =>
    each === undefined ? "undefined" : emitter.plainJs(each),
  );
  const js = `${emitter.use("round")}(${emitter.plainJs(value)},${others.join(",")},${rounding},${offset})`;
  const exact = value.type === "decimal" || value.type === "string" || mode?.literal !== undefined;
  return code(js, {
    type: exact ? "decimal" : value.type === "number" ? "number" : "any",
    optional: value.optional,
    sequence: false,
  });
};

const pad: Shortcut = (emitter, args, generic, offset) => {
  const [, width, filling] = args;
  if (typeof width?.literal !== "number") return undefined;
  if (filling !== undefined && typeof filling.literal !== "string") return undefined;
  return ofText(
    (inner, text, rest) =>
      `${inner.use("pad")}(${[text, ...rest.map((each) => each.js)].join(",")})`,
    "string",
  )(emitter, args, generic, offset);
};

const isCurrency: Shortcut = (emitter, [value]) =>
  value === undefined
    ? undefined
    : code(`${emitter.use("isCurrency")}(${value.js})`, { type: "boolean", optional: false });

function ofRow(read: "get" | "has"): Shortcut {
  return (emitter, [table, key], generic) => {
    const rows =
      typeof table?.literal === "string"
        ? emitter.context.tables.get(table.literal)?.rows
        : undefined;
    if (rows === undefined || table === undefined || key === undefined) return undefined;
    const { set, name } = emitter.held(key);
    const js = `(typeof ${set}==="string"?${emitter.constant(rows)}.${read}(${name}):${generic([table.js, name])})`;
    if (read === "has") return code(js, { type: "boolean", optional: false });
    return code(js, {
      type: "object",
      sequence: false,
      members: decimalColumns([...rows.values()]),
    });
  };
}

/** Columns that hold a decimal in every row. */
function decimalColumns(
  rows: readonly Readonly<Record<string, unknown>>[],
): ReadonlyMap<string, StaticType> {
  const names = Object.keys(rows[0] ?? {});
  return new Map(
    names
      .filter((name) => rows.every((row) => row[name] instanceof Decimal))
      .map((name) => [name, "decimal"]),
  );
}

const param: Shortcut = (emitter, [name]) => {
  const value =
    typeof name?.literal === "string" ? emitter.context.parameters.get(name.literal) : undefined;
  return value === undefined ? undefined : literal(value);
};

const millisBetween: Shortcut = (emitter, [from, to], _generic, offset) => {
  if (from === undefined || to === undefined) return undefined;
  const js = `${emitter.use("millisBetween")}(${emitter.plainJs(from)},${emitter.plainJs(to)},${offset})`;
  return code(js, { type: "number", optional: from.optional || to.optional });
};

const processingTime: Shortcut = (emitter) =>
  code(`${emitter.use("processingTime")}()`, { type: "string", optional: false });

const codePoints: Shortcut = (emitter, args, generic, offset) => {
  const points = ofText((inner, text) => `${inner.use("codePointsOf")}(${text})`, "array");
  const value = points(emitter, args, generic, offset);
  return value === undefined ? undefined : { ...value, numbers: true };
};

/** The members are numbers if they are code points: no need to look at each first. */
const sum: Shortcut = (emitter, [value], generic, offset) => {
  if (value === undefined || value.numbers !== true) return undefined;
  const { set, name } = emitter.held(value);
  const js = `(${set}===undefined?${generic([name])}:${emitter.use("sum")}(${name},${offset}))`;
  return code(js, { type: "number", optional: value.optional });
};

export const shortcuts: ReadonlyMap<string, Shortcut> = new Map<string, Shortcut>([
  ["$not", not],
  ["$boolean", boolean],
  ["$exists", exists],
  ["$string", string],
  ["$number", number],
  ["$round", round],
  ["$pad", pad],
  ["$sum", sum],
  ["$lowercase", ofText((emitter, text) => `${emitter.use("lowerCase")}(${text})`, "string")],
  ["$uppercase", ofText((emitter, text) => `${emitter.use("upperCase")}(${text})`, "string")],
  ["$substringBefore", withTexts("before")],
  ["$substringAfter", withTexts("after")],
  ["$split", withTexts("splitText")],
  ["$code_points", codePoints],
  ["$is_currency", isCurrency],
  ["$row", ofRow("get")],
  ["$has_row", ofRow("has")],
  ["$param", param],
  ["$millis_between", millisBetween],
  ["$processing_time", processingTime],
]);
