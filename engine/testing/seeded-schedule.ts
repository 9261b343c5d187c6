import { setImmediate as settled } from "node:timers/promises";
import type { Random } from "../connectors/generate/random.ts";
import type { Clock } from "../core/clock.ts";

interface Waiting {
  /** How often it lets others go before it, as long as there are others. */
  patience: number;
  readonly go: () => void;
}

interface Sleeping {
  readonly wakesAtMs: number;
  readonly go: () => void;
}

/** Machine time that one turn takes, at most. */
const turnMs = 2;

/**
 * Decides in which order the things end for which a program waits: calls to a disk, sleeps. The same program with the
 * same random numbers goes the same way. Nothing else that it does may depend on the machine: no timer, no real I/O.
 * Give its `turn` to the hook of a `MemoryProcess`, itself as the clock, and let `run` drive.
 */
export class SeededSchedule implements Clock {
  readonly #random: Random;
  readonly #waiting: Waiting[] = [];
  #sleeping: Sleeping[] = [];
  #elapsedMs = 0;
  #startMs: number;
  #turns = 0;

  constructor(random: Random, nowMs: number) {
    this.#random = random;
    this.#startMs = nowMs;
  }

  /** How many things have ended so far. */
  get turns(): number {
    return this.#turns;
  }

  nowMs(): number {
    return this.#startMs + this.#elapsedMs;
  }

  /** The wall clock is set, forward or back; sleeps are not shortened by it. */
  jump(ms: number): void {
    this.#startMs += ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((done) => {
      const sleeping = { wakesAtMs: this.#elapsedMs + ms, go: done };
      this.#sleeping.push(sleeping);
      const wake = (): void => {
        this.#sleeping = this.#sleeping.filter((other) => other !== sleeping);
        done();
      };
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** Resolves when it is chosen among all that wait. */
  turn(patience = 0): Promise<void> {
    return new Promise((go) => {
      this.#waiting.push({ patience, go });
    });
  }

  /**
   * Lets one thing after the other end until the work has ended. `before` each turn: may change the world; true gives
   * the work up, which then waits for ever. Throws if the work waits for nothing that could end.
   */
  async run<T>(work: Promise<T>, before: (turn: number) => boolean): Promise<T | "given up"> {
    const outcome: { result?: T; failure?: unknown; ended: boolean } = { ended: false };
    work.then(
      (result) => Object.assign(outcome, { result, ended: true }),
      (failure: unknown) => Object.assign(outcome, { failure, ended: true }),
    );
    for (;;) {
      // Until then everything runs that does not wait for a turn.
      await settled();
      if (outcome.ended) {
        if ("failure" in outcome) throw outcome.failure;
        return outcome.result as T;
      }
      if (before(this.#turns)) {
        this.#waiting.length = 0;
        this.#sleeping = [];
        return "given up";
      }
      this.#next()();
      this.#turns += 1;
    }
  }

  #next(): () => void {
    this.#elapsedMs += Math.floor(this.#random() * (turnMs + 1));
    const due = this.#sleeping.filter(({ wakesAtMs }) => wakesAtMs <= this.#elapsedMs);
    const count = this.#waiting.length + due.length;
    if (count === 0) return this.#earliest();
    for (;;) {
      const index = Math.floor(this.#random() * count);
      const waiting = this.#waiting[index];
      if (waiting === undefined) return this.#awake(due[index - this.#waiting.length]);
      if (waiting.patience > 0 && count > 1) {
        waiting.patience -= 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      return waiting.go;
    }
  }

  #earliest(): () => void {
    const [first] = this.#sleeping.toSorted((a, b) => a.wakesAtMs - b.wakesAtMs);
    this.#elapsedMs = Math.max(this.#elapsedMs, first?.wakesAtMs ?? 0);
    return this.#awake(first);
  }

  #awake(sleeping: Sleeping | undefined): () => void {
    if (sleeping === undefined) throw new Error("the work waits for nothing that could end");
    this.#sleeping = this.#sleeping.filter((other) => other !== sleeping);
    return sleeping.go;
  }
}
