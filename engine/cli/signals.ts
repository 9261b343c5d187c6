import process from "node:process";
import type { Logger } from "../core/logger.ts";

const exitBySignal = { SIGINT: 130, SIGTERM: 143 } as const;

/** The first SIGINT or SIGTERM asks for a graceful drain; a second one ends the process at once. */
export function drainOnSignals(logger: Logger): { readonly signal: AbortSignal; close(): void } {
  const controller = new AbortController();
  const listeners = (["SIGINT", "SIGTERM"] as const).map((name) => {
    const listener = (): void => {
      if (controller.signal.aborted) process.exit(exitBySignal[name]);
      logger.info(`${name}: draining; once more to quit at once`);
      controller.abort();
    };
    process.on(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    close() {
      for (const { name, listener } of listeners) process.removeListener(name, listener);
    },
  };
}
