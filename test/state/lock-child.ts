/**
 * Holds the lock, or the mutex, of a folder until it is killed; says `held` when it has it, or the code of the refusal.
 * usage: lock-child.ts lock|mutex DIRECTORY
 */
import { setTimeout as sleep } from "node:timers/promises";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { acquireDirectoryLock, acquireDirectoryMutex } from "../../engine/state/directory-lock.ts";
import { EngineError } from "../../engine/core/errors.ts";

const [kind, directory = ""] = process.argv.slice(2);
try {
  if (kind === "lock") {
    await acquireDirectoryLock(nodeFiles, directory, {
      pid: process.pid,
      host: "test-host",
      bootId: "boot",
      job: "orders",
    });
  } else {
    await acquireDirectoryMutex(directory, {
      waitMs: 0,
      sleep: (ms) => sleep(ms),
      files: nodeFiles,
    });
  }
  process.stdout.write("held\n");
  await sleep(600_000);
} catch (error) {
  process.stdout.write(`${error instanceof EngineError ? error.code : String(error)}\n`);
}
