import { Decimal } from "../core/decimal.ts";
import { parseJsonExact } from "../core/json-text.ts";
import type { JsonValue } from "../core/json.ts";
import { NumberToken } from "../core/number-token.ts";
import type { ValueReader } from "../core/record.ts";
import { isList } from "../core/value-kind.ts";
import type { Value, ValueObject } from "../core/value.ts";
import { decodeValue } from "../operators/value-json.ts";

/** Of a value that JSON text alone does not tell, as `encodeValue` names it. */
type Kind = "c" | "s" | "n" | "t" | "z";
type Step = string | number;

/** Where in a record something stands that `JSON.parse` of its text would not give back. */
interface TypedPlace {
  readonly path: readonly Step[];
  readonly kind: Kind;
}

/** The typed places of a record, in the order of its members. Plain data: it crosses threads. */
export type ValueTypes = readonly TypedPlace[];

const plain: ValueTypes = [];

/** Numbers the types of records, the same for the same ones: the records of a stream have few. */
export class TypeTable {
  readonly #list: ValueTypes[] = [];
  readonly #numbers = new Map<string, number>();
  /** Of the record before. */
  #last = plain;
  #lastNumber = -1;
  readonly #path: Step[] = [];
  #matched = 0;

  numberOf(value: ValueObject): number {
    this.#matched = 0;
    this.#path.length = 0;
    const same = this.#lastNumber >= 0 && this.#matches(value);
    return same && this.#matched === this.#last.length
      ? this.#lastNumber
      : this.#add(typesOf(value));
  }

  /** Of a record without typed places. */
  plain(): number {
    return this.#last === plain && this.#lastNumber >= 0 ? this.#lastNumber : this.#add(plain);
  }

  /** All types, by their numbers. */
  get list(): readonly ValueTypes[] {
    return this.#list;
  }

  #add(types: ValueTypes): number {
    const name = JSON.stringify(types);
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#list.push(types) - 1;
      this.#numbers.set(name, number);
    }
    this.#last = this.#list[number] as ValueTypes;
    this.#lastNumber = number;
    return number;
  }

  /** Whether the typed places found are the next ones of the record before. */
  #matches(container: ValueObject | readonly Value[]): boolean {
    const path = this.#path;
    return everyMember(container, (member, step) => {
      const kind = kindOf(member);
      if (kind === undefined) return true;
      path.push(step);
      const matches =
        kind === "container"
          ? this.#matches(member as ValueObject | readonly Value[])
          : this.#isNext(kind);
      path.pop();
      return matches;
    });
  }

  #isNext(kind: Kind): boolean {
    const place = this.#last[this.#matched];
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
  const visit = (container: ValueObject | readonly Value[], path: readonly Step[]): boolean =>
    everyMember(container, (member, step) => {
      const kind = kindOf(member);
      if (kind === "container") {
        return visit(member as ValueObject | readonly Value[], [...path, step]);
      }
      if (kind !== undefined) places.push({ path: [...path, step], kind });
      return true;
    });
  visit(value, []);
  return places.length === 0 ? plain : places;
}

function everyMember(
  container: ValueObject | readonly Value[],
  test: (member: Value, step: Step) => boolean,
): boolean {
  if (isList(container)) return container.every(test);
  for (const name of Object.keys(container)) {
    if (!test(container[name] as Value, name)) return false;
  }
  return true;
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

/** Reads the text of records of one type. */
export class TypedReader implements ValueReader {
  readonly #types: ValueTypes;
  /** Some number's own digits count. */
  readonly #digits: boolean;

  constructor(types: ValueTypes) {
    this.#types = types;
    this.#digits = types.some(({ kind }) => kind === "n" || kind === "t");
  }

  /** False where plain JSON tells all. */
  get typed(): boolean {
    return this.#types.length > 0;
  }

  read(text: string): ValueObject {
    const value: ValueObject = JSON.parse(text);
    if (!this.typed) return value;
    const exact = this.#digits ? parseJsonExact(text) : value;
    for (const { path, kind } of this.#types) {
      const last = path.at(-1) as Step;
      const parent = memberAt(value, path, path.length - 1) as Record<Step, Value>;
      // Also `__proto__` is a member of its own here, which an assignment keeps.
      parent[last] = decodeValue([kind, digitsOf(memberAt(exact, path, path.length))]);
    }
    return value;
  }
}

function memberAt(value: Value, path: readonly Step[], length: number): Value {
  let member = value;
  for (let index = 0; index < length; index += 1) {
    member = (member as Readonly<Record<Step, Value>>)[path[index] as Step] as Value;
  }
  return member;
}

function digitsOf(value: Value): JsonValue {
  if (typeof value === "string") return value;
  return value instanceof NumberToken ? value.text : String(value);
}
