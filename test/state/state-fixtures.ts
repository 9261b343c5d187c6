import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { JsonValue } from "../../engine/core/json.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import type { Failpoints } from "../../engine/core/failpoints.ts";
import { LevelLogStore } from "../../engine/state/level-log-store.ts";
import { StateBackend } from "../../engine/state/state-backend.ts";
import type { StepLayout } from "../../engine/state/state-layout.ts";
import { StateLog } from "../../engine/state/state-log.ts";
import type { Codec } from "../../engine/state/state.ts";

export const hashSeed = "00112233445566778899aabbccddeeff";

/** A directory that is gone after the test. */
export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "pipeline-state-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const dedupeLayout: StepLayout = {
  step: "dedupe",
  was: null,
  type: "dedupe",
  states: { keys: { version: 1 } },
  layout: { key: "order_id" },
};

export const windowsLayout: StepLayout = {
  step: "by_region",
  was: null,
  type: "aggregate",
  states: { windows: { version: 1 } },
  layout: { key: ["region"], size_ms: 300_000 },
};

export const jsonCodec: Codec<JsonValue> = {
  version: 1,
  encode: (value) => value,
  decode: (json) => json,
};

export interface OpenedState {
  readonly log: StateLog;
  readonly backend: StateBackend;
  /** Closes the epoch with a commit record that holds its states alone. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a log and its states as a run does, without anything around them. */
export async function openState(
  directory: string,
  options: {
    readonly layouts?: readonly StepLayout[];
    readonly reset?: readonly string[];
    readonly failpoints?: Failpoints;
    /** Stop before what no commit covers is dropped. */
    readonly keepUncommitted?: boolean;
  } = {},
): Promise<OpenedState> {
  const store = await LevelLogStore.open(join(directory, "log"), { createIfMissing: true });
  try {
    const log = await StateLog.open(store, options.failpoints ?? noFailpoints);
    const newest = log.newest;
    const backend = await StateBackend.open({
      log,
      layouts: options.layouts ?? [dedupeLayout, windowsLayout],
      committed:
        newest === undefined ? undefined : JSON.parse(Buffer.from(newest.content).toString("utf8")),
      hashSeed,
      reset: options.reset ?? [],
    });
    if (options.keepUncommitted !== true) await log.dropUncommitted();
    return {
      log,
      backend,
      async commit() {
        const epoch = log.epoch;
        const states = await backend.prepareCommit(epoch);
        await log.commit(epoch, Buffer.from(JSON.stringify(states)));
        await backend.committed();
      },
      close: () => log.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
