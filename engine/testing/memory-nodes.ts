import type { Random } from "../connectors/generate/random.ts";
import { MemoryBytes } from "./memory-bytes.ts";

/** What a directory entry leads to. The number stays the same in every image of the disk. */
export type MemoryNode = FileNode | DirectoryNode | LogNode;

export class FileNode {
  readonly kind = "file";
  readonly inode: number;
  bytes = new MemoryBytes();

  constructor(inode: number) {
    this.inode = inode;
  }
}

/** Entries that become durable together: a rename takes one away and sets one. */
type EntryChange = readonly (readonly [name: string, node: MemoryNode | undefined])[];

export class DirectoryNode {
  readonly kind = "directory";
  readonly inode: number;
  readonly entries = new Map<string, MemoryNode>();
  /** Those that the disk itself knows. */
  readonly synced = new Map<string, MemoryNode>();
  pending: EntryChange[] = [];

  constructor(inode: number) {
    this.inode = inode;
  }

  change(change: EntryChange): void {
    applyEntries(this.entries, change);
    this.pending.push(change);
  }

  sync(): void {
    this.synced.clear();
    for (const [name, node] of this.entries) this.synced.set(name, node);
    this.pending = [];
  }

  /** Entries that a power loss may leave: the durable ones, and any of the changes since. */
  torn(random: Random): Map<string, MemoryNode> {
    const left = new Map(this.synced);
    const style = random();
    const whole = Math.floor(random() * (this.pending.length + 1));
    for (const [index, change] of this.pending.entries()) {
      const survives = style < 0.5 ? index < whole : random() < 0.5;
      if (survives) applyEntries(left, change);
    }
    return left;
  }
}

/** One batch of the log store: keys in hexadecimal, undefined removes. */
export type LogChange = readonly (readonly [key: string, value: Uint8Array | undefined])[];

/** The log store's files as one: batches become durable whole or not at all. */
export class LogNode {
  readonly kind = "log";
  readonly inode: number;
  readonly entries = new Map<string, Uint8Array>();
  readonly synced = new Map<string, Uint8Array>();
  /** Written and not synced, in order, with what of it a later synced batch has not overwritten. */
  readonly pending = new Map<LogChange, LogChange>();
  /** A power loss before the first synced write can leave files that cannot be opened. */
  settled = false;
  readable = true;

  constructor(inode: number) {
    this.inode = inode;
  }

  write(change: LogChange): void {
    applyLog(this.entries, change);
    this.pending.set(change, change);
  }

  sync(change: LogChange): void {
    const left = this.pending.get(change);
    if (left === undefined) return;
    const keys = new Set(change.map(([key]) => key));
    for (const [earlier, rest] of this.pending) {
      if (earlier === change) break;
      this.pending.set(
        earlier,
        rest.filter(([key]) => !keys.has(key)),
      );
    }
    this.pending.delete(change);
    applyLog(this.synced, left);
    this.settled = true;
  }

  /** Opening a log that was not closed writes what is found in it to synced files. */
  settle(): void {
    for (const change of this.pending.keys()) this.sync(change);
  }
}

export function applyLog(entries: Map<string, Uint8Array>, change: LogChange): void {
  for (const [key, value] of change) {
    if (value === undefined) entries.delete(key);
    else entries.set(key, value);
  }
}

function applyEntries(entries: Map<string, MemoryNode>, change: EntryChange): void {
  for (const [name, node] of change) {
    if (node === undefined) entries.delete(name);
    else entries.set(name, node);
  }
}
