import { join, resolve } from "node:path";
import { Level } from "level";
import { EngineError } from "../core/errors.ts";
import type { FileSystem } from "../core/file-system.ts";
import { isLevelLocked, levelError } from "./level-errors.ts";

/**
 * Folder of a tiny Level database whose own lock is the arbiter between processes: the kernel frees it when the
 * holder dies, however it dies. Its content is worth nothing. Never read or copy the LOCK file in it: closing any
 * descriptor of that file silently releases the lock, as does a failed second open in the same process. Hence the
 * registry below, which is asked first.
 */
export const mutexFolder = ".mutex";

/** Names the holder in messages. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  readonly bootId: string;
  readonly job: string;
}

export interface DirectoryMutex {
  /** Safe to call twice. */
  release(): Promise<void>;
}

export interface MutexOptions {
  /** How long to wait for other holders, in this process or another. 0: not at all. */
  readonly waitMs: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Resolves links, so that two paths of one folder are one mutex; without it the path is taken as it is. */
  readonly files?: FileSystem;
}

const retryMs = { first: 2, most: 50 } as const;

/** Waiting holders by folder. One per process, even if this module is loaded twice. */
const registryKey = Symbol.for("pipeline.directory-lock.registry");
type Registry = Map<string, (() => void)[]>;

function registry(): Registry {
  const shared = globalThis as { [registryKey]?: Registry };
  return (shared[registryKey] ??= new Map());
}

/**
 * Exclusive use of a folder among all processes of this machine, first come, first served within this process.
 * Throws STATE_LOCKED when `waitMs` is over.
 */
export async function acquireDirectoryMutex(
  directory: string,
  options: MutexOptions,
): Promise<DirectoryMutex> {
  const path = resolve(directory);
  await options.files?.makeDirectory(path);
  const realPath = (await options.files?.realPath(path)) ?? path;
  if (options.files?.lockDirectory !== undefined) return heldByFiles(realPath, options);
  const waitedMs = await enter(realPath, options);
  try {
    await options.files?.makeDirectory(join(realPath, mutexFolder));
    const level = await openWhenFree(join(realPath, mutexFolder), options, waitedMs);
    let released: Promise<void> | undefined;
    const release = async (): Promise<void> => {
      try {
        await level.close();
      } finally {
        leave(realPath);
      }
    };
    return { release: () => (released ??= release()) };
  } catch (error) {
    leave(realPath);
    throw error;
  }
}

/** Where the file system has its own arbiter, asked again and again until `waitMs` is over. */
async function heldByFiles(path: string, options: MutexOptions): Promise<DirectoryMutex> {
  let pauseMs: number = retryMs.first;
  for (let waitedMs = 0; ; waitedMs += pauseMs) {
    const hold = await options.files?.lockDirectory?.(path);
    if (hold !== undefined) {
      let released: Promise<void> | undefined;
      return { release: () => (released ??= hold.release()) };
    }
    if (waitedMs >= options.waitMs) throw lockedElsewhere(path);
    if (waitedMs > 0) pauseMs = Math.min(pauseMs * 2, retryMs.most);
    await options.sleep(pauseMs);
  }
}

function lockedElsewhere(path: string): EngineError {
  return new EngineError("STATE_LOCKED", `${path} is in use by another process`, {
    hint: "Stop the other process, or use another directory.",
  });
}

/** Waits for this process's turn. The time waited, as far as it is known: all of `waitMs` or nothing. */
async function enter(realPath: string, options: MutexOptions): Promise<number> {
  const holders = registry();
  const waiting = holders.get(realPath);
  if (waiting === undefined) {
    holders.set(realPath, []);
    return 0;
  }
  if (options.waitMs <= 0) throw lockedHere(realPath);
  const timeout = new AbortController();
  let turn: (() => void) | undefined;
  const entered = await Promise.race([
    new Promise<boolean>((settle) => {
      turn = () => settle(true);
      waiting.push(turn);
    }),
    options.sleep(options.waitMs, timeout.signal).then(() => false),
  ]);
  timeout.abort();
  if (entered) return 0;
  const place = turn === undefined ? -1 : waiting.indexOf(turn);
  // The turn may have come in the very moment the wait ended: then it is ours to use.
  if (place < 0) return options.waitMs;
  waiting.splice(place, 1);
  throw lockedHere(realPath);
}

function leave(realPath: string): void {
  const waiting = registry().get(realPath);
  const next = waiting?.shift();
  if (next === undefined) registry().delete(realPath);
  else next();
}

function lockedHere(realPath: string): EngineError {
  return new EngineError("STATE_LOCKED", `${realPath} is already in use by this process`, {
    hint: "Each folder is used by one job at a time.",
  });
}

async function openWhenFree(
  path: string,
  options: MutexOptions,
  waitedBeforeMs: number,
): Promise<Level> {
  let waitedMs = waitedBeforeMs;
  let pauseMs: number = retryMs.first;
  let rebuilt = false;
  for (;;) {
    const level = new Level(path, { writeBufferSize: 64 * 1024, compression: false });
    try {
      await level.open();
      return level;
    } catch (error) {
      if (isLevelLocked(error)) {
        if (waitedMs >= options.waitMs) throw levelError(error, path, "open");
        await options.sleep(pauseMs);
        waitedMs += pauseMs;
        pauseMs = Math.min(pauseMs * 2, retryMs.most);
        continue;
      }
      const fault = levelError(error, path, "open");
      if (fault.code !== "STATE_CORRUPT" || rebuilt || options.files === undefined) throw fault;
      // A power loss can leave the empty database unreadable. Without CURRENT it is made anew; the LOCK file stays
      // the same file, so whoever opened it in between keeps the lock and this open fails.
      await options.files.remove(join(path, "CURRENT"));
      rebuilt = true;
    }
  }
}

const ownerFile = "lock";

/**
 * The lock of a state directory, held as long as the job runs. Throws STATE_LOCKED at once, naming the holder,
 * before anything else in the directory is touched. The `lock` file is for messages only.
 */
export async function acquireDirectoryLock(
  files: FileSystem,
  directory: string,
  owner: LockOwner,
): Promise<DirectoryMutex> {
  let mutex: DirectoryMutex;
  try {
    mutex = await acquireDirectoryMutex(directory, {
      waitMs: 0,
      sleep: () => Promise.resolve(),
      files,
    });
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "STATE_LOCKED") throw error;
    const holder = await readLockOwner(files, directory);
    const who =
      holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}`;
    throw new EngineError("STATE_LOCKED", `The state directory ${directory} is in use by ${who}`, {
      hint: "Stop it first, or give this run its own --state-dir.",
      cause: error,
    });
  }
  const path = join(directory, ownerFile);
  try {
    await writeOwner(files, path, owner);
  } catch (error) {
    await mutex.release();
    throw error;
  }
  let released: Promise<void> | undefined;
  const release = async (): Promise<void> => {
    // Removed while the lock is still held: afterwards it could be the next holder's.
    await files.remove(path).catch(() => undefined);
    await mutex.release();
  };
  return { release: () => (released ??= release()) };
}

/** Who holds, or held, the lock; undefined if unknown. May be stale after a crash. */
export async function readLockOwner(
  files: FileSystem,
  directory: string,
): Promise<LockOwner | undefined> {
  try {
    const bytes = await files.readFile(join(directory, ownerFile));
    const owner: unknown = bytes === undefined ? undefined : JSON.parse(bytes.toString("utf8"));
    return isOwner(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isOwner(value: unknown): value is LockOwner {
  return (
    typeof value === "object" &&
    value !== null &&
    "pid" in value &&
    typeof value.pid === "number" &&
    "host" in value &&
    typeof value.host === "string"
  );
}

async function writeOwner(files: FileSystem, path: string, owner: LockOwner): Promise<void> {
  const file = await files.open(path, "readwrite");
  try {
    await file.truncate(0);
    await file.write(Buffer.from(`${JSON.stringify(owner)}\n`), 0);
  } finally {
    await file.close();
  }
}
