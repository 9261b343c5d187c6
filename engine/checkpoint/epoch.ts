/** When an epoch closes (design.md section 2): by time, or by what it has taken in. */
export interface EpochLimits {
  readonly intervalMs: number;
  readonly maxBytes: number;
  readonly maxRecords: number;
}

export interface EpochProgress {
  readonly openedAtMs: number;
  readonly records: number;
  readonly bytes: number;
}

/** `nowMs` going backwards delays a checkpoint at most until the size cap; it never loses one. */
export function epochIsDue(limits: EpochLimits, progress: EpochProgress, nowMs: number): boolean {
  return (
    progress.records >= limits.maxRecords ||
    progress.bytes >= limits.maxBytes ||
    Math.abs(nowMs - progress.openedAtMs) >= limits.intervalMs
  );
}
