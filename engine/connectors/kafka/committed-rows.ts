import { isControl, isTransactional, markerOf } from "./batch-decoder.ts";
import type { RecordBatch } from "./batch-decoder.ts";

interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/**
 * Tells committed batches of a read_committed fetch from aborted ones. One for each answer. The broker lists the
 * aborted transactions by their end: sorted by their start here, or records of one that began earlier would slip
 * through.
 */
export class CommittedFilter {
  readonly #waiting: AbortedTransaction[];
  readonly #open = new Set<number>();
  readonly #where: string;

  constructor(aborted: readonly AbortedTransaction[], where: string) {
    this.#waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
    this.#where = where;
  }

  /** True if the records of `batch`, the next in offset order, are committed data. */
  accepts(batch: RecordBatch): boolean {
    while ((this.#waiting[0]?.firstOffset ?? Infinity) <= batch.lastOffset) {
      const begun = this.#waiting.shift();
      if (begun !== undefined) this.#open.add(begun.producerId);
    }
    if (isControl(batch)) {
      if (markerOf(batch, this.#where) === "abort") this.#open.delete(batch.producerId);
      return false;
    }
    return !(isTransactional(batch) && this.#open.has(batch.producerId));
  }
}
