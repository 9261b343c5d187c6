/** Random expressions over random documents, from a seed: no clocks, no Math.random. */

export type Random = () => number;

/** Mulberry32: small, good enough to choose test cases. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T;
}

const fields = ["a", "b", "c", "n", "s", "items", "tags"];

export function randomDocument(random: Random): Record<string, unknown> {
  return randomObject(random, 3);
}

function randomObject(random: Random, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const field of fields) if (random() < 0.7) object[field] = randomValue(random, depth - 1);
  return object;
}

function randomValue(random: Random, depth: number): unknown {
  const kind = Math.floor(random() * (depth > 0 ? 9 : 6));
  if (kind < 2) return pick(random, [0, 1, 2, 3, -1, 2.5, 10]);
  if (kind < 4) return pick(random, ["", "x", "yy", "a-b", "10", "Hello World"]);
  if (kind === 4) return random() < 0.5;
  if (kind === 5) return null;
  if (kind === 6) return randomObject(random, depth);
  const length = Math.floor(random() * 4);
  if (kind === 7) return Array.from({ length }, () => randomObject(random, depth));
  return Array.from({ length }, () => randomValue(random, depth));
}

/** An expression that means to give a number, text, boolean, array or anything. */
export type Kind = "number" | "text" | "boolean" | "array" | "any";

export class ExpressionMaker {
  readonly #random: Random;
  readonly #variables: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  make(kind: Kind = "any", depth = 4): string {
    if (depth <= 0 || this.#random() < 0.15) return this.#leaf(kind);
    switch (kind) {
      case "number":
        return this.#number(depth - 1);
      case "text":
        return this.#text(depth - 1);
      case "boolean":
        return this.#boolean(depth - 1);
      case "array":
        return this.#array(depth - 1);
      case "any":
        break;
    }
    return this.#any(depth - 1);
  }

  #leaf(kind: Kind): string {
    if (this.#variables.length > 0 && this.#random() < 0.3)
      return `$${this.#pick(this.#variables)}`;
    if (this.#random() < 0.5) return this.#path(0);
    switch (kind) {
      case "number":
        return this.#pick(["0", "1", "2", "3.5", "-1", "10"]);
      case "text":
        return this.#pick(["''", "'x'", '"a-b"', "'yy'"]);
      case "boolean":
        return this.#pick(["true", "false"]);
      case "array":
        return this.#pick(["[]", "[1,2,3]", "['x','yy']", "[1..3]"]);
      case "any":
        break;
    }
    return this.#pick(["$", "null", "1", "'x'", "true"]);
  }

  #path(depth: number): string {
    let path = this.#pick(fields);
    while (this.#random() < 0.45) {
      const choice = this.#random();
      if (choice < 0.6) path += `.${this.#pick(fields)}`;
      else if (choice < 0.7) path += `[${this.#pick(["0", "1", "-1"])}]`;
      else if (choice < 0.8 && depth > 0) path += this.#predicate(depth - 1);
      else if (choice < 0.85) path += ".*";
      else if (choice < 0.9 && depth > 0) path += `.(${this.make("any", depth - 1)})`;
      else if (choice < 0.94 && depth > 0) path += `.{"k": ${this.make("any", depth - 1)}}`;
      else if (choice < 0.97) path += "[]";
      else if (depth > 0) path += `^(${this.#pick(["", ">", "<"])}${this.#pick(fields)})`;
    }
    return path;
  }

  /** jsonata keeps an absent item that a predicate says true of, and then counts it as a member. */
  #predicate(depth: number): string {
    return `[$exists($) and ${this.make("boolean", depth)}]`;
  }

  #number(depth: number): string {
    const number = (): string => this.make("number", depth);
    return this.#pick([
      () => `(${number()} ${this.#pick(["+", "-", "*", "/", "%"])} ${number()})`,
      () => `-${this.#pick(["(", "$abs("])}${number()})`,
      () => `$count(${this.make("array", depth)})`,
      () => `$length(${this.make("text", depth)})`,
      () => `$sum([${number()}, ${number()}])`,
      () => `$${this.#pick(["max", "min", "average"])}([${number()}, 2, ${number()}])`,
      () => `$${this.#pick(["floor", "ceil", "abs", "number", "sqrt"])}(${number()})`,
      () => `$round($abs(${number()}), ${this.#pick(["0", "1", "2", "-1"])})`,
      () => `$reduce([1,2,${number()}], function($x, $y){ $x + $y })`,
      () => `(${this.make("boolean", depth)} ? ${number()} : ${number()})`,
      () => this.#path(depth),
    ])();
  }

  #text(depth: number): string {
    const text = (): string => this.make("text", depth);
    return this.#pick([
      () => `(${text()} & ${this.make("any", depth)})`,
      () => `$${this.#pick(["uppercase", "lowercase", "trim", "string"])}(${text()})`,
      () =>
        `$substring(${text()}, ${this.#pick(["0", "1", "-2"])}, ${this.#pick(["0", "1", "2"])})`,
      () => `$${this.#pick(["substringBefore", "substringAfter"])}(${text()}, '-')`,
      () => `$pad(${text()}, ${this.#pick(["3", "-4"])}, '#')`,
      () => `$join($split(${text()}, '-'), '+')`,
      () => `$replace(${text()}, 'x', 'zz')`,
      () => `$string(${this.make("any", depth)})`,
      () => `$type(${this.make("any", depth)})`,
      () => `$split(${text()}, '-')[${this.#pick(["0", "1", "2"])}]`,
      () => `(${this.make("boolean", depth)} ? ${text()} : ${text()})`,
      () => this.#path(depth),
    ])();
  }

  #boolean(depth: number): string {
    const any = (): string => this.make("any", depth);
    return this.#pick([
      () =>
        `(${this.make("number", depth)} ${this.#pick(["<", "<=", ">", ">="])} ${this.make("number", depth)})`,
      () => `(${this.make("text", depth)} ${this.#pick(["<", ">"])} ${this.make("text", depth)})`,
      () => `(${any()} ${this.#pick(["=", "!="])} ${any()})`,
      () => `(${any()} in ${this.#pick(["[1, 2, 'x']", "['x','yy']", this.make("array", depth)])})`,
      () => `(${this.make("boolean", depth)} ${this.#pick(["and", "or"])} ${any()})`,
      () => `$${this.#pick(["not", "exists", "boolean"])}(${any()})`,
      () => `$contains(${this.make("text", depth)}, 'x')`,
    ])();
  }

  #array(depth: number): string {
    const array = (): string => this.make("array", depth);
    return this.#pick([
      () => `[${this.make("any", depth)}, ${this.make("any", depth)}]`,
      () => `$map(${array()}, function($v, $i){ ${this.#with(["v", "i"], "any", depth)} })`,
      () => `$filter(${array()}, function($v){ ${this.#with(["v"], "boolean", depth)} })`,
      () => `$append(${array()}, ${this.make("any", depth)})`,
      () => `$${this.#pick(["reverse", "distinct", "keys", "spread"])}(${array()})`,
      () => `$sort([${this.make("number", depth)}, 2, 1])`,
      () => this.#path(depth) + this.#predicate(depth),
      () => `${this.#path(depth)}.(${this.make("any", depth)})`,
      () => `[${this.#pick(["0", "1"])}..${this.#pick(["2", "3"])}]`,
      () => this.#path(depth),
    ])();
  }

  #any(depth: number): string {
    return this.#pick([
      () => this.make("number", depth),
      () => this.make("text", depth),
      () => this.make("boolean", depth),
      () => this.make("array", depth),
      () => `{"k": ${this.make("any", depth)}, "l": ${this.make("any", depth)}}`,
      () => `${this.#path(depth)}{$string(${this.#pick(fields)}): $count($)}`,
      () => `(${this.make("any", depth)} ${this.#pick(["?:", "??"])} ${this.make("any", depth)})`,
      () => `($v := ${this.make("any", depth)}; ${this.#with(["v"], "any", depth)})`,
      () => `(${this.make("array", depth)})[${this.#pick(["0", "-1", "1"])}]`,
      () => `$merge([{"k": ${this.make("any", depth)}}, {"l": 1}])`,
      () => `$lookup({"x": ${this.make("any", depth)}}, 'x')`,
      () => `(${this.make("any", depth)} ~> $string)`,
      () =>
        `$each({"k": ${this.make("any", depth)}}, function($v, $k){ ${this.#with(["v", "k"], "any", depth)} })`,
      () => this.#path(depth),
    ])();
  }

  #with(names: readonly string[], kind: Kind, depth: number): string {
    this.#variables.push(...names);
    const inner = this.make(kind, depth);
    this.#variables.length -= names.length;
    // Not a call in tail position: jsonata leaves what a built-in gives there uncollapsed, or loses its predicate.
    return `($r := ${inner}; $r)`;
  }

  #pick<T>(choices: readonly T[]): T {
    return pick(this.#random, choices);
  }
}
