// JSON with nothing lost: numbers keep their source text, objects the order of their members. Part of the independent
// oracle: it shares no code with the engine.

/** A JSON number as it was written. */
export class NumberText {
  constructor(text) {
    this.text = text;
  }

  get number() {
    return Number(this.text);
  }
}

/** Throws SyntaxError if `text` is not JSON. Objects become Maps (the last of equal names wins, at the first's place). */
export function readJson(text) {
  // The built-in parser judges; what follows may rely on a well-formed text.
  JSON.parse(text);
  return new Reader(text).value();
}

class Reader {
  #text;
  #at = 0;

  constructor(text) {
    this.#text = text;
  }

  value() {
    this.#skipBlanks();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case '"':
        return this.#string();
      case "t":
        this.#at += 4;
        return true;
      case "f":
        this.#at += 5;
        return false;
      case "n":
        this.#at += 4;
        return null;
      default:
        return this.#number();
    }
  }

  #object() {
    const members = new Map();
    this.#at += 1;
    this.#skipBlanks();
    while (this.#text[this.#at] !== "}") {
      if (this.#text[this.#at] === ",") this.#at += 1;
      this.#skipBlanks();
      const name = this.#string();
      this.#skipBlanks();
      this.#at += 1;
      members.set(name, this.value());
      this.#skipBlanks();
    }
    this.#at += 1;
    return members;
  }

  #array() {
    const items = [];
    this.#at += 1;
    this.#skipBlanks();
    while (this.#text[this.#at] !== "]") {
      if (this.#text[this.#at] === ",") this.#at += 1;
      items.push(this.value());
      this.#skipBlanks();
    }
    this.#at += 1;
    return items;
  }

  #string() {
    const start = this.#at;
    let end = start + 1;
    let escaped = false;
    for (; this.#text[end] !== '"'; end += 1) {
      if (this.#text[end] !== "\\") continue;
      escaped = true;
      end += 1;
    }
    this.#at = end + 1;
    return escaped
      ? JSON.parse(this.#text.slice(start, end + 1))
      : this.#text.slice(start + 1, end);
  }

  #number() {
    const start = this.#at;
    while (this.#at < this.#text.length && "+-.eE0123456789".includes(this.#text[this.#at])) {
      this.#at += 1;
    }
    return new NumberText(this.#text.slice(start, this.#at));
  }

  #skipBlanks() {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return;
      this.#at += 1;
    }
  }
}

/** Compact JSON text. Members named like array indexes come first, rising, as JavaScript orders them. */
export function writeJson(value) {
  if (value instanceof NumberText) return value.text;
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  const indexes = [];
  const names = [];
  for (const name of value.keys()) (isArrayIndex(name) ? indexes : names).push(name);
  indexes.sort((a, b) => Number(a) - Number(b));
  const members = [...indexes, ...names].map(
    (name) => `${JSON.stringify(name)}:${writeJson(value.get(name))}`,
  );
  return `{${members.join(",")}}`;
}

function isArrayIndex(name) {
  return /^(?:0|[1-9][0-9]{0,9})$/.test(name) && Number(name) < 2 ** 32 - 1;
}
