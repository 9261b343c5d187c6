import type { RE2JS } from "re2js";
import { call } from "./calls.ts";
import { failure, shown } from "./failure.ts";
import { spend } from "./meter.ts";
import { FunctionValue, collapse, isArray, isObject, plain } from "./values.ts";
import type { Item, ItemObject, Outcome } from "./values.ts";

/** Regular expressions as values: functions that find a match in a text, as jsonata has it. */

export interface Match {
  readonly match: string;
  /** Code units; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  /** `null` for a group that took no part. */
  readonly groups: readonly (string | null)[];
}

/**
 * Whether a search is over as soon as its match is: nothing is repeated without bound, but perhaps the last character
 * of the pattern. Other searches may look at the whole rest of the text to find a match of three characters.
 */
function stopsAtMatch(source: string): boolean {
  const bare = source.replaceAll(/\\.|\[(?:\\.|[^\]])*\]/g, "x").replace(/[*+]\??\)*$/, "");
  return !/[*+]|\{\d+,\}/.test(bare);
}

/** A regular expression; as a function it gives the first match. */
export class Regex extends FunctionValue {
  readonly #pattern: RE2JS;
  readonly #source: string;
  /** Steps for a character: one costs time in proportion to the program that looks at it. */
  readonly #stepsPerCharacter: number;
  /** No search looks further than a little behind its match. */
  readonly #stopsAtMatch: boolean;
  readonly #offset: number;

  constructor(pattern: RE2JS, source: string, offset: number) {
    super(1, (text, from) => this.#matchObject(text, typeof from === "number" ? from : 0));
    this.#pattern = pattern;
    this.#source = source;
    this.#stepsPerCharacter = (1 + Number(pattern.re2().numberOfInstructions()) / 16) / 8;
    this.#stopsAtMatch = stopsAtMatch(source);
    this.#offset = offset;
  }

  test(text: string): boolean {
    this.#spend(text.length / 4);
    return this.#pattern.test(text);
  }

  find(text: string, from: number): Match | undefined {
    if (!this.#stopsAtMatch) this.#spend(text.length - from);
    const matcher = this.#pattern.matcher(text);
    const found = matcher.find(from);
    if (this.#stopsAtMatch) this.#spend((found ? matcher.end() : text.length) - from);
    if (!found) return undefined;
    const groups = Array.from({ length: matcher.groupCount() }, (_, index) =>
      matcher.group(index + 1),
    );
    return { match: matcher.group() ?? "", start: matcher.start(), end: matcher.end(), groups };
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

  #spend(length: number): void {
    spend(1 + Math.trunc(length * this.#stepsPerCharacter));
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
