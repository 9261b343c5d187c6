import { constants } from "node:fs";
import { mkdir, open, readdir, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { File, FileFacts, FileSystem } from "../core/file-system.ts";

const flagsByMode = {
  read: constants.O_RDONLY,
  readwrite: constants.O_RDWR | constants.O_CREAT,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
} as const;

class NodeFile implements File {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(into: Buffer, position: number): Promise<number> {
    const { bytesRead } = await this.#handle.read(into, 0, into.length, position);
    return bytesRead;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    // One write call may take less than it was given, as on a disk that is nearly full.
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(
        bytes,
        done,
        bytes.length - done,
        position + done,
      );
      done += bytesWritten;
    }
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The machine's own file system. */
export const nodeFiles: FileSystem = {
  async open(path, mode) {
    return new NodeFile(await open(path, flagsByMode[mode], 0o600));
  },
  readFile: (path) => orUndefined(readFile(path)),
  async stat(path): Promise<FileFacts | undefined> {
    // Numbers of files can be larger than what a double keeps apart.
    const facts = await orUndefined(stat(path, { bigint: true }));
    if (facts === undefined) return undefined;
    return {
      size: Number(facts.size),
      isDirectory: facts.isDirectory(),
      identity: `${facts.dev}:${facts.ino}`,
    };
  },
  async list(path) {
    return ((await orUndefined(readdir(path))) ?? []).toSorted();
  },
  async makeDirectory(path) {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      if (!isMissing(error)) throw error;
      // With `recursive` Node says ENOENT on a read-only file system too; without, what is wrong.
      await mkdir(path, { mode: 0o700 });
    }
  },
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { recursive: true, force: true }),
  async syncDirectory(path) {
    const handle = await open(path, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  realPath: (path) => orUndefined(realpath(path)),
};
