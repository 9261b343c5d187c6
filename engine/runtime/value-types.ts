import { Decimal } from "../core/decimal.ts";
import { parseJsonExact, serializeValue } from "../core/json-text.ts";
import { NumberToken } from "../core/number-token.ts";
import { isList } from "../core/value-kind.ts";
import type { Value, ValueObject } from "../core/value.ts";
import { decodeValue } from "../operators/value-json.ts";

/** How a value that JSON text does not tell is marked: the letters of `encodeValue`. */
type Kind = "c" | "s" | "n" | "t" | "z";
type Step = string | number;

/** Where in a record something stands that `JSON.parse` of its text would not give back. */
interface TypedPlace {
  readonly path: readonly Step[];
  readonly kind: Kind;
}

/** The typed places of a record, in the order of its members. Plain data: it crosses threads. */
export type ValueTypes = readonly TypedPlace[];

/** Numbers the types of records, from 0, the same for the same ones: the records of a batch have few. */
export class TypeTable {
  readonly list: ValueTypes[] = [];
  /** Of all types in the list. */
  places = 0;
  readonly #numbers = new Map<string, number>();
  #plainNumber = -1;
  /** Of the record before that was looked at. */
  #last: ValueTypes | undefined;
  #lastNumber = -1;
  readonly #path: Step[] = [];
  #matched = 0;

  numberOf(value: ValueObject): number {
    this.#matched = 0;
    this.#path.length = 0;
    if (this.#matches(value) && this.#matched === this.#last?.length) return this.#lastNumber;
    this.#last = typesOf(value);
    this.#lastNumber = this.#add(this.#last);
    return this.#lastNumber;
  }

  /** Of a record that is known to have no typed places. */
  plain(): number {
    if (this.#plainNumber < 0) this.#plainNumber = this.#add([]);
    return this.#plainNumber;
  }

  #add(types: ValueTypes): number {
    const name = JSON.stringify(types);
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.places += types.length;
    const number = this.list.push(types) - 1;
    this.#numbers.set(name, number);
    return number;
  }

  /** Whether the typed places found are the next ones of the record before. */
  #matches(container: ValueObject | readonly Value[]): boolean {
    if (isList(container)) return container.every((item, index) => this.#agrees(item, index));
    for (const name in container) {
      if (!this.#agrees(container[name] as Value, name)) return false;
    }
    return true;
  }

  #agrees(value: Value, step: Step): boolean {
    const kind = kindOf(value);
    if (kind === undefined) return true;
    this.#path.push(step);
    const agrees =
      kind === "container"
        ? this.#matches(value as ValueObject | readonly Value[])
        : this.#isNext(kind);
    this.#path.pop();
    return agrees;
  }

  #isNext(kind: Kind): boolean {
    const place = this.#last?.[this.#matched];
    this.#matched += 1;
    return (
      place?.kind === kind &&
      place.path.length === this.#path.length &&
      place.path.every((step, index) => step === this.#path[index])
    );
  }
}

function typesOf(value: ValueObject): ValueTypes {
  const places: TypedPlace[] = [];
  const visit = (container: ValueObject | readonly Value[], path: readonly Step[]): void => {
    for (const [name, member] of Object.entries(container)) {
      const step = isList(container) ? Number(name) : name;
      const kind = kindOf(member);
      if (kind === "container") visit(member as ValueObject | readonly Value[], [...path, step]);
      else if (kind !== undefined) places.push({ path: [...path, step], kind });
    }
  };
  visit(value, []);
  return places;
}

function kindOf(value: Value): Kind | "container" | undefined {
  if (typeof value === "number") return Object.is(value, -0) ? "z" : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  if (value instanceof Decimal) {
    if (value.token === undefined) return "c";
    return value.jsonKind === "number" ? "n" : "s";
  }
  return value instanceof NumberToken ? "t" : "container";
}

/** Reads the text of a record of the given types. */
export function readTyped(text: string, types: ValueTypes): ValueObject {
  const value: ValueObject = JSON.parse(text);
  if (types.length === 0) return value;
  const digitsCount = types.some(({ kind }) => kind === "n" || kind === "t");
  const exact = digitsCount ? parseJsonExact(text) : value;
  for (const { path, kind } of types) {
    const last = path.length - 1;
    const parent = memberAt(value, path, last) as Record<Step, Value>;
    // Also `__proto__` is a member of its own here, which an assignment keeps.
    parent[path[last] as Step] = decodeValue([kind, digitsOf(memberAt(exact, path, path.length))]);
  }
  return value;
}

function memberAt(value: Value, path: readonly Step[], length: number): Value {
  let member = value;
  for (let index = 0; index < length; index += 1) {
    member = (member as Readonly<Record<Step, Value>>)[path[index] as Step] as Value;
  }
  return member;
}

function digitsOf(value: Value): string {
  return typeof value === "string" ? value : serializeValue(value);
}

/**
 * Texts of one top-level field, a value for each record in turn; null where it is neither text nor a decimal that is
 * written as text, or absent.
 */
export type Column = readonly (string | null)[];

export function cellOf(value: ValueObject, name: string): string | null {
  if (!Object.hasOwn(value, name)) return null;
  const member = value[name] as Value;
  if (typeof member === "string") return member;
  return member instanceof Decimal && member.jsonKind === "string" ? member.toJSON() : null;
}

/** The other side of `cellOf`, for a record of the given types. */
export function readCell(text: string, name: string, types: ValueTypes): Value {
  const place = types.find(({ path }) => path.length === 1 && path[0] === name);
  return place === undefined ? text : decodeValue([place.kind, text]);
}
