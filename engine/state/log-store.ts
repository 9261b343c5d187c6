/** Port of the durable log under keyed state: binary keys in byte order, few large values. */

/**
 * Opens the log in a directory of its own. `createIfMissing` on a first run only: a lost log must not look like an
 * empty one. Throws STATE_LOCKED, STATE_CORRUPT, STATE_IO, DISK_FULL.
 */
export type OpenLogStore = (
  path: string,
  options: { readonly createIfMissing: boolean },
) => Promise<LogStore>;

export interface LogEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * Keys are written once. A resolved write is durable by itself: it never depends on a later one.
 * After a failed write the store takes no more; close it and open it again. Errors are EngineErrors
 * (STATE_IO, DISK_FULL, STATE_LOCKED, STATE_CORRUPT).
 */
export interface LogStore {
  put(key: Uint8Array, value: Uint8Array): Promise<void>;
  /** All or none, in one durable write. */
  deleteMany(keys: readonly Uint8Array[]): Promise<void>;
  /** Every entry in key order. */
  entries(): AsyncIterable<LogEntry>;
  /** Every key, the greatest first. */
  keysDescending(): AsyncIterable<Uint8Array>;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** Gives the space of deleted keys in `[from, to]` back to the disk; may be skipped. */
  compact(from: Uint8Array, to: Uint8Array): Promise<void>;
  close(): Promise<void>;
}
