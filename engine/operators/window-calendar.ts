/** Starts of open tumbling windows in order, and when the next of them needs attention. All times in ms. */
export class WindowCalendar {
  readonly #sizeMs: number;
  readonly #offsetMs: number;
  readonly #latenessMs: number;
  /** True if windows already report at their end, before allowed lateness has passed. */
  readonly #announces: boolean;
  readonly #starts: number[] = [];
  #watermarkMs = -Infinity;
  #nextDueMs = Infinity;

  constructor(options: {
    readonly sizeMs: number;
    readonly offsetMs: number;
    readonly latenessMs: number;
    readonly announces: boolean;
  }) {
    this.#sizeMs = options.sizeMs;
    this.#offsetMs = options.offsetMs;
    this.#latenessMs = options.latenessMs;
    this.#announces = options.announces;
  }

  /** The step's watermark, as last passed to `rise`. */
  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** Start of the window that holds `ms`: t - floorMod(t - offset, size). */
  startOf(ms: number): number {
    const rest = (ms - this.#offsetMs) % this.#sizeMs;
    return ms - (rest < 0 ? rest + this.#sizeMs : rest);
  }

  endOf(startMs: number): number {
    return startMs + this.#sizeMs;
  }

  /** When a window stops taking records and is forgotten. */
  closingOf(startMs: number): number {
    return startMs + this.#sizeMs + this.#latenessMs;
  }

  /** A window has its first record. */
  open(startMs: number): void {
    let place = this.#starts.length;
    // Most new windows are the latest.
    while (place > 0 && (this.#starts[place - 1] as number) > startMs) place -= 1;
    if (place > 0 && this.#starts[place - 1] === startMs) return;
    this.#starts.splice(place, 0, startMs);
    this.#nextDueMs = Math.min(this.#nextDueMs, this.#dueOf(startMs));
  }

  /** The watermark rose. False, at almost no cost, if no window has to be looked at. */
  rise(watermarkMs: number): boolean {
    this.#watermarkMs = watermarkMs;
    return watermarkMs >= this.#nextDueMs;
  }

  /** The windows to look at, in order of their ends; those that close are no longer kept. */
  takeDue(): readonly number[] {
    const due: number[] = [];
    let closed = 0;
    for (const startMs of this.#starts) {
      if (this.closingOf(startMs) <= this.#watermarkMs) closed += 1;
      else if (!this.#announces || this.endOf(startMs) > this.#watermarkMs) break;
      due.push(startMs);
    }
    this.#starts.splice(0, closed);
    this.#nextDueMs = Infinity;
    for (const startMs of this.#starts) {
      this.#nextDueMs = Math.min(this.#nextDueMs, this.#dueOf(startMs));
      // Later windows have nothing due before this one's end.
      if (this.endOf(startMs) > this.#watermarkMs) break;
    }
    return due;
  }

  #dueOf(startMs: number): number {
    const endMs = this.endOf(startMs);
    return this.#announces && endMs > this.#watermarkMs ? endMs : this.closingOf(startMs);
  }
}
