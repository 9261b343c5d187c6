import type { RoundingMode } from "../core/decimal.ts";

export const roundingModes: readonly RoundingMode[] = [
  "half_up",
  "half_even",
  "down",
  "up",
  "floor",
  "ceiling",
];

/** What a job means where it says nothing; `explain` shows all of it. */
export const defaults = {
  rounding: "half_up" satisfies RoundingMode,
  checkpoint: { intervalMs: 60_000, maxBytes: 64 * 1_048_576, maxRecords: 500_000 },
  maxRecordBytes: 1_048_576,
  maxOutOfOrdernessMs: 0,
} as const;
