/** Processing time, handed in: `core`, `operators`, `expression`, `plan` and `state` never read a clock themselves. */
export interface Clock {
  /** ms since the epoch. */
  nowMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
