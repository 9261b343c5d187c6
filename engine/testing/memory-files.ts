import { resolve } from "node:path";
import type { DirectoryHold, File, FileFacts, FileSystem } from "../core/file-system.ts";
import { diskError } from "./disk-operations.ts";
import type { MemoryDisk } from "./memory-disk.ts";
import { DirectoryNode, FileNode } from "./memory-nodes.ts";
import type { MemoryNode } from "./memory-nodes.ts";
import type { MemoryProcess } from "./memory-process.ts";

/** The file port of one process on a memory disk. */
export class MemoryFiles implements FileSystem {
  readonly #process: MemoryProcess;
  readonly #disk: MemoryDisk;

  constructor(process: MemoryProcess) {
    this.#process = process;
    this.#disk = process.disk;
  }

  async open(path: string, mode: "read" | "readwrite" | "create"): Promise<File> {
    const file = await this.#process.ask({ kind: "open", path }, () => this.#opened(path, mode));
    return new MemoryFile(this.#process, file, resolve(path), mode !== "read");
  }

  readFile(path: string): Promise<Buffer | undefined> {
    return this.#process.ask({ kind: "readFile", path }, () => {
      const node = this.#disk.find(path);
      if (node === undefined) return undefined;
      if (node.kind !== "file") throw diskError("EISDIR", "read", path);
      return node.bytes.content;
    });
  }

  stat(path: string): Promise<FileFacts | undefined> {
    return this.#process.ask({ kind: "stat", path }, () => {
      const node = this.#disk.find(path);
      if (node === undefined) return undefined;
      const isFile = node.kind === "file";
      return {
        size: isFile ? node.bytes.length : 0,
        isDirectory: !isFile,
        identity: String(node.inode),
      };
    });
  }

  list(path: string): Promise<readonly string[]> {
    return this.#process.ask({ kind: "list", path }, () => {
      const node = this.#disk.find(path);
      if (node === undefined || node.kind === "log") return [];
      if (node.kind === "file") throw diskError("ENOTDIR", "scandir", path);
      return [...node.entries.keys()].toSorted();
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.#process.change({ kind: "makeDirectory", path }, () => {
      let parent: MemoryNode = this.#disk.root;
      for (const name of resolve(path).split("/")) {
        if (name === "") continue;
        if (parent.kind !== "directory") throw diskError("ENOTDIR", "mkdir", path);
        let node = parent.entries.get(name);
        if (node === undefined) {
          node = new DirectoryNode(this.#disk.nextInode());
          parent.change([[name, node]]);
        }
        parent = node;
      }
      if (parent.kind === "file") throw diskError("EEXIST", "mkdir", path);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#process.change({ kind: "rename", path: to }, () => {
      const source = this.#disk.place(from, "rename");
      const node = source.parent.entries.get(source.name);
      if (node === undefined) throw diskError("ENOENT", "rename", from);
      const target = this.#disk.place(to, "rename");
      const replaced = target.parent.entries.get(target.name);
      if (replaced === node) return;
      if (replaced?.kind === "directory" || replaced?.kind === "log") {
        if (node.kind === "file") throw diskError("EISDIR", "rename", to);
        if (replaced.entries.size > 0) throw diskError("ENOTEMPTY", "rename", to);
      } else if (replaced !== undefined && node.kind !== "file") {
        throw diskError("ENOTDIR", "rename", to);
      }
      if (source.parent === target.parent) {
        target.parent.change([
          [source.name, undefined],
          [target.name, node],
        ]);
      } else {
        target.parent.change([[target.name, node]]);
        source.parent.change([[source.name, undefined]]);
      }
    });
  }

  remove(path: string): Promise<void> {
    return this.#process.change({ kind: "remove", path }, () => {
      if (this.#disk.find(path) === undefined) return;
      const { parent, name } = this.#disk.place(path, "rm");
      empty(parent.entries.get(name));
      parent.change([[name, undefined]]);
    });
  }

  syncDirectory(path: string): Promise<void> {
    return this.#process.change({ kind: "syncDirectory", path }, () => {
      const node = this.#disk.find(path);
      if (node === undefined) throw diskError("ENOENT", "open", path);
      if (node.kind === "directory") node.sync();
      else if (node.kind === "file") node.bytes.sync();
    });
  }

  realPath(path: string): Promise<string | undefined> {
    return this.#process.ask({ kind: "realPath", path }, () =>
      this.#disk.find(path) === undefined ? undefined : resolve(path),
    );
  }

  readonly lockDirectory = async (path: string): Promise<DirectoryHold | undefined> => {
    const { holders } = this.#disk;
    const letGo = (inode: number | undefined): void => {
      if (inode !== undefined && holders.get(inode) === this.#process) holders.delete(inode);
    };
    const take = (): number | undefined => {
      const node = this.#disk.find(path);
      if (node === undefined) throw diskError("ENOENT", "open", path);
      if (holders.has(node.inode)) return undefined;
      holders.set(node.inode, this.#process);
      return node.inode;
    };
    const inode = await this.#process.ask({ kind: "lock", path }, take, letGo);
    if (inode === undefined) return undefined;
    return { release: () => this.#process.release({ kind: "unlock", path }, () => letGo(inode)) };
  };

  #opened(path: string, mode: "read" | "readwrite" | "create"): FileNode {
    const { parent, name } = this.#disk.place(path, "open");
    const node = parent.entries.get(name);
    if (node !== undefined) {
      if (mode === "create") throw diskError("EEXIST", "open", path);
      if (node.kind !== "file") throw diskError("EISDIR", "open", path);
      return node;
    }
    if (mode === "read") throw diskError("ENOENT", "open", path);
    const file = new FileNode(this.#disk.nextInode());
    parent.change([[name, file]]);
    return file;
  }
}

/** What lies in a directory goes entry by entry, so that a power loss may leave some. */
function empty(node: MemoryNode | undefined): void {
  if (node?.kind !== "directory") return;
  for (const [name, child] of node.entries) {
    empty(child);
    node.change([[name, undefined]]);
  }
}

/** An open file; goes on working on what has lost its name. */
class MemoryFile implements File {
  readonly #process: MemoryProcess;
  readonly #node: FileNode;
  readonly #path: string;
  readonly #writable: boolean;
  #isOpen = true;

  constructor(process: MemoryProcess, node: FileNode, path: string, writable: boolean) {
    this.#process = process;
    this.#node = node;
    this.#path = path;
    this.#writable = writable;
  }

  read(into: Buffer, position: number): Promise<number> {
    return this.#process.ask({ kind: "read", path: this.#path }, () => {
      this.#requireOpen("read");
      return this.#node.bytes.read(into, position);
    });
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    const put = (part: Uint8Array): void => {
      this.#requireOpen("write");
      this.#node.bytes.write(part, position);
    };
    return this.#process.change(
      { kind: "write", path: this.#path, bytes: bytes.length },
      () => put(bytes),
      () => put(bytes.subarray(0, bytes.length >> 1)),
    );
  }

  size(): Promise<number> {
    return this.#process.ask({ kind: "size", path: this.#path }, () => {
      this.#requireOpen("size");
      return this.#node.bytes.length;
    });
  }

  truncate(length: number): Promise<void> {
    return this.#process.change({ kind: "truncate", path: this.#path }, () => {
      this.#requireOpen("write");
      this.#node.bytes.truncate(length);
    });
  }

  sync(): Promise<void> {
    return this.#process.change({ kind: "sync", path: this.#path }, () => {
      this.#requireOpen("sync");
      this.#node.bytes.sync();
    });
  }

  close(): Promise<void> {
    return this.#process.release({ kind: "close", path: this.#path }, () => {
      this.#isOpen = false;
    });
  }

  #requireOpen(call: "read" | "write" | "size" | "sync"): void {
    if (!this.#isOpen || (call === "write" && !this.#writable)) {
      throw diskError("EBADF", call, this.#path);
    }
  }
}
