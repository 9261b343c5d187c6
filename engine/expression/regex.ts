import { call } from "./calls.ts";
import { failure, shown } from "./failure.ts";
import type { Found, LinearSearch } from "./linear-search.ts";
import { FunctionValue, collapse, isArray, isObject, plain } from "./values.ts";
import type { Item, ItemObject, Outcome } from "./values.ts";

/** Regular expressions as values: functions that find a match in a text, as jsonata has it. */

export interface Match extends Found {
  readonly match: string;
}

/** A regular expression; as a function it gives the first match. */
export class Regex extends FunctionValue {
  readonly #search: LinearSearch;
  readonly #source: string;
  readonly #offset: number;

  constructor(search: LinearSearch, source: string, offset: number) {
    super(1, (text, from) => this.#matchObject(text, typeof from === "number" ? from : 0));
    this.#search = search;
    this.#source = source;
    this.#offset = offset;
  }

  test(text: string): boolean {
    return this.#search.test(text);
  }

  find(text: string, from: number): Match | undefined {
    const found = this.#search.find(text, from);
    return found && { match: text.slice(found.start, found.end), ...found };
  }

  /** The match behind `previous`. An empty one would be found again and again, hence JSONata's D1004. */
  findNext(text: string, previous: Match): Match | undefined {
    if (previous.end >= text.length) return undefined;
    const next = this.find(text, previous.end);
    if (next?.match === "") {
      throw failure(
        "D1004",
        `The regular expression /${this.#source}/ matches the empty text`,
        this.#offset,
      );
    }
    return next;
  }

  #matchObject(text: Outcome, from: number): Outcome {
    if (text === undefined) return undefined;
    const searched = typeof text === "number" ? String(text) : text;
    if (typeof searched !== "string") {
      throw failure(
        "T0410",
        `A regular expression searches texts, not ${shown(text)}`,
        this.#offset,
      );
    }
    const found = this.find(searched, from);
    return found === undefined ? undefined : this.matchItem(searched, found);
  }

  /** The match as an object of the language. */
  matchItem(text: string, found: Match): ItemObject {
    const next = new FunctionValue(0, () => {
      const following = this.findNext(text, found);
      return following === undefined ? undefined : this.matchItem(text, following);
    });
    return { ...found, next };
  }
}

/** Matches of a regular expression, or of a function of the expression that keeps to the same form, one after the other. */
export class Matches {
  readonly #matcher: FunctionValue;
  readonly #text: string;
  readonly #offset: number;
  #previous: Match | undefined;
  #next: Outcome;

  constructor(matcher: FunctionValue, text: string, offset: number) {
    this.#matcher = matcher;
    this.#text = text;
    this.#offset = offset;
    this.#next = matcher;
  }

  next(): Match | undefined {
    if (this.#matcher instanceof Regex) {
      const previous = this.#previous;
      this.#previous =
        previous === undefined
          ? this.#matcher.find(this.#text, 0)
          : this.#matcher.findNext(this.#text, previous);
      return this.#previous;
    }
    const args = this.#next === this.#matcher ? [this.#text] : [];
    const found = plain(collapse(call(this.#next, args, this.#offset)));
    if (found === undefined) return undefined;
    const match = matchOf(found);
    if (match === undefined) {
      throw failure(
        "T1010",
        `A matcher must give {match, start, end, groups, next}, not ${shown(found)}`,
        this.#offset,
      );
    }
    this.#previous = match;
    this.#next = (found as ItemObject)["next"];
    return match;
  }

  /** The last match as an object of the language. */
  item(): Item {
    if (this.#previous === undefined) return null;
    return this.#matcher instanceof Regex
      ? this.#matcher.matchItem(this.#text, this.#previous)
      : { ...this.#previous, next: this.#next as Item };
  }
}

function matchOf(found: Item): Match | undefined {
  if (!isObject(found)) return undefined;
  const { match, start, end, groups, next } = found;
  if (typeof match !== "string" || typeof start !== "number" || typeof end !== "number")
    return undefined;
  if (!(next instanceof FunctionValue)) return undefined;
  const texts = groups === undefined ? [] : isArray(groups) ? groups : [groups];
  return texts.every((text) => typeof text === "string" || text === null)
    ? { match, start, end, groups: texts }
    : undefined;
}
