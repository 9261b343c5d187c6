import { performance } from "node:perf_hooks";
import type { Logger } from "../core/logger.ts";

const lookEveryMs = 1_000;
const blockedMs = 5_000;

/** Warns when nothing ran for 5 s: then no broker was answered and no signal heard. Results do not change by it. */
export function warnOfStalls(logger: Logger): { close(): void } {
  let lookedAtMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const lateMs = nowMs - lookedAtMs - lookEveryMs;
    lookedAtMs = nowMs;
    if (lateMs < blockedMs) return;
    logger.warn(
      `nothing ran for ${(lateMs / 1_000).toFixed(1)} s: the process was stopped, or one record or the machine kept it busy`,
    );
  }, lookEveryMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
