import { Level } from "level";
import { levelError } from "./level-errors.ts";
import type { LogEntry, LogStore } from "./log-store.ts";

/**
 * Each of libuv's threads takes memory for it from an arena of its own, so that the process grows until every arena has
 * held its largest share: with small buffers soon, and little.
 */
const writeBufferBytes = 4 * 1024 * 1024;
const tableBytes = 16 * 1024 * 1024;
const scanEntriesMax = 32;
const durable = { sync: true } as const;
const binary = { keyEncoding: "view", valueEncoding: "view" } as const;

/** LogStore on Level. The caller must hold the lock of the directory (`directory-lock.ts`). */
export class LevelLogStore implements LogStore {
  readonly #level: Level<Uint8Array, Uint8Array>;
  readonly #path: string;

  private constructor(level: Level<Uint8Array, Uint8Array>, path: string) {
    this.#level = level;
    this.#path = path;
  }

  /** `createIfMissing` on a first run only: a lost log must not look like an empty one. */
  static async open(path: string, options: { createIfMissing: boolean }): Promise<LevelLogStore> {
    const level = new Level<Uint8Array, Uint8Array>(path, {
      ...binary,
      createIfMissing: options.createIfMissing,
      writeBufferSize: writeBufferBytes,
      maxFileSize: tableBytes,
      compression: true,
    });
    try {
      await level.open();
    } catch (error) {
      throw levelError(error, path, "open");
    }
    return new LevelLogStore(level, path);
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    try {
      await this.#level.put(key, value, durable);
    } catch (error) {
      throw levelError(error, this.#path, "write");
    }
  }

  async deleteMany(keys: readonly Uint8Array[]): Promise<void> {
    if (keys.length === 0) return;
    try {
      await this.#level.batch(
        keys.map((key) => ({ type: "del" as const, key })),
        durable,
      );
    } catch (error) {
      throw levelError(error, this.#path, "write");
    }
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return await this.#level.get(key);
    } catch (error) {
      throw levelError(error, this.#path, "read");
    }
  }

  async *entries(): AsyncIterable<LogEntry> {
    try {
      const iterator = this.#level.iterator({ fillCache: false, highWaterMarkBytes: 1024 * 1024 });
      try {
        let next = iterator.nextv(scanEntriesMax);
        for (;;) {
          const entries = await next;
          if (entries.length === 0) return;
          // Read while these are looked at.
          next = iterator.nextv(scanEntriesMax);
          next.catch(() => {});
          for (const [key, value] of entries) yield { key, value };
        }
      } finally {
        await iterator.close();
      }
    } catch (error) {
      throw levelError(error, this.#path, "read");
    }
  }

  async *keysDescending(): AsyncIterable<Uint8Array> {
    try {
      const iterator = this.#level.keys({ reverse: true, fillCache: false });
      try {
        for (;;) {
          const keys = await iterator.nextv(scanEntriesMax);
          if (keys.length === 0) return;
          yield* keys;
        }
      } finally {
        await iterator.close();
      }
    } catch (error) {
      throw levelError(error, this.#path, "read");
    }
  }

  async compact(from: Uint8Array, to: Uint8Array): Promise<void> {
    // `Level` is typed for browsers too, which have no compaction; on Node it is always there.
    const level: unknown = this.#level;
    if (!hasCompaction(level)) return;
    try {
      await level.compactRange(from, to);
    } catch (error) {
      throw levelError(error, this.#path, "write");
    }
  }

  async close(): Promise<void> {
    try {
      await this.#level.close();
    } catch (error) {
      throw levelError(error, this.#path, "write");
    }
  }
}

interface Compacting {
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>;
}

function hasCompaction(level: unknown): level is Compacting {
  return typeof level === "object" && level !== null && "compactRange" in level;
}
