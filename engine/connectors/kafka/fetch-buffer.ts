import { TOMBSTONE } from "../../core/record.ts";
import { attribute } from "./batch-format.ts";
import { decodeRows, readBatches } from "./batch-decoder.ts";
import type { RecordBatch } from "./batch-decoder.ts";
import { CommittedFilter } from "./committed-rows.ts";
import type { FetchedPart } from "./log-requests.ts";

/** Consecutive committed rows of one partition in one buffer. */
export interface FetchedRows {
  readonly bytes: Buffer;
  readonly offsets: number[];
  readonly starts: number[];
  readonly ends: number[];
  readonly timestampsMs: number[];
  readonly keyStarts: number[];
  readonly keyEnds: number[];
  /** Where to read on: behind the last row, and behind what is no data if nothing else follows. */
  nextOffset: number;
}

/** A compressed batch, which is unpacked only when it is its turn: it may be many times as large then. */
interface PackedRows {
  readonly batch: RecordBatch;
  /** Rows before it were read already. */
  readonly from: number;
  nextOffset: number;
}

/** The committed rows of fetch answers of one partition, in order, until they are taken. */
export class FetchBuffer {
  readonly #where: string;
  readonly #chunks: (FetchedRows | PackedRows)[] = [];
  /** Where the next fetch goes on. */
  fetchOffset: number;
  /** Up to here the rows have been taken. */
  takenOffset: number;
  #bytes = 0;

  constructor(where: string, offset: number) {
    this.#where = where;
    this.fetchOffset = offset;
    this.takenOffset = offset;
  }

  /** Fetched bytes that wait to be taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes in an answer that began at `fetchOffset`. Throws INPUT_UNDECODABLE with nothing taken in. */
  add(part: FetchedPart): void {
    const filter = new CommittedFilter(part.aborted, this.#where);
    const chunks: (FetchedRows | PackedRows)[] = [];
    let offset = this.fetchOffset;
    for (const batch of readBatches(part.records, this.#where)) {
      const isCommitted = filter.accepts(batch);
      if (batch.lastOffset < offset) continue;
      const last = chunks.at(-1);
      const isPacked = (batch.attributes & attribute.compressionMask) !== 0;
      if (isCommitted && isPacked) {
        chunks.push({ batch, from: offset, nextOffset: 0 });
      } else if (isCommitted) {
        const into = last !== undefined && "bytes" in last ? last : emptyRows(batch.buffer, offset);
        if (into !== last) chunks.push(into);
        this.#append(into, batch, offset);
      } else if (last === undefined) {
        chunks.push(emptyRows(part.records, offset));
      }
      offset = batch.lastOffset + 1;
      const current = chunks.at(-1);
      if (current !== undefined) current.nextOffset = offset;
    }
    this.fetchOffset = offset;
    this.#chunks.push(...chunks);
    this.#bytes += chunks.reduce((sum, chunk) => sum + sizeOf(chunk), 0);
  }

  /**
   * At most `maxRecords` rows below `limit`; undefined if there is nothing. Without rows it only tells that reading has
   * gone on over what is no data. Throws INPUT_UNDECODABLE.
   */
  take(maxRecords: number, limit: number): FetchedRows | undefined {
    const chunk = this.#unpacked();
    if (chunk === undefined) return undefined;
    let count = Math.min(chunk.offsets.length, maxRecords);
    while (count > 0 && chunk.offsets[count - 1]! >= limit) count -= 1;
    const isAll = count === chunk.offsets.length;
    const isAtLimit = !isAll && chunk.offsets[count]! >= limit;
    if (count === 0 && !isAll && this.takenOffset >= limit) return undefined;
    const taken: FetchedRows = {
      bytes: chunk.bytes,
      offsets: chunk.offsets.splice(0, count),
      starts: chunk.starts.splice(0, count),
      ends: chunk.ends.splice(0, count),
      timestampsMs: chunk.timestampsMs.splice(0, count),
      keyStarts: chunk.keyStarts.splice(0, count),
      keyEnds: chunk.keyEnds.splice(0, count),
      nextOffset: 0,
    };
    if (isAll) taken.nextOffset = chunk.nextOffset;
    else taken.nextOffset = isAtLimit ? limit : (taken.offsets.at(-1) ?? 0) + 1;
    if (isAll) {
      this.#chunks.shift();
      this.#bytes -= chunk.bytes.length;
    }
    this.takenOffset = taken.nextOffset;
    return taken;
  }

  #unpacked(): FetchedRows | undefined {
    const chunk = this.#chunks[0];
    if (chunk === undefined || "bytes" in chunk) return chunk;
    const rows = emptyRows(chunk.batch.buffer, chunk.nextOffset);
    const unpacked = this.#append(rows, chunk.batch, chunk.from);
    this.#chunks[0] = unpacked;
    this.#bytes += sizeOf(unpacked) - sizeOf(chunk);
    return unpacked;
  }

  /** Rows of a batch from an offset on, behind others of the same buffer. */
  #append(into: FetchedRows, batch: RecordBatch, from: number): FetchedRows {
    const rows = decodeRows(batch, this.#where);
    for (let row = 0; row < rows.offsets.length; row += 1) {
      const rowOffset = rows.offsets[row]!;
      if (rowOffset < from) continue;
      into.offsets.push(rowOffset);
      into.starts.push(rows.starts[row]!);
      into.ends.push(rows.ends[row]!);
      into.timestampsMs.push(rows.timestampsMs[row]!);
      into.keyStarts.push(rows.keyStarts[row]!);
      into.keyEnds.push(rows.keyEnds[row]!);
    }
    return { ...into, bytes: rows.bytes };
  }
}

function sizeOf(chunk: FetchedRows | PackedRows): number {
  return "bytes" in chunk ? chunk.bytes.length : chunk.batch.end - chunk.batch.start;
}

function emptyRows(bytes: Buffer, nextOffset: number): FetchedRows {
  return {
    bytes,
    offsets: [],
    starts: [],
    ends: [],
    timestampsMs: [],
    keyStarts: [],
    keyEnds: [],
    nextOffset,
  };
}

/** The value of a row; null for a tombstone. */
export function valueOf({ bytes, starts, ends }: FetchedRows, row: number): Buffer | null {
  const end = ends[row] ?? TOMBSTONE;
  return end === TOMBSTONE ? null : bytes.subarray(starts[row], end);
}

/** The key of a row; null if it has none. */
export function keyOf({ bytes, keyStarts, keyEnds }: FetchedRows, row: number): Buffer | null {
  const start = keyStarts[row] ?? -1;
  return start < 0 ? null : bytes.subarray(start, keyEnds[row]);
}
