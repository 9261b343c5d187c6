import type { Clock } from "../core/clock.ts";

/** A clock that a test moves by hand. Sleeping takes no time but lets others go on. */
export class ManualClock implements Clock {
  #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  sleep(): Promise<void> {
    return new Promise((done) => {
      setImmediate(done);
    });
  }
}
