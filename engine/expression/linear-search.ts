import type { RE2JS } from "re2js";
import { meter, spend } from "./meter.ts";

export interface Found {
  /** Code units; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  /** `null` for a group that took no part. */
  readonly groups: readonly (string | null)[];
}

/** What a search costs, however short its text. */
const stepsPerSearch = 10;
/** The engine may follow every instruction of its program at every character. */
const instructionsPerStep = 5;
/** Up to this size a program has so few states that a test for a match soon knows them all. */
const smallProgram = 16;
/** Each instruction carries the places of the groups along. */
const groupsPerInstruction = 50;

/** What is known of a pattern beside its program. */
export interface PatternShape {
  /** Finds a character that no part of the pattern matches: there the engine has nothing left to follow. */
  readonly foreign: RegExp | undefined;
  /** It matches at the start of a text only. */
  readonly anchored: boolean;
  /** Nothing is repeated without bound, but perhaps its last part: what follows a match is hardly looked at. */
  readonly stopsAtMatch: boolean;
}

/**
 * Searches of the linear-time engine, paid by the characters that it looks at and by the size of the pattern. Finding
 * all matches in a text may still look at the whole rest of it for each.
 */
export class LinearSearch {
  readonly #pattern: RE2JS;
  readonly #shape: PatternShape;
  readonly #stepsPerCharacter: number;
  readonly #testStepsPerCharacter: number;
  readonly #instructions: number;

  constructor(pattern: RE2JS, shape: PatternShape) {
    this.#pattern = pattern;
    this.#shape = shape;
    const instructions = Number(pattern.re2().numberOfInstructions());
    this.#instructions = instructions;
    this.#stepsPerCharacter = (instructions + 4) / instructionsPerStep;
    this.#testStepsPerCharacter = instructions <= smallProgram ? 1 / 4 : this.#stepsPerCharacter;
  }

  test(text: string): boolean {
    const length = this.#reach(text, 0, text.length);
    spend(stepsPerSearch + Math.trunc(length * this.#testStepsPerCharacter));
    return this.#pattern.test(text);
  }

  /** The first match at or behind `from`. */
  find(text: string, from: number): Found | undefined {
    // No more of the text than can be paid: what the engine sees there does not change when it reads on.
    const payable = from + Math.max(0, Math.trunc(meter.fuel / this.#stepsPerCharacter));
    const seen = text.length <= payable ? text : text.slice(0, payable);
    const matcher = this.#pattern.matcher(seen);
    const found = matcher.find(from);
    const reach = this.#reach(seen, from, found ? matcher.end() : seen.length);
    if (seen.length < text.length && reach === seen.length) spend(meter.fuel + 1);
    spend(stepsPerSearch + Math.trunc((reach - from) * this.#stepsPerCharacter));
    if (!found) return undefined;
    const start = matcher.start();
    const count = matcher.groupCount();
    if (count > 0) {
      const carried = 1 + count / groupsPerInstruction;
      spend(stepsPerSearch + Math.trunc((reach - start) * this.#stepsPerCharacter * carried));
    }
    const groups = Array.from({ length: count }, (_, index) => matcher.group(index + 1));
    return { start, end: matcher.end(), groups };
  }

  /** How far the engine reads that starts at `from` and finds a match up to `end`. */
  #reach(text: string, from: number, end: number): number {
    const { foreign, anchored, stopsAtMatch } = this.#shape;
    // Without repetition no instruction is followed twice.
    if (stopsAtMatch && end < text.length) return Math.min(end + this.#instructions, text.length);
    if (foreign === undefined) return text.length;
    foreign.lastIndex = anchored ? from : end;
    return foreign.exec(text)?.index ?? text.length;
  }
}
