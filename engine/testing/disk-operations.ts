/** What a process asks of its disk, one by one: the places where a test may look, wait, fail or end the process. */
export type DiskOperationKind =
  | "open"
  | "readFile"
  | "stat"
  | "list"
  | "makeDirectory"
  | "rename"
  | "remove"
  | "syncDirectory"
  | "realPath"
  | "lock"
  | "unlock"
  | "read"
  | "write"
  | "size"
  | "truncate"
  | "sync"
  | "close"
  /** A write to the log store is two: its bytes reach the system, and then the disk. */
  | "store.open"
  | "store.write"
  | "store.sync"
  | "store.read"
  | "store.compact"
  | "store.close";

export interface DiskOperation {
  /** Counts the operations of one process from 1. */
  readonly n: number;
  readonly kind: DiskOperationKind;
  readonly path: string;
  /** Of a write. */
  readonly bytes?: number;
}

/**
 * How an operation goes. Nothing said: as it should. `lost`: it reports success without any effect, as a sync that
 * lies. `torn`: half of a write's bytes get through, then it fails; anything but a write fails without an effect.
 */
export type Verdict = "lost" | { readonly torn: Error } | undefined;

/**
 * Called around each operation; both may wait for as long as they like. What `before` throws is the operation's
 * failure, without an effect; what `after` throws as well, but the effect is there.
 */
export interface DiskHook {
  before?(operation: DiskOperation): Promise<Verdict> | Verdict;
  after?(operation: DiskOperation): Promise<void> | void;
}

/** As the system words them: code and text both tell what happened. */
const texts = {
  EIO: "Input/output error",
  ENOSPC: "No space left on device",
  ENOENT: "no such file or directory",
  EEXIST: "file already exists",
  EISDIR: "illegal operation on a directory",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  EBADF: "bad file descriptor",
} as const;

export type DiskErrorCode = keyof typeof texts;

/** An error as Node gives it for a failed system call. */
export function diskError(code: DiskErrorCode, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${texts[code]}, ${call} '${path}'`), {
    code,
    syscall: call,
    path,
  });
}
