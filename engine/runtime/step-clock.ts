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
  /** Lanes that rest; an ended one never does. */
  readonly #idle = new Set<number>();
  /** Until the first look at all lanes: the one that held W back before a restart may be gone. */
  #isUnsettled = true;
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

  /** True while some lanes rest and all others have ended: then this input holds nothing back. */
  get rests(): boolean {
    return (
      this.#idle.size > 0 &&
      this.#members.every((lane) => this.#idle.has(lane) || this.#own(lane) === Infinity)
    );
  }

  /** True if W rose, or a lane woke. */
  observe(lane: number, eventTimeMs: number): boolean {
    const woke = this.#idle.size > 0 && this.#idle.delete(lane);
    if (!(eventTimeMs > (this.#largest[lane] ?? Infinity)) && !woke) return false;
    const before = this.#own(lane);
    this.#largest[lane] = Math.max(this.#largest[lane] ?? -Infinity, eventTimeMs);
    // Only the lane that held the watermark back can let it rise, or one that now counts again.
    if (before > this.watermark && !woke && !this.#isUnsettled) return false;
    return this.#advance() || woke;
  }

  raise(lane: number, watermarkMs: number): boolean {
    if (watermarkMs <= (this.#floor[lane] ?? Infinity)) return false;
    this.#floor[lane] = watermarkMs;
    this.#idle.delete(lane);
    return this.#advance();
  }

  rest(lane: number): void {
    if (this.#own(lane) === Infinity) return;
    this.#idle.add(lane);
    this.#advance();
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
    this.#isUnsettled = false;
    // What rests may go on: the end of the other lanes is not the end of the input.
    if (this.rests) return false;
    let smallest = Infinity;
    for (const lane of this.#members) {
      if (!this.#idle.has(lane)) smallest = Math.min(smallest, this.#own(lane));
    }
    if (smallest <= this.watermark) return false;
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

  /**
   * W_l of a lane at one input, as it stands now: to be asked before `observe`. At least the step's own W, which is
   * above the input's where an input rested or is new: neither may reopen what has fired.
   */
  laneWatermark(input: number, lane: number): number {
    return Math.max(this.#at(input).laneWatermark(lane), this.watermark);
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
    this.#at(input).rest(lane);
    return this.#advance();
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
    let resting = 0;
    for (const input of this.#inputs) {
      if (input.rests) resting += 1;
      else smallest = Math.min(smallest, input.watermark);
    }
    if (smallest <= this.watermark || (smallest === Infinity && resting > 0)) return false;
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
