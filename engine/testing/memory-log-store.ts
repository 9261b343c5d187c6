import { levelError } from "../state/level-errors.ts";
import type { LevelWork } from "../state/level-errors.ts";
import { EngineError } from "../core/errors.ts";
import type { LogEntry, LogStore, OpenLogStore } from "../state/log-store.ts";
import { diskError } from "./disk-operations.ts";
import { LogNode } from "./memory-nodes.ts";
import type { LogChange } from "./memory-nodes.ts";
import type { MemoryProcess } from "./memory-process.ts";

/** The log store on a memory disk: what Level gives, fails and may lose. */
class MemoryLogStore implements LogStore {
  readonly #process: MemoryProcess;
  readonly #path: string;
  readonly #node: LogNode;
  #failure: EngineError | undefined;

  constructor(process: MemoryProcess, path: string, node: LogNode) {
    this.#process = process;
    this.#path = path;
    this.#node = node;
  }

  put(key: Uint8Array, value: Uint8Array): Promise<void> {
    return this.#write([[hex(key), Uint8Array.from(value)]]);
  }

  async deleteMany(keys: readonly Uint8Array[]): Promise<void> {
    if (keys.length > 0) await this.#write(keys.map((key) => [hex(key), undefined] as const));
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return withErrors(this.#path, "read", () =>
      this.#ask("store.read", () => {
        const value = this.#node.entries.get(hex(key));
        return value === undefined ? undefined : Uint8Array.from(value);
      }),
    );
  }

  async *entries(): AsyncIterable<LogEntry> {
    for (const [key, value] of await this.#sorted()) {
      yield { key: Buffer.from(key, "hex"), value: Uint8Array.from(value) };
    }
  }

  async *keysDescending(): AsyncIterable<Uint8Array> {
    for (const [key] of (await this.#sorted()).toReversed()) yield Buffer.from(key, "hex");
  }

  compact(): Promise<void> {
    return withErrors(this.#path, "write", () =>
      this.#process.change({ kind: "store.compact", path: this.#path }, () => {}),
    );
  }

  close(): Promise<void> {
    const { holders } = this.#process.disk;
    return withErrors(this.#path, "write", () =>
      this.#process.release({ kind: "store.close", path: this.#path }, () => {
        if (holders.get(this.#node.inode) === this.#process) holders.delete(this.#node.inode);
      }),
    );
  }

  #sorted(): Promise<readonly (readonly [string, Uint8Array])[]> {
    return withErrors(this.#path, "read", () =>
      this.#ask("store.read", () =>
        [...this.#node.entries].toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))),
      ),
    );
  }

  #write(change: LogChange): Promise<void> {
    return withErrors(this.#path, "write", async () => {
      if (this.#failure !== undefined) throw this.#failure;
      const bytes = change.reduce((sum, [, value]) => sum + (value?.length ?? 0), 0);
      const path = this.#path;
      try {
        await this.#process.change({ kind: "store.write", path, bytes }, () =>
          this.#node.write(change),
        );
        await this.#process.change({ kind: "store.sync", path }, () => this.#node.sync(change));
      } catch (error) {
        this.#failure = levelError(error, path, "write");
        throw this.#failure;
      }
    });
  }

  #ask<T>(kind: "store.read", work: () => T): Promise<T> {
    return this.#process.ask({ kind, path: this.#path }, work);
  }
}

/** Log stores of this process. */
export function memoryLogStores(process: MemoryProcess): OpenLogStore {
  return (path, options) => openStore(process, path, options);
}

async function openStore(
  process: MemoryProcess,
  path: string,
  { createIfMissing }: { readonly createIfMissing: boolean },
): Promise<LogStore> {
  const { disk } = process;
  const open = (): LogNode => {
    const { parent, name } = disk.place(path, "open");
    let found = parent.entries.get(name);
    const wasThere = found !== undefined;
    if (found === undefined && createIfMissing) {
      found = new LogNode(disk.nextInode());
      parent.change([[name, found]]);
    }
    if (found === undefined) throw diskError("ENOENT", "open", path);
    if (found.kind !== "log") throw diskError("ENOTDIR", "open", path);
    if (!found.readable) throw corrupt(path);
    if (disk.holders.has(found.inode)) throw locked(path);
    disk.holders.set(found.inode, process);
    found.settle();
    // Opening what is there writes a synced manifest.
    if (wasThere) found.settled = true;
    return found;
  };
  const node = await withErrors(path, "open", () =>
    process.ask({ kind: "store.open", path }, open, ({ inode }) => disk.holders.delete(inode)),
  );
  return new MemoryLogStore(process, path, node);
}

function corrupt(path: string): Error {
  return Object.assign(new Error(`Corruption: ${path}`), { code: "LEVEL_CORRUPTION" });
}

function locked(path: string): EngineError {
  return new EngineError("STATE_LOCKED", `${path} is in use by another process`);
}

async function withErrors<T>(path: string, work: LevelWork, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw levelError(error, path, work);
  }
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString("hex");
}
