import { NumberToken } from "./number-token.ts";
import type { Value } from "./value.ts";

/** JSON text that is not JSON: what was found, and at which code unit. */
export class JsonTextError extends Error {
  /** In code units of the text. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = "JsonTextError";
    this.offset = offset;
  }
}

/** Callers that take hostile text bound its depth themselves; this only keeps the stack from overflowing. */
const depthMax = 1_000;

const numberGrammar = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** A string's inner text up to its closing quote, a backslash, or a character that may not stand in it. */
// oxlint-disable-next-line no-control-regex
const stringRun = /[^"\\\u0000-\u001f]*/y;
const hexDigits = /^[0-9a-fA-F]{4}$/;

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

/** JSON.parse by hand, with the source text of numbers and the place of faults. One text per parser. */
export class JsonParser {
  readonly #text: string;
  #index = 0;
  #depth = 0;
  /** Number tokens made so far. */
  tokens = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Value {
    this.#skipBlanks();
    const value = this.#value();
    this.#skipBlanks();
    if (this.#index < this.#text.length) {
      throw this.#unexpected("the end of the text");
    }
    return value;
  }

  #skipBlanks(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#index);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) {
        return;
      }
      this.#index += 1;
    }
  }

  #value(): Value {
    switch (this.#text.charCodeAt(this.#index)) {
      case 0x7b:
        return this.#object();
      case 0x5b:
        return this.#array();
      case 0x22:
        return this.#string();
      case 0x74:
        return this.#word("true", true);
      case 0x66:
        return this.#word("false", false);
      case 0x6e:
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #word<T extends Value>(word: string, value: T): T {
    for (let at = 1; at < word.length; at += 1) {
      if (this.#text[this.#index + at] !== word[at]) {
        throw this.#unexpected(`"${word}"`, this.#index + at);
      }
    }
    this.#index += word.length;
    return value;
  }

  #number(): Value {
    numberGrammar.lastIndex = this.#index;
    const match = numberGrammar.exec(this.#text);
    if (match === null) {
      if (this.#text[this.#index] === "-") {
        throw this.#unexpected("a digit", this.#index + 1);
      }
      throw this.#unexpected("a value");
    }
    const token = match[0];
    this.#index += token.length;
    const next = this.#text[this.#index];
    if (next === "." || next === "e" || next === "E") {
      // The grammar takes a fraction or exponent only with digits.
      const sign = this.#text[this.#index + 1];
      const signed = next !== "." && (sign === "+" || sign === "-");
      throw this.#unexpected("a digit", this.#index + (signed ? 2 : 1));
    }
    const number = Number(token);
    if (String(number) === token) {
      return number;
    }
    this.tokens += 1;
    return new NumberToken(token);
  }

  #string(): string {
    this.#index += 1;
    let read = "";
    for (;;) {
      stringRun.lastIndex = this.#index;
      stringRun.test(this.#text);
      const end = stringRun.lastIndex;
      const run = this.#text.slice(this.#index, end);
      read = read === "" ? run : read + run;
      this.#index = end;
      const unit = this.#text.charCodeAt(end);
      if (unit === 0x22) {
        this.#index += 1;
        return read;
      }
      if (unit !== 0x5c) {
        throw this.#unexpected("the end of a string");
      }
      read += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.#index + 1] ?? "";
    if (letter === "u") {
      const digits = this.#text.slice(this.#index + 2, this.#index + 6);
      if (!hexDigits.test(digits)) {
        throw this.#unexpected("four hexadecimal digits", this.#index + 2);
      }
      this.#index += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const character = escapes.get(letter);
    if (character === undefined) {
      throw this.#unexpected("an escape character", this.#index + 1);
    }
    this.#index += 2;
    return character;
  }

  #array(): Value {
    this.#enter();
    const items: Value[] = [];
    if (!this.#close(0x5d)) {
      do {
        this.#skipBlanks();
        items.push(this.#value());
      } while (this.#more(0x5d, "]"));
    }
    return items;
  }

  #object(): Value {
    this.#enter();
    const members: Record<string, Value> = {};
    if (!this.#close(0x7d)) {
      do {
        this.#skipBlanks();
        if (this.#text.charCodeAt(this.#index) !== 0x22) {
          throw this.#unexpected("a member name in double quotes");
        }
        const name = this.#string();
        this.#skipBlanks();
        if (this.#text.charCodeAt(this.#index) !== 0x3a) {
          throw this.#unexpected('":"');
        }
        this.#index += 1;
        this.#skipBlanks();
        const value = this.#value();
        if (name === "__proto__") {
          // An assignment would set the prototype.
          Object.defineProperty(members, name, {
            value,
            writable: true,
            enumerable: true,
            configurable: true,
          });
        } else {
          members[name] = value;
        }
      } while (this.#more(0x7d, "}"));
    }
    return members;
  }

  /** Steps over an opening bracket and blanks. */
  #enter(): void {
    this.#depth += 1;
    if (this.#depth > depthMax) {
      throw new JsonTextError(`nested more than ${depthMax} deep`, this.#index);
    }
    this.#index += 1;
    this.#skipBlanks();
  }

  #close(bracket: number): boolean {
    if (this.#text.charCodeAt(this.#index) !== bracket) {
      return false;
    }
    this.#index += 1;
    this.#depth -= 1;
    return true;
  }

  /** Behind a value: true after a comma, false after the closing bracket. */
  #more(bracket: number, name: string): boolean {
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#index) === 0x2c) {
      this.#index += 1;
      return true;
    }
    if (this.#close(bracket)) {
      return false;
    }
    throw this.#unexpected(`"," or "${name}"`);
  }

  #unexpected(wanted: string, at = this.#index): JsonTextError {
    const offset = Math.min(at, this.#text.length);
    const point = this.#text.codePointAt(offset);
    return new JsonTextError(`expected ${wanted}, found ${nameOf(point)}`, offset);
  }
}

function nameOf(point: number | undefined): string {
  if (point === undefined) {
    return "the end of the text";
  }
  // Printable ASCII as itself; anything else would be unreadable or misleading in a message.
  return point > 0x20 && point < 0x7f
    ? `"${String.fromCodePoint(point)}"`
    : `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
}
