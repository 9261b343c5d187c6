/**
 * The one way to files (except Level's own): so that tests can fail the Nth call, keep only synced bytes,
 * or run in memory. Paths are absolute. Errors are Node's (`code`: ENOSPC, EACCES, ...).
 * Made directories have mode 0700, files 0600.
 */
export interface FileSystem {
  /** `read`: must exist. `readwrite`: made if missing. `create`: must not exist (EEXIST). */
  open(path: string, mode: "read" | "readwrite" | "create"): Promise<File>;
  /** The whole file, or undefined if there is none. */
  readFile(path: string): Promise<Buffer | undefined>;
  stat(path: string): Promise<FileFacts | undefined>;
  /** Names in a directory, sorted; [] if there is none. */
  list(path: string): Promise<readonly string[]>;
  /** With parents; no error if it exists. */
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file or a whole directory; no error if there is none. */
  remove(path: string): Promise<void>;
  /** Makes renames, creations and removals in this directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** The path without links; undefined if there is none. */
  realPath(path: string): Promise<string | undefined>;
  /**
   * Exclusive use of an existing directory among all processes that see it; undefined while another holds it. The
   * death of the holder frees it. Left out where the machine's own arbiter serves (`state/directory-lock.ts`).
   */
  readonly lockDirectory?: (path: string) => Promise<DirectoryHold | undefined>;
}

export interface DirectoryHold {
  release(): Promise<void>;
}

export interface FileFacts {
  readonly size: number;
  readonly isDirectory: boolean;
  /** Equal for all paths of one file, and of no other file as long as it exists. */
  readonly identity: string;
}

export interface File {
  /** Bytes read, 0 at the end. */
  read(into: Buffer, position: number): Promise<number>;
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  size(): Promise<number>;
  truncate(length: number): Promise<void>;
  /** fdatasync. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
