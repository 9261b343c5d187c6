/** Largest first, as `formatDuration` tries them. */
const unitsMs: ReadonlyMap<string, number> = new Map([
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
]);

/** 100 years of 365.25 days; a duration is shorter. */
const durationEndMs = 36_525 * 86_400_000;

const grammar = /^([0-9]{1,15})(ms|s|m|h|d)$/;

/**
 * Duration text in ms: an integer and one unit (`500ms`, `10s`, `5m`, `24h`, `7d`), from 0 to below 100 years.
 * Undefined for anything else.
 */
export function parseDuration(text: string): number | undefined {
  const match = grammar.exec(text);
  const durationMs = Number(match?.[1]) * (unitsMs.get(match?.[2] ?? "") ?? Number.NaN);
  return durationMs < durationEndMs ? durationMs : undefined;
}

/** `ms` with the largest unit that shows it exactly: 90000 is "90s"; zero is "0s". */
export function formatDuration(ms: number): string {
  if (ms === 0) {
    return "0s";
  }
  for (const [unit, unitMs] of unitsMs) {
    if (ms % unitMs === 0) {
      return `${ms / unitMs}${unit}`;
    }
  }
  return `${ms}ms`;
}
