import type { Code } from "./code.ts";
import type { Node } from "./syntax.ts";

/** One JavaScript function of the generated source: its own temporaries and variables. */
export interface Body {
  readonly names: string[];
}

/** A variable of the language, which is a local of the generated source. */
export interface Local {
  readonly js: string;
  readonly body: Body;
  /** How often the text assigns it. */
  readonly assignments: number;
  /** Depth of conditions at which its scope starts: an assignment deeper may not happen. */
  readonly conditions: number;
  /** `no`: nothing compiled so far assigns it. `maybe`: only some ways do. */
  assigned: "no" | "maybe" | "yes";
  /** What is known of its value, if it is assigned once and always. */
  facts: Code | undefined;
  /** True once a reader must tell "not assigned yet" (then an outer variable of that name counts) from "absent". */
  sentinel: boolean;
}

/** A frame of jsonata: a block, a lambda, the whole expression, the names that a path's tuples carry (`tuple`). */
export interface Scope {
  readonly outer: Scope | undefined;
  readonly locals: Map<string, Local>;
  readonly tuple?: boolean;
}

/** How often each name is assigned in the frame that `nodes` share: not inside their blocks and lambdas. */
export function assignmentsIn(nodes: readonly Node[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const entry of value) visit(entry);
      return;
    }
    if (typeof value !== "object" || value === null || value instanceof RegExp) return;
    const node = value as Node;
    if (node.type === "bind") {
      counts.set(node.lhs.value, (counts.get(node.lhs.value) ?? 0) + 1);
      visit(node.rhs);
    } else if (node.type === "block" || (node.type === "lambda" && node.thunk !== true)) {
      visit(node.predicate);
      visit(node.group);
    } else {
      for (const [name, part] of Object.entries(node)) if (name !== "signature") visit(part);
    }
  };
  visit(nodes);
  return counts;
}
