import { basename, dirname, resolve } from "node:path";
import { recordRandom } from "../connectors/generate/random.ts";
import type { Random } from "../connectors/generate/random.ts";
import { diskError } from "./disk-operations.ts";
import { MemoryBytes } from "./memory-bytes.ts";
import { applyLog, DirectoryNode, FileNode, LogNode } from "./memory-nodes.ts";
import type { MemoryNode } from "./memory-nodes.ts";

/** With it nothing survives that was not synced. */
const unlucky: Random = () => 0;

/**
 * A disk in memory that knows what was written and what was synced: bytes of files, entries of directories, batches
 * of log stores. Processes work on it through `MemoryFiles`; images of it are disks of their own, which the processes
 * on this one do not reach. The same operations and the same seed give the same image.
 */
export class MemoryDisk {
  readonly root: DirectoryNode;
  /** Who has the exclusive use of what, by inode. */
  readonly holders = new Map<number, object>();
  #inodes: number;

  constructor(from?: { root: DirectoryNode; inodes: number }) {
    this.root = from?.root ?? new DirectoryNode(1);
    this.#inodes = from?.inodes ?? 1;
  }

  /** The disk after every process on it was killed: all that was written is there, synced or not. */
  crash(): MemoryDisk {
    const copies = new Map<MemoryNode, MemoryNode>();
    return this.#image(copied(this.root, copies) as DirectoryNode);
  }

  /** The disk after a power loss: all that was synced, and by chance some of the rest, torn. */
  powerLoss(seed: number): MemoryDisk {
    const random = recordRandom(seed, 0, 0);
    const style = random();
    // Now and then all or none of it: the plain cases must not be rare where there are many files.
    if (style < 0.1) {
      const all = this.crash();
      all.settle();
      return all;
    }
    const chance = style < 0.2 ? unlucky : random;
    return this.#image(survivors(this.root, chance, new Map()) as DirectoryNode);
  }

  /** From here on everything that is there now counts as synced. */
  settle(): void {
    settle(this.root, new Set());
  }

  /** The node at a path; undefined if there is none. Throws ENOTDIR if something on the way is a file. */
  find(path: string): MemoryNode | undefined {
    let node: MemoryNode = this.root;
    for (const name of resolve(path).split("/")) {
      if (name === "") continue;
      if (node.kind === "file") throw diskError("ENOTDIR", "stat", path);
      const next: MemoryNode | undefined =
        node.kind === "directory" ? node.entries.get(name) : undefined;
      if (next === undefined) return undefined;
      node = next;
    }
    return node;
  }

  /** The directory that holds, or would hold, the path, and the name in it. Throws ENOENT, ENOTDIR. */
  place(path: string, call: string): { readonly parent: DirectoryNode; readonly name: string } {
    const parent = this.find(dirname(resolve(path)));
    if (parent === undefined) throw diskError("ENOENT", call, path);
    if (parent.kind !== "directory") throw diskError("ENOTDIR", call, path);
    return { parent, name: basename(resolve(path)) };
  }

  nextInode(): number {
    this.#inodes += 1;
    return this.#inodes;
  }

  #image(root: DirectoryNode): MemoryDisk {
    return new MemoryDisk({ root, inodes: this.#inodes });
  }
}

function settle(node: MemoryNode, seen: Set<MemoryNode>): void {
  if (seen.has(node)) return;
  seen.add(node);
  if (node.kind === "file") node.bytes.sync();
  else if (node.kind === "log") {
    node.settle();
    node.settled = true;
  } else {
    node.sync();
    for (const child of node.entries.values()) settle(child, seen);
  }
}

/** What has several names, or a name now and another one on the disk, stays one. */
function copied(node: MemoryNode, copies: Map<MemoryNode, MemoryNode>): MemoryNode {
  const known = copies.get(node);
  if (known !== undefined) return known;
  if (node.kind === "file") {
    const file = new FileNode(node.inode);
    file.bytes = node.bytes.copy();
    copies.set(node, file);
    return file;
  }
  if (node.kind === "log") {
    const log = new LogNode(node.inode);
    for (const [key, value] of node.entries) log.entries.set(key, value);
    for (const [key, value] of node.synced) log.synced.set(key, value);
    for (const [change, left] of node.pending) log.pending.set(change, left);
    log.settled = node.settled;
    log.readable = node.readable;
    copies.set(node, log);
    return log;
  }
  const directory = new DirectoryNode(node.inode);
  copies.set(node, directory);
  for (const [name, child] of node.entries) directory.entries.set(name, copied(child, copies));
  for (const [name, child] of node.synced) directory.synced.set(name, copied(child, copies));
  directory.pending = node.pending.map((change) =>
    change.map(([name, child]) => [name, child && copied(child, copies)] as const),
  );
  return directory;
}

function survivors(
  node: MemoryNode,
  random: Random,
  images: Map<MemoryNode, MemoryNode>,
): MemoryNode {
  const known = images.get(node);
  if (known !== undefined) return known;
  if (node.kind === "file") {
    const file = new FileNode(node.inode);
    file.bytes = new MemoryBytes(node.bytes.torn(random));
    images.set(node, file);
    return file;
  }
  if (node.kind === "log") {
    const log = new LogNode(node.inode);
    for (const [key, value] of node.synced) log.synced.set(key, value);
    for (const change of node.pending.values()) {
      if (random() >= 0.5) applyLog(log.synced, change);
    }
    for (const [key, value] of log.synced) log.entries.set(key, value);
    log.settled = node.settled;
    log.readable = node.readable && (node.settled || random() < 0.7);
    images.set(node, log);
    return log;
  }
  const directory = new DirectoryNode(node.inode);
  images.set(node, directory);
  for (const [name, child] of node.torn(random)) {
    directory.entries.set(name, survivors(child, random, images));
  }
  directory.sync();
  return directory;
}
