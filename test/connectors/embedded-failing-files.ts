import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { File, FileSystem } from "../../engine/core/file-system.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";

/** What a file holds on the disk itself, as opposed to memory. */
interface DiskFile {
  synced: Buffer;
}

const sectorBytes = 512;

/**
 * The machine's files below `root`, with a call that fails and with a memory of what was synced. `cut`: from that call
 * on all fail, as at a power loss; `once`: only that one does.
 */
export class FailingFiles implements FileSystem {
  readonly #root: string;
  #failAt: number;
  readonly #mode: "cut" | "once";
  #calls = 0;
  /** What there is by path, undefined for a directory: now, and on the disk. */
  readonly #live = new Map<string, DiskFile | undefined>();
  readonly #durable = new Map<string, DiskFile | undefined>();

  constructor(root: string, failAt: number, mode: "cut" | "once") {
    this.#root = root;
    this.#failAt = failAt;
    this.#mode = mode;
  }

  /** True if the failing call was reached. */
  get failed(): boolean {
    return this.#calls >= this.#failAt;
  }

  /** From here on nothing fails: another process works on the same machine. */
  heal(): void {
    this.#failAt = Number.POSITIVE_INFINITY;
  }

  async open(path: string, mode: "read" | "readwrite" | "create"): Promise<File> {
    this.#call();
    const file = await nodeFiles.open(path, mode);
    let disk = this.#live.get(path);
    if (disk === undefined) {
      disk = { synced: Buffer.alloc(0) };
      this.#live.set(path, disk);
    }
    return this.#wrap(file, disk);
  }

  readFile(path: string): Promise<Buffer | undefined> {
    return this.#then(() => nodeFiles.readFile(path));
  }

  stat(path: string): ReturnType<FileSystem["stat"]> {
    return this.#then(() => nodeFiles.stat(path));
  }

  list(path: string): Promise<readonly string[]> {
    return this.#then(() => nodeFiles.list(path));
  }

  async makeDirectory(path: string): Promise<void> {
    this.#call();
    await nodeFiles.makeDirectory(path);
    for (let made = path; made !== this.#root && made.length > 1; made = dirname(made)) {
      if (!this.#live.has(made)) this.#live.set(made, undefined);
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#call();
    await nodeFiles.rename(from, to);
    const disk = this.#live.get(from);
    this.#live.delete(from);
    if (disk !== undefined) this.#live.set(to, disk);
  }

  async remove(path: string): Promise<void> {
    this.#call();
    await nodeFiles.remove(path);
    this.#live.delete(path);
  }

  async syncDirectory(path: string): Promise<void> {
    this.#call();
    await nodeFiles.syncDirectory(path);
    for (const name of this.#durable.keys()) {
      if (dirname(name) === path && !this.#live.has(name)) this.#durable.delete(name);
    }
    for (const [name, disk] of this.#live) {
      if (dirname(name) === path) this.#durable.set(name, disk);
    }
  }

  realPath(path: string): Promise<string | undefined> {
    return nodeFiles.realPath(path);
  }

  /**
   * Writes to `target` what a power loss may leave: names and sectors that were not synced are there or not, as `chance`
   * decides.
   */
  async powerLoss(target: string, chance: () => boolean): Promise<void> {
    const names = new Map(this.#durable);
    for (const [name, disk] of this.#live) if (!names.has(name) && chance()) names.set(name, disk);
    await mkdir(target, { recursive: true });
    for (const [name, disk] of [...names].toSorted(([a], [b]) => a.length - b.length)) {
      const path = join(target, relative(this.#root, name));
      const parent = dirname(name);
      // What lies in a directory that was lost is lost with it.
      if (parent !== this.#root && !names.has(parent)) names.delete(name);
      else if (disk === undefined) await mkdir(path);
      else {
        const current = this.#live.get(name) === disk ? await nodeFiles.readFile(name) : undefined;
        await writeFile(path, tornContent(disk.synced, current ?? disk.synced, chance));
      }
    }
  }

  #call(): void {
    this.#calls += 1;
    const fails = this.#mode === "cut" ? this.#calls >= this.#failAt : this.#calls === this.#failAt;
    if (fails) throw Object.assign(new Error(`EIO: call ${this.#calls}`), { code: "EIO" });
  }

  async #then<T>(work: () => Promise<T>): Promise<T> {
    this.#call();
    return work();
  }

  #wrap(file: File, disk: DiskFile): File {
    return {
      read: (into, position) => this.#then(() => file.read(into, position)),
      write: (bytes, position) => this.#write(file, bytes, position),
      size: () => this.#then(() => file.size()),
      truncate: (length) => this.#then(() => file.truncate(length)),
      sync: async () => {
        this.#call();
        await file.sync();
        const content = Buffer.alloc(await file.size());
        await file.read(content, 0);
        disk.synced = content;
      },
      close: () => file.close(),
    };
  }

  /** The write that fails leaves half of its bytes. */
  async #write(file: File, bytes: Uint8Array, position: number): Promise<void> {
    try {
      this.#call();
    } catch (error) {
      if (this.#calls === this.#failAt)
        await file.write(bytes.subarray(0, bytes.length >> 1), position);
      throw error;
    }
    await file.write(bytes, position);
  }
}

function tornContent(synced: Buffer, current: Buffer, chance: () => boolean): Buffer {
  const torn = Buffer.alloc(chance() ? synced.length : current.length);
  for (let at = 0; at < torn.length; at += sectorBytes) {
    const from = chance() ? synced : current;
    from.subarray(at, at + sectorBytes).copy(torn, at);
  }
  return torn;
}
