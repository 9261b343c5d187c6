/** What the compiler knows about a value before any record is seen. `any` may be everything. */
export type StaticType =
  | "string"
  | "number"
  /** A number or a number token, never a decimal. */
  | "numeric"
  | "boolean"
  | "decimal"
  | "array"
  | "object"
  | "function"
  | "any";

/** A piece of generated JavaScript (one expression) and what is known of its value. */
export interface Code {
  readonly js: string;
  /** Of the value if there is one. `number` is a JavaScript number, never a decimal or a token. */
  readonly type: StaticType;
  /** May be absent. */
  readonly optional: boolean;
  /** May be a Sequence. */
  readonly sequence: boolean;
  /** May be a Sequence that is still to be collapsed. */
  readonly raw: boolean;
  /** A name or a literal: cheap and safe to repeat. */
  readonly atom: boolean;
  /** The value itself, of literals. */
  readonly literal?: string | number | boolean | null;
  /** Of arrays: all members are JavaScript numbers. */
  readonly numbers?: boolean;
  /** Of rows of a reference table: type of each column. */
  readonly members?: ReadonlyMap<string, StaticType>;
}

type Facts = Partial<Omit<Code, "js">>;

/** Something of which nothing is known but that it is no uncollapsed sequence. */
export function code(js: string, facts: Facts = {}): Code {
  const type = facts.type ?? "any";
  return { type, optional: true, sequence: type === "any", raw: false, atom: false, ...facts, js };
}

/** Text as JavaScript source. Nothing of a spec reaches the generated source otherwise. */
export function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

export function literal(value: string | number | boolean | null): Code {
  const facts = { optional: false, sequence: false, atom: true, literal: value } as const;
  if (typeof value === "string") return code(quoted(value), { ...facts, type: "string" });
  if (typeof value === "number") {
    return code(Object.is(value, -0) ? "(-0)" : `(${value})`, { ...facts, type: "number" });
  }
  if (value === null) return code("null", facts);
  return code(String(value), { ...facts, type: "boolean" });
}
