import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import {
  acquireDirectoryLock,
  acquireDirectoryMutex,
  mutexFolder,
  readLockOwner,
} from "../../engine/state/directory-lock.ts";
import { temporaryDirectory } from "./state-fixtures.ts";

const owner = { pid: process.pid, host: "here", bootId: "boot", job: "orders" };
const waiting = {
  sleep: (ms: number, signal?: AbortSignal) => pause(ms, signal),
  files: nodeFiles,
};

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}

async function holdInChild(
  t: TestContext,
  kind: "lock" | "mutex",
  directory: string,
): Promise<{ child: ChildProcess; said: string }> {
  const script = fileURLToPath(new URL("lock-child.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, kind, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  let said = "";
  for await (const chunk of child.stdout ?? []) {
    said += String(chunk);
    if (said.endsWith("\n")) break;
  }
  return { child, said: said.trim() };
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

test("a second holder in this process is refused with the holder's pid, by any path of the folder", async (t) => {
  const directory = temporaryDirectory(t);
  const state = join(directory, "state");
  mkdirSync(state);
  symlinkSync(state, join(directory, "link"));
  const lock = await acquireDirectoryLock(nodeFiles, state, owner);
  for (const path of [state, join(directory, "link"), `${state}/../state`]) {
    await assert.rejects(acquireDirectoryLock(nodeFiles, path, owner), (error: Error) => {
      assert.match(error.message, new RegExp(`process ${process.pid} on here`));
      assert.equal((error as Error & { code: string }).code, "STATE_LOCKED");
      assert.equal((error as Error & { exit: number }).exit, 5);
      return true;
    });
  }
  // The failed attempts have not freed the kernel's lock.
  const other = await holdInChild(t, "lock", state);
  assert.equal(other.said, "STATE_LOCKED");
  await lock.release();
  await lock.release();
  assert.equal(existsSync(join(state, "lock")), false);
  const again = await acquireDirectoryLock(nodeFiles, state, owner);
  await again.release();
});

test("a lock held by another process names it, and is free at its kill -9", async (t) => {
  const directory = temporaryDirectory(t);
  const { child, said } = await holdInChild(t, "lock", directory);
  assert.equal(said, "held");
  await assert.rejects(
    acquireDirectoryLock(nodeFiles, directory, owner),
    new RegExp(`process ${child.pid} on test-host`),
  );
  await killed(child);
  // What the dead holder left says who it was, and stops nobody.
  assert.equal((await readLockOwner(nodeFiles, directory))?.pid, child.pid);
  const lock = await acquireDirectoryLock(nodeFiles, directory, owner);
  assert.equal((await readLockOwner(nodeFiles, directory))?.pid, process.pid);
  await lock.release();
});

test("the mutex waits for another process, and gives up when the wait is over", async (t) => {
  const directory = temporaryDirectory(t);
  const { child, said } = await holdInChild(t, "mutex", directory);
  assert.equal(said, "held");
  await assert.rejects(acquireDirectoryMutex(directory, { waitMs: 20, ...waiting }), {
    code: "STATE_LOCKED",
  });
  const acquired = acquireDirectoryMutex(directory, { waitMs: 30_000, ...waiting });
  await killed(child);
  await (await acquired).release();
});

test("holders of one process take turns in order of asking", async (t) => {
  const directory = temporaryDirectory(t);
  const order: number[] = [];
  let holding = 0;
  await Promise.all(
    Array.from({ length: 8 }, async (_, turn) => {
      const mutex = await acquireDirectoryMutex(directory, { waitMs: 30_000, sleep: pause });
      holding++;
      assert.equal(holding, 1);
      order.push(turn);
      await pause(1);
      holding--;
      await mutex.release();
    }),
  );
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("a wait in this process that is over leaves the queue, and the next one still gets its turn", async (t) => {
  const directory = temporaryDirectory(t);
  const first = await acquireDirectoryMutex(directory, { waitMs: 0, ...waiting });
  await assert.rejects(acquireDirectoryMutex(directory, { waitMs: 0, ...waiting }), {
    code: "STATE_LOCKED",
  });
  await assert.rejects(acquireDirectoryMutex(directory, { waitMs: 10, ...waiting }), {
    code: "STATE_LOCKED",
  });
  const third = acquireDirectoryMutex(directory, { waitMs: 30_000, ...waiting });
  await first.release();
  await (await third).release();
});

test("a mutex folder that a power loss left unreadable is made anew", async (t) => {
  const directory = temporaryDirectory(t);
  await (await acquireDirectoryMutex(directory, { waitMs: 0, ...waiting })).release();
  writeFileSync(join(directory, mutexFolder, "CURRENT"), "");
  const mutex = await acquireDirectoryMutex(directory, { waitMs: 0, ...waiting });
  const other = await holdInChild(t, "mutex", directory);
  assert.equal(other.said, "STATE_LOCKED");
  await mutex.release();
  assert.match(readFileSync(join(directory, mutexFolder, "CURRENT"), "utf8"), /^MANIFEST/);
});

test("a lock file that says nothing useful changes only the message", async (t) => {
  const directory = temporaryDirectory(t);
  const lock = await acquireDirectoryLock(nodeFiles, directory, owner);
  writeFileSync(join(directory, "lock"), "{torn");
  await assert.rejects(acquireDirectoryLock(nodeFiles, directory, owner), /another process/);
  await lock.release();
});
