import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Lanes } from "./lanes.ts";

/** Clock and watermark of one input of a stateful step: M_l per lane, W over all (semantics.md section 2). */
class InputClock {
  readonly #lanes: Lanes;
  readonly #members: readonly number[];
  /** By lane number: the largest event time seen (M_l), -Infinity before. */
  readonly #largest: number[] = [];
  /** By lane number: what marks have promised beyond M_l - B, such as +Infinity at the end of a partition. */
  readonly #floor: number[] = [];
  readonly #outOfOrderness: number[] = [];
  readonly #idle = new Set<number>();
  watermark = -Infinity;

  constructor(lanes: Lanes, members: readonly number[]) {
    this.#lanes = lanes;
    this.#members = members;
    for (const lane of members) {
      this.#largest[lane] = -Infinity;
      this.#floor[lane] = -Infinity;
      this.#outOfOrderness[lane] = lanes.at(lane).maxOutOfOrdernessMs;
    }
  }

  laneWatermark(lane: number): number {
    return Math.max(this.#own(lane), this.watermark);
  }

  observe(lane: number, eventTimeMs: number): boolean {
    const woke = this.#idle.size > 0 && this.#idle.delete(lane);
    if (!(eventTimeMs > (this.#largest[lane] ?? Infinity)) && !woke) return false;
    const before = this.#own(lane);
    this.#largest[lane] = Math.max(this.#largest[lane] ?? -Infinity, eventTimeMs);
    // Only the lane that held the watermark back can let it rise.
    return before <= this.watermark && this.#advance();
  }

  raise(lane: number, watermarkMs: number): boolean {
    if (watermarkMs <= (this.#floor[lane] ?? Infinity)) return false;
    this.#floor[lane] = watermarkMs;
    return this.#advance();
  }

  rest(lane: number): boolean {
    this.#idle.add(lane);
    return this.#advance();
  }

  snapshot(): JsonObject {
    const lanes: Record<string, JsonValue> = {};
    for (const lane of this.#members) {
      lanes[this.#lanes.at(lane).name] = {
        largest: encodeTime(this.#largest[lane]),
        floor: encodeTime(this.#floor[lane]),
      };
    }
    return { watermark: encodeTime(this.watermark), lanes };
  }

  restore(snapshot: JsonObject): void {
    const lanes = (snapshot["lanes"] ?? {}) as JsonObject;
    for (const lane of this.#members) {
      const saved = lanes[this.#lanes.at(lane).name] as JsonObject | undefined;
      if (saved === undefined) continue;
      this.#largest[lane] = decodeTime(saved["largest"]);
      this.#floor[lane] = decodeTime(saved["floor"]);
    }
    this.watermark = decodeTime(snapshot["watermark"]);
  }

  #own(lane: number): number {
    const byRecords = (this.#largest[lane] ?? -Infinity) - (this.#outOfOrderness[lane] ?? 0);
    return Math.max(byRecords, this.#floor[lane] ?? -Infinity);
  }

  #advance(): boolean {
    let smallest = Infinity;
    let awake = 0;
    for (const lane of this.#members) {
      if (this.#idle.has(lane)) continue;
      awake += 1;
      smallest = Math.min(smallest, this.#own(lane));
    }
    if (awake === 0 || smallest <= this.watermark) return false;
    this.watermark = smallest;
    return true;
  }
}

/** The clocks of a stateful step: one per input; its watermark is their minimum and never goes back. */
export class StepClock {
  readonly #inputs: readonly InputClock[];
  watermark = -Infinity;

  constructor(lanes: Lanes, lanesByInput: readonly (readonly number[])[]) {
    this.#inputs = lanesByInput.map((members) => new InputClock(lanes, members));
  }

  /** W_l of a lane at one input, as it stands now: to be asked before `observe`. */
  laneWatermark(input: number, lane: number): number {
    return this.#at(input).laneWatermark(lane);
  }

  /** A record (or ghost) of this event time was settled. True if the step's watermark rose. */
  observe(input: number, lane: number, eventTimeMs: number): boolean {
    return this.#at(input).observe(lane, eventTimeMs) && this.#advance();
  }

  /** A lane promises that nothing older than `watermarkMs` will come. True if the step's watermark rose. */
  raise(input: number, lane: number, watermarkMs: number): boolean {
    return this.#at(input).raise(lane, watermarkMs) && this.#advance();
  }

  /** A lane is idle until its next record. True if the step's watermark rose. */
  rest(input: number, lane: number): boolean {
    return this.#at(input).rest(lane) && this.#advance();
  }

  snapshot(): JsonObject {
    return {
      watermark: encodeTime(this.watermark),
      inputs: this.#inputs.map((input) => input.snapshot()),
    };
  }

  restore(snapshot: JsonObject): void {
    const inputs = (snapshot["inputs"] ?? []) as readonly JsonObject[];
    this.#inputs.forEach((input, index) => {
      const saved = inputs[index];
      if (saved !== undefined) input.restore(saved);
    });
    this.watermark = decodeTime(snapshot["watermark"]);
  }

  #at(input: number): InputClock {
    const clock = this.#inputs[input];
    if (clock === undefined) throw new RangeError(`no input ${input}`);
    return clock;
  }

  #advance(): boolean {
    let smallest = Infinity;
    for (const input of this.#inputs) smallest = Math.min(smallest, input.watermark);
    if (smallest <= this.watermark) return false;
    this.watermark = smallest;
    return true;
  }
}

/** JSON has no infinities: `null` is "none yet", `"end"` is the end of all time. */
function encodeTime(ms: number | undefined): JsonValue {
  if (ms === undefined || ms === -Infinity) return null;
  return ms === Infinity ? "end" : ms;
}

function decodeTime(json: JsonValue | undefined): number {
  if (json === "end") return Infinity;
  return typeof json === "number" ? json : -Infinity;
}
