import type { Clock } from "../../engine/core/clock.ts";

/** A clock that is as late as all who slept by it have slept; sleeping takes no time but lets others go on. */
export class ElapsingClock implements Clock {
  readonly slept: number[] = [];
  #nowMs = 1_750_000_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.#nowMs += ms;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
