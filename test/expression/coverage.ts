import jsonata from "jsonata";

/** What of the language random expressions use, and how the pairs that use it end. */

/** Both sides give the same value, nothing or the same error, or they differ. */
export type Ending = "value" | "absent" | "error" | "deviation" | "difference";
export type Coverage = Map<string, Map<Ending, number>>;

/** Adds up what several runs covered. */
export function added(total: Coverage, part: Coverage): void {
  for (const [name, endings] of part) {
    for (const [ending, count] of endings) note(total, new Set([name]), ending, count);
  }
}

/** One line for each construct: how many pairs with it end in a value, in nothing, in the same error, in a deviation. */
export function coverageLines(coverage: Coverage): readonly string[] {
  return [...coverage.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, endings]) => {
      const counts = [...endings].map(([ending, count]) => `${ending} ${count}`);
      return `${name}: ${counts.toSorted().join(", ")}`;
    });
}

/** Names of the functions, operators and constructs in an expression; nothing if it is no expression. */
export function constructsOf(source: string): ReadonlySet<string> {
  const found = new Set<string>();
  try {
    visit(jsonata(source).ast(), found, 0);
  } catch {
    return found;
  }
  // Its parser turns these into conditions.
  if (source.includes("?:")) found.add("operator ?:");
  if (source.includes("??")) found.add("operator ??");
  return found;
}

export function note(
  coverage: Coverage,
  constructs: ReadonlySet<string>,
  ending: Ending,
  count = 1,
): void {
  for (const name of constructs) {
    let endings = coverage.get(name);
    if (endings === undefined) coverage.set(name, (endings = new Map()));
    endings.set(ending, (endings.get(ending) ?? 0) + count);
  }
}

/** Marks of a node beside its type. */
const marks: Readonly<Record<string, string>> = {
  focus: "@",
  index: "#",
  group: "group-by",
  keepArray: "[]",
  signature: "signature",
  thunk: "tail call",
};

function visit(value: unknown, found: Set<string>, lambdas: number): void {
  if (typeof value !== "object" || value === null || value instanceof RegExp) return;
  if (Array.isArray(value)) {
    for (const entry of value) visit(entry, found, lambdas);
    return;
  }
  const node = value as Readonly<Record<string, unknown>>;
  const { type } = node;
  if (typeof type === "string") {
    const operator = type === "binary" || type === "unary" || type === "apply";
    found.add(operator ? `operator ${String(node["value"])}` : type);
    const procedure = node["procedure"] as { readonly value?: unknown } | undefined;
    if (typeof procedure?.value === "string") found.add(`$${procedure.value}`);
    if (type === "index") found.add("#");
    if (type === "variable") found.add(`$${String(node["value"])}`);
    if (type === "lambda" && lambdas > 0 && node["thunk"] !== true) found.add("closure");
  }
  for (const [name, mark] of Object.entries(marks)) if (node[name] !== undefined) found.add(mark);
  const inside = lambdas + (type === "lambda" && node["thunk"] !== true ? 1 : 0);
  for (const [name, entry] of Object.entries(node)) {
    if (name !== "group" || !Array.isArray(entry)) visit(entry, found, inside);
  }
}
