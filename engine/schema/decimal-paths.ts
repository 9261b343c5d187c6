import { Decimal, parseDecimal } from "../core/decimal.ts";
import { NumberToken } from "../core/number-token.ts";
import type { JsonObject } from "../core/json.ts";
import type { Value, ValueObject } from "../core/value.ts";
import { childSchemas, joinPointer, resolveReference } from "./schema-document.ts";
import type { SchemaPlace } from "./schema-document.ts";

/** Where a schema declares decimals, as a graph: a recursive schema has a circle in it. */
interface DecimalNode {
  /** Declared `format: decimal` itself. */
  decimal: boolean;
  fields: readonly DecimalField[];
  items: readonly DecimalNode[];
  /** What `$ref` names: its declarations count here too. */
  readonly reference: DecimalNode | undefined;
}

interface DecimalField {
  readonly name: string;
  readonly node: DecimalNode;
  /** The name is on Object.prototype too, so that a plain read could find that. */
  readonly shadowed: boolean;
}

/** The decimals that a schema statically declares: through `properties`, `items` and `$ref` (semantics.md section 5). */
export class DecimalPaths {
  readonly #root: DecimalNode;

  constructor(schema: JsonObject) {
    const built = new Map<string, DecimalNode>();
    this.#root = buildNode(schema, { schema, pointer: "" }, built);
    for (const node of built.values()) absorbReferences(node);
    for (const node of built.values()) prune(node);
  }

  get isEmpty(): boolean {
    return !holdsDecimals(this.#root, new Set());
  }

  /** Dotted paths, `*` for array items. A recursive schema gives each path up to where it repeats. */
  list(): ReadonlySet<string> {
    const paths = new Set<string>();
    collect(this.#root, [], new Set(), paths);
    return paths;
  }

  /** The record with a Decimal at each declared place; the same object if nothing had to change. */
  convert(record: ValueObject): ValueObject {
    return convertObject(record, this.#root);
  }
}

function buildNode(
  root: JsonObject,
  place: SchemaPlace,
  built: Map<string, DecimalNode>,
): DecimalNode {
  const known = built.get(place.pointer);
  if (known !== undefined) return known;
  const fields: DecimalField[] = [];
  const items: DecimalNode[] = [];
  const node: { -readonly [Name in keyof DecimalNode]: DecimalNode[Name] } = {
    decimal: place.schema["format"] === "decimal",
    fields,
    items,
    reference: undefined,
  };
  // Before what stands below it, so that a circle finds its beginning.
  built.set(place.pointer, node);
  for (const child of childSchemas(place)) {
    const { keyword, name } = child;
    if (keyword === "properties" && name !== undefined) {
      const shadowed = name in Object.prototype;
      fields.push({ name, node: buildNode(root, child, built), shadowed });
    } else if (keyword === "items") {
      items.push(buildNode(root, child, built));
    }
  }
  const reference = place.schema["$ref"];
  const target = typeof reference === "string" ? resolveReference(root, reference) : undefined;
  if (target !== undefined) node.reference = buildNode(root, target, built);
  return node;
}

function absorbReferences(node: DecimalNode): void {
  const seen = new Set([node]);
  let named = node.reference;
  while (named !== undefined && !seen.has(named)) {
    seen.add(named);
    node.decimal ||= named.decimal;
    node.fields = [...node.fields, ...named.fields.filter((field) => !node.fields.includes(field))];
    node.items = [...new Set([...node.items, ...named.items])];
    named = named.reference;
  }
}

function holdsDecimals(node: DecimalNode, seen: Set<DecimalNode>): boolean {
  if (node.decimal) return true;
  if (seen.has(node)) return false;
  seen.add(node);
  return (
    node.fields.some((field) => holdsDecimals(field.node, seen)) ||
    node.items.some((items) => holdsDecimals(items, seen))
  );
}

/** Leaves out what holds no decimals, so that records are looked at only where it matters. */
function prune(node: DecimalNode): void {
  node.fields = node.fields.filter((field) => holdsDecimals(field.node, new Set()));
  node.items = node.items.filter((items) => holdsDecimals(items, new Set()));
}

function collect(
  node: DecimalNode,
  path: readonly string[],
  above: Set<DecimalNode>,
  paths: Set<string>,
): void {
  if (above.has(node)) return;
  if (node.decimal) paths.add(path.join("."));
  above.add(node);
  for (const field of node.fields) collect(field.node, [...path, field.name], above, paths);
  for (const items of node.items) collect(items, [...path, "*"], above, paths);
  above.delete(node);
}

function convert(value: Value, node: DecimalNode): Value {
  if (typeof value === "string") {
    return node.decimal ? (parseDecimal(value) ?? value) : value;
  }
  if (typeof value === "number") {
    return node.decimal ? (parseDecimal(String(value), "number") ?? value) : value;
  }
  if (typeof value !== "object" || value === null || value instanceof Decimal) return value;
  if (value instanceof NumberToken) {
    return node.decimal ? (parseDecimal(value.text, "number") ?? value) : value;
  }
  if (Array.isArray(value)) return convertItems(value as readonly Value[], node.items);
  return convertObject(value as ValueObject, node);
}

function convertItems(items: readonly Value[], nodes: readonly DecimalNode[]): readonly Value[] {
  let copy: Value[] | undefined;
  for (const node of nodes) {
    for (let index = 0; index < items.length; index += 1) {
      const item = (copy ?? items)[index] as Value;
      const converted = convert(item, node);
      if (converted !== item) {
        copy ??= [...items];
        copy[index] = converted;
      }
    }
  }
  return copy ?? items;
}

function convertObject(value: ValueObject, node: DecimalNode): ValueObject {
  let copy: Record<string, Value> | undefined;
  for (const field of node.fields) {
    const { name } = field;
    if (field.shadowed && !Object.hasOwn(value, name)) continue;
    const member = (copy ?? value)[name];
    if (member === undefined) continue;
    const converted = convert(member, field.node);
    if (converted !== member) {
      // A spread copies `__proto__` as plain data, and so does the assignment to a member that is there.
      copy ??= { ...value };
      copy[name] = converted;
    }
  }
  return copy ?? value;
}

/** Calls `report` for each `format: decimal` below `root` that no static path reaches. */
export function findUndeclarableDecimals(
  root: JsonObject,
  report: (pointer: string, keyword: string) => void,
): void {
  const seen = new Set<string>();
  const visit = (place: SchemaPlace, through: { pointer: string; keyword: string } | undefined) => {
    const mark = `${through === undefined ? "static" : `${through.keyword} ${through.pointer}`} ${place.pointer}`;
    if (seen.has(mark)) return;
    seen.add(mark);
    if (through !== undefined && place.schema["format"] === "decimal") {
      report(through.pointer || joinPointer(place.pointer, "format"), through.keyword);
    }
    for (const child of childSchemas(place)) {
      if (child.keyword === "$defs" || child.keyword === "definitions") continue;
      const isStatic = child.keyword === "properties" || child.keyword === "items";
      visit(
        child,
        isStatic ? through : { pointer: through?.pointer ?? "", keyword: child.keyword },
      );
    }
    const reference = place.schema["$ref"];
    const target = typeof reference === "string" ? resolveReference(root, reference) : undefined;
    if (target === undefined) return;
    // Reached from an undeclarable place: that reference is at fault, not the definition.
    const pointer = through?.pointer || joinPointer(place.pointer, "$ref");
    visit(target, through === undefined ? undefined : { pointer, keyword: through.keyword });
  };
  visit({ schema: root, pointer: "" }, undefined);
}
