import { fields, pick } from "./random-documents.ts";
import type { Random } from "./random-documents.ts";

/** Random expressions, typed loosely, so that most of them give values. */

/** An expression that means to give a number, text, boolean, array or anything. */
export type Kind = "number" | "text" | "boolean" | "array" | "any";

/** Has what paths with names of positions and parents look for. */
const knownData =
  '([{"a": 1, "b": [{"c": "x", "n": 1}, {"c": "y", "n": 2}], "s": "x"}, {"a": 2, "b": [{"c": "z", "n": 3}], "items": [{"a": 5}]}]).b';

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

  /** Without `tuples` no path with names: jsonata loses them when a group follows an order-by. */
  #path(depth: number, tuples = true): string {
    if (tuples && depth > 1 && this.#random() < 0.25) return this.#tuples(depth - 1);
    let path = this.#random() < 0.06 ? this.#pick(["$", "$$", "**", "*"]) : this.#pick(fields);
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
    if (depth > 0 && this.#random() < 0.05) path += this.#predicate(depth - 1);
    return path;
  }

  /** A path that names items, positions or parents, and uses the names. */
  #tuples(depth: number): string {
    const names: string[] = [];
    let path = this.#random() < 0.5 ? this.#pick(fields) : knownData;
    let parents = 0;
    const steps = 1 + Math.floor(this.#random() * 3);
    for (let step = 0; step < steps; step++) {
      const choice = this.#random();
      if (step > 0) path += `.${this.#pick([...fields, "*"])}`;
      if (choice < 0.3) {
        const name = this.#pick(["e", "l"]);
        path += `@$${name}`;
        names.push(name);
      } else if (choice < 0.6) {
        const name = this.#pick(["i", "j"]);
        path += `#$${name}`;
        names.push(name);
      } else {
        parents++;
      }
      if (this.#random() < 0.3)
        path += `[$exists($) and ${this.#with(names, "boolean", depth - 1)}]`;
    }
    const end = this.#random();
    const inner = (kind: Kind): string => this.#with(names, kind, depth - 1);
    const parent = parents > 0 && this.#random() < 0.5 ? "%" : "$";
    if (end < 0.2) return `${path}.{"v": ${inner("any")}, "p": ${parent}.${this.#pick(fields)}}`;
    if (end < 0.4) return `${path}.(${inner("any")})`;
    if (end < 0.5) return `${path}{$string(${inner("text")}): ${inner("any")}}`;
    if (end < 0.6) return `${path}^(${this.#pick(["", ">"])}${this.#pick(fields)})`;
    if (end < 0.7) return `${path}.[${inner("any")}, ${parent}.${this.#pick(fields)}]`;
    if (end < 0.8 && parents > 0) return `(${path}).%.${this.#pick(fields)}`;
    if (end < 0.85 && steps > 1) return `${path}.{"g": %.%.${this.#pick(fields)}}`;
    if (end < 0.9) return `${path}[]`;
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
      () => `$toMillis($fromMillis($abs(${number()}) * 86400000))`,
      () =>
        `$toMillis(${this.#pick(["'12/31/2020'", "'3rd May 2021'"])}, ${this.#pick(["'[M01]/[D01]/[Y0001]'", "'[D1o] [MNn] [Y]'"])})`,
      () =>
        `$parseInteger(${this.#pick(["'12'", "'three'", "'1,024'"])}, ${this.#pick(["'0'", "'w'", "'#,##0'"])})`,
      () => `$power(${number()}, 2)`,
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
      () =>
        `$replace(${text()}, ${this.#regex()}, ${this.#pick(["'z'", "'<$0>'", "'$1$2'", "function($m){ $m.match & $m.start }"])})`,
      () => `$join($split(${text()}, ${this.#regex()}), '+')`,
      () => `$match(${text()}, ${this.#regex()})${this.#pick(["[0]", ""])}.match`,
      () =>
        `$formatNumber(($length(${text()}) - 1) * 2.5, ${this.#pick(["'0.00'", "'#,##0'", "'#0.0e0'", "'00%'"])})`,
      () => `$formatBase(${this.make("number", depth)}, ${this.#pick(["2", "16"])})`,
      () => `$base64decode($base64encode(${text()}))`,
      () => `$decodeUrl($encodeUrl(${text()}))`,
      () =>
        `$formatInteger($length(${text()}), ${this.#pick(["'w'", "'I'", "'0000'", "'#,##0;o'", "'a'"])})`,
      () => `$encodeUrlComponent(${text()})`,
      () =>
        `$fromMillis(${this.make("number", depth)}, ${this.#pick(["'[Y]-[M01]'", "'[FNn] [D1o]'", "'[H01]:[m]'"])})`,
      () => `$decodeUrlComponent($encodeUrlComponent(${text()}))`,
      () => `(${text()} ~> $uppercase ~> $trim)`,
      () =>
        `(${this.#pick(["$uppercase ~> $trim", "$substring(?, 1)", "$pad(?, 4, '*')"])})(${text()})`,
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
      () => `$contains(${this.make("text", depth)}, ${this.#regex()})`,
      () => `$boolean((${this.make("text", depth)} & '') ~> ${this.#regex()})`,
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
      () =>
        `$map(${array()}, ${this.#pick(["$string", "$uppercase", "$length", "$type", "$substring(?, 0, 1)", "$sum", "$exists"])})`,
      () => `$sort(${array()}, function($l, $r){ ${this.#with(["l", "r"], "boolean", depth)} })`,
      () => `$zip(${array()}, ${array()})`,
      () => `$match(${this.make("text", depth)}, ${this.#regex()})`,
      () => `([${array()}, ${array()}])[[0..1]]`,
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
      () => `${this.#path(depth, false)}{$string(${this.#pick(fields)}): $count($)}`,
      () => `(${this.#defaulted(depth)} ${this.#pick(["?:", "??"])} ${this.make("any", depth)})`,
      () => `($v := ${this.make("any", depth)}; ${this.#with(["v"], "any", depth)})`,
      () => `(${this.make("array", depth)})[${this.#pick(["0", "-1", "1"])}]`,
      () => `$merge([{"k": ${this.make("any", depth)}}, {"l": 1}])`,
      () => `$lookup({"x": ${this.make("any", depth)}}, 'x')`,
      () => `$lookup(${this.#path(depth)}, ${this.#pick(["'a'", "'n'"])})`,
      () => `$merge(${this.make("array", depth)})`,
      () =>
        `$sift(${this.#path(depth)}, function($v, $k){ ${this.#with(["v", "k"], "boolean", depth)} })`,
      () =>
        `$single(${this.make("array", depth)}, function($v){ ${this.#with(["v"], "boolean", depth)} })`,
      () =>
        `$reduce(${this.make("array", depth)}, function($l, $r){ ${this.#with(["l", "r"], "any", depth)} }${this.#pick(["", ", 0"])})`,
      () => `$spread(${this.#path(depth)})`,
      () => this.#transform(depth),
      () => this.#signed(depth),
      () => `$clone(${this.#path(depth)})`,
      () => `($assert(${this.make("boolean", depth)}, 'no'); ${this.make("any", depth)})`,
      () => `(${this.make("boolean", depth)} ? ${this.make("any", depth)} : $error('no'))`,
      () => `[$type($now()), $millis() > 0, ${this.make("any", depth)}]`,
      () =>
        `($f := function($n){ $n <= 0 ? ${this.#with([], "any", depth)} : $g($n - 1) }; $g := function($n){ $f($n - 1) }; $f(3))`,
      () =>
        `($g := function($x){ ${this.#with(["x"], "any", depth)} }; $f := function($y){ $g($y) ${this.#pick(["?:", "??"])} ${this.#path(0)} }; $f(${this.make("any", depth)}))`,
      () => `${this.#path(depth, false)}^(${this.#pick(fields)}, >${this.#pick(fields)})`,
      () =>
        `($f := function($x){ $x <= 0 ? ${this.#with(["x"], "any", depth)} : $f($x - 1) }; $f(${this.#pick(["0", "2"])}))`,
      () =>
        `($f := function($x){ function($y){ ${this.#with(["x", "y"], "any", depth)} } }; $f(${this.make("any", depth)})(${this.#pick(["1", "'x'"])}))`,
      () =>
        `($f := function($x, $y){ ${this.#with(["x", "y"], "any", depth)} }; $g := $f(?, ${this.make("any", depth)}); $g(${this.make("any", depth)}))`,
      () => `${this.#path(depth, false)}{${this.make("text", depth)}: ${this.make("any", depth)}}`,
      () => `(${this.make("array", depth)}).(${this.make("any", depth)})`,
      () => `(${this.make("any", depth)} ~> $string)`,
      () =>
        `$each({"k": ${this.make("any", depth)}}, function($v, $k){ ${this.#with(["v", "k"], "any", depth)} })`,
      () => this.#path(depth),
    ])();
  }

  /** jsonata copies what stands left of `?:` as JSON, in which a regular expression is lost: it may then never end. */
  #defaulted(depth: number): string {
    const left = this.make("any", depth);
    return /\/[^ ]/.test(left) ? this.#path(0) : left;
  }

  #regex(): string {
    return this.#pick([
      "/[a-z]+/",
      "/x|y/i",
      "/(\\w)(\\w)?/",
      "/^a.*b$/",
      "/[^-]+$/",
      "/\\d+/",
      "/\\s/",
      "/(l+)o/",
      "/H(e)?/m",
      "/y{2}/",
    ]);
  }

  #transform(depth: number): string {
    const pattern = this.#pick(["$", "a", "items", "**", "a.b", "b[0]", "items[n > 0]", "*"]);
    const update = this.#pick([
      `{"t": ${this.make("any", depth)}}`,
      "{}",
      "$missing2".slice(0, 0) + "zz",
    ]);
    const deletion = this.#pick(["", ", 'a'", ", ['b', 'n']", ", zz"]);
    return `(${this.#pick(["$", ...fields])} ~> |${pattern}|${update}${deletion}|)`;
  }

  /** A function with a signature, applied. */
  #signed(depth: number): string {
    const [signature, argument]: readonly [string, Kind] = this.#pick([
      ["n-:n", "number"],
      ["s:s", "text"],
      ["a:x", "array"],
      ["a<n>:x", "array"],
      ["(sn)?:x", "text"],
      ["x+:x", "any"],
      ["b?:x", "boolean"],
    ] as const);
    const body = this.#with(["x"], "any", depth);
    return `(function($x)<${signature}>{ ${body} })(${this.make(argument, depth)})`;
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
