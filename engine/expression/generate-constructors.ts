import { code, quoted } from "./code.ts";
import type { Code } from "./code.ts";
import type { Emitter, Focus } from "./emitter.ts";
import type { ArrayNode, ObjectNode, Pair } from "./syntax.ts";

/** `[...]`, `{...}` and group-by. */

export function generateArray(emitter: Emitter, node: ArrayNode, focus: Focus): Code {
  const facts = { type: "array", optional: false, sequence: false } as const;
  const values = node.expressions.map((item) => emitter.node(item, focus));
  const nested = node.expressions.map((item) => item.type === "unary" && item.value === "[");
  const simple = values.every(
    (value, index) =>
      !value.optional &&
      (value.type === "string" ||
        value.type === "number" ||
        value.type === "boolean" ||
        value.literal === null ||
        nested[index] === true),
  );
  const list = values.map((value) => value.js).join(",");
  const js = simple
    ? `[${list}]`
    : `${emitter.use("arrayOf")}([${list}],${emitter.constant(nested)})`;
  return code(node.consarray === true ? `${emitter.use("markConstructed")}(${js})` : js, facts);
}

export function generateObject(emitter: Emitter, node: ObjectNode, focus: Focus): Code {
  const facts = { type: "object", optional: false, sequence: false } as const;
  const names = constantNames(node.lhs);
  if (names === undefined) {
    const items = focus.single ? `[${focus.js}]` : `${emitter.use("startItems")}(${focus.js})`;
    return generateGroup(emitter, node.lhs, items, node.position ?? 0, focus.single && focus.root);
  }
  if (focus.single) return code(objectLiteral(emitter, names, node.lhs, focus), facts);
  // On an array the same text is a group-by: with constant names, its values are computed on the whole array.
  const context = emitter.temporary("c");
  const whole: Focus = { js: context, single: false, root: false };
  const literal = objectLiteral(emitter, names, node.lhs, whole);
  return code(`(${context}=${emitter.use("groupContext")}(${focus.js}),${literal})`, facts);
}

/** The names, if all are different constant texts. */
function constantNames(pairs: readonly Pair[]): readonly string[] | undefined {
  const names: string[] = [];
  for (const [key] of pairs) {
    if (key.type !== "string" || key.predicate !== undefined || key.group !== undefined)
      return undefined;
    names.push(String(key.value));
  }
  return new Set(names).size === names.length ? names : undefined;
}

function objectLiteral(
  emitter: Emitter,
  names: readonly string[],
  pairs: readonly Pair[],
  focus: Focus,
): string {
  const values = pairs.map(([, value]) => emitter.node(value, focus));
  const held = values.map((value) =>
    emitter.held(value.sequence || value.raw ? code(emitter.plainJs(value)) : value),
  );
  const sets = held.map((value) => (value.set === value.name ? "" : `${value.set},`)).join("");
  const optional = held.filter((_, index) => values[index]?.optional === true);
  const literal = `{${held.map((value, index) => `${memberName(names[index] ?? "")}:${value.name}`).join(",")}}`;
  if (optional.length === 0) return `(${sets}${literal})`;
  const present = optional.map((value) => `${value.name}!==undefined`).join("&&");
  const slow = `${emitter.use("objectOf")}(${emitter.constant(names)},[${held.map((value) => value.name).join(",")}])`;
  return `(${sets}${present}?${literal}:${slow})`;
}

/** A computed name makes an own member of `__proto__`; written plainly it would set the prototype. */
function memberName(name: string): string {
  return name === "__proto__" ? `[${quoted(name)}]` : quoted(name);
}

/** `position` is jsonata's: just behind the brace. */
export function generateGroup(
  emitter: Emitter,
  pairs: readonly Pair[],
  items: string,
  position: number,
  root = false,
): Code {
  const steps = pairs.map((pair) => {
    const [key, value] = pair.map((part) => {
      const context = emitter.fresh("c");
      const inner: Focus = { js: context, single: root, root };
      return emitter.closure([context], () => emitter.node(part, inner).js);
    });
    return `[${key},${value}]`;
  });
  const js = `${emitter.use("grouped")}(${items},[${steps.join(",")}],${Math.max(0, position - 1)})`;
  return code(js, { type: "object", optional: false, sequence: false });
}
