import type { DiskHook, DiskOperation, DiskOperationKind, Verdict } from "./disk-operations.ts";
import type { MemoryDisk } from "./memory-disk.ts";

/** One for each that waits: a promise that all shared would keep all of them for ever. */
function hangsForEver(): Promise<never> {
  return new Promise(() => {});
}

/**
 * A process on a memory disk, as far as the disk knows it: what it asks for goes through one hook and is kept in a
 * journal. Its file port is `MemoryFiles`, its log stores come from `memoryLogStores`. Without a hook no operation
 * takes longer than a few turns of the microtask queue.
 */
export class MemoryProcess {
  readonly disk: MemoryDisk;
  /** Everything asked for so far, in order. */
  readonly journal: DiskOperation[] = [];
  #hook: DiskHook;
  #killed = false;

  constructor(disk: MemoryDisk, hook: DiskHook = {}) {
    this.disk = disk;
    this.#hook = hook;
  }

  /** From the next operation on. */
  set hook(hook: DiskHook) {
    this.#hook = hook;
  }

  /** Ends this process: what it holds is free, and what it asked for and asks from now on never comes back. */
  kill(): void {
    this.#killed = true;
    for (const [inode, holder] of this.disk.holders) {
      if (holder === this) this.disk.holders.delete(inode);
    }
  }

  /** An operation that gives something back: it can fail, but not be half done. */
  async ask<T>(
    asked: { readonly kind: DiskOperationKind; readonly path: string },
    work: () => T,
    /** Takes back what is of no use to who gets an error in place of it. */
    undo?: (result: T) => void,
  ): Promise<T> {
    const operation = await this.#begin(asked);
    const verdict = await this.#before(operation);
    if (typeof verdict === "object") throw verdict.torn;
    const result = work();
    try {
      await this.#after(operation);
    } catch (error) {
      undo?.(result);
      throw error;
    }
    return result;
  }

  /** An operation that only has an effect. `half`: what a torn write does. */
  async change(
    asked: { readonly kind: DiskOperationKind; readonly path: string; readonly bytes?: number },
    work: () => void,
    half?: () => void,
  ): Promise<void> {
    const operation = await this.#begin(asked);
    const verdict = await this.#before(operation);
    if (typeof verdict === "object") {
      half?.();
      throw verdict.torn;
    }
    if (verdict !== "lost") work();
    await this.#after(operation);
  }

  /** An operation that gives something back to the system: done even where it reports an error. */
  async release(
    asked: { readonly kind: DiskOperationKind; readonly path: string },
    work: () => void,
  ): Promise<void> {
    const operation = await this.#begin(asked);
    try {
      const verdict = await this.#before(operation);
      if (typeof verdict === "object") throw verdict.torn;
    } finally {
      work();
    }
    await this.#after(operation);
  }

  async #begin(asked: Omit<DiskOperation, "n">): Promise<DiskOperation> {
    if (this.#killed) await hangsForEver();
    const operation = { n: this.journal.length + 1, ...asked };
    this.journal.push(operation);
    return operation;
  }

  async #before(operation: DiskOperation): Promise<Verdict> {
    const verdict = await this.#hook.before?.(operation);
    if (this.#killed) await hangsForEver();
    return verdict;
  }

  async #after(operation: DiskOperation): Promise<void> {
    await this.#hook.after?.(operation);
    if (this.#killed) await hangsForEver();
  }
}
