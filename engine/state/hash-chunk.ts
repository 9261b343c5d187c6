/**
 * Payload of a dedup chunk: hashes of 16 bytes in runs of one time each, in order of time.
 * entries (4 bytes) | runs (4) | per run: time (8, double), entries (4) | hashes. Little endian.
 */
const hashChunkEntriesMax = 4096;

const fixedBytes = 8;
const runBytes = 12;
export const wordsPerHash = 4;
const hashBytes = wordsPerHash * Int32Array.BYTES_PER_ELEMENT;

/** Entries that wait to become a chunk. */
export class HashChunkBuilder {
  readonly #hashes = new Int32Array(hashChunkEntriesMax * wordsPerHash);
  readonly #times = new Float64Array(hashChunkEntriesMax);
  #entries = 0;

  get entries(): number {
    return this.#entries;
  }

  get isFull(): boolean {
    return this.#entries === hashChunkEntriesMax;
  }

  add(hash: { a: number; b: number; c: number; d: number }, timeMs: number): void {
    const at = this.#entries * wordsPerHash;
    this.#hashes[at] = hash.a;
    this.#hashes[at + 1] = hash.b;
    this.#hashes[at + 2] = hash.c;
    this.#hashes[at + 3] = hash.d;
    this.#times[this.#entries++] = timeMs;
  }

  /** The payload of what was added; starts over. */
  take(): { payload: Uint8Array; entries: number; latestMs: number } {
    const entries = this.#entries;
    const runs = new Map<number, number>();
    for (let i = 0; i < entries; i++) {
      const timeMs = this.#times[i] ?? 0;
      runs.set(timeMs, (runs.get(timeMs) ?? 0) + 1);
    }
    const times = [...runs.keys()].sort((a, b) => a - b);
    const hashesAt = fixedBytes + times.length * runBytes;
    const payload = new Uint8Array(hashesAt + entries * hashBytes);
    const view = new DataView(payload.buffer);
    view.setUint32(0, entries, true);
    view.setUint32(4, times.length, true);
    const nextAt = new Map<number, number>();
    let at = hashesAt;
    times.forEach((timeMs, run) => {
      const count = runs.get(timeMs) ?? 0;
      view.setFloat64(fixedBytes + run * runBytes, timeMs, true);
      view.setUint32(fixedBytes + run * runBytes + 8, count, true);
      nextAt.set(timeMs, at);
      at += count * hashBytes;
    });
    for (let i = 0; i < entries; i++) {
      const timeMs = this.#times[i] ?? 0;
      const to = nextAt.get(timeMs) ?? 0;
      nextAt.set(timeMs, to + hashBytes);
      for (let word = 0; word < wordsPerHash; word++) {
        view.setInt32(to + word * 4, this.#hashes[i * wordsPerHash + word] ?? 0, true);
      }
    }
    this.#entries = 0;
    return { payload, entries, latestMs: times.at(-1) ?? -Infinity };
  }
}

export interface HashChunk {
  readonly entries: number;
  readonly latestMs: number;
  /** Visits every run later than `cutoffMs`: its hashes, four words each, and their time. */
  forEachRunAfter(cutoffMs: number, visit: (words: Int32Array, timeMs: number) => void): void;
}

export interface HashWords {
  a: number;
  b: number;
  c: number;
  d: number;
}

/** A view, or a copy where the bytes do not begin at a multiple of 4. Little endian, as wherever Level runs. */
function wordsOf({ buffer, byteOffset, length }: Uint8Array): Int32Array {
  const isAligned = byteOffset % Int32Array.BYTES_PER_ELEMENT === 0;
  return isAligned
    ? new Int32Array(buffer, byteOffset, length / Int32Array.BYTES_PER_ELEMENT)
    : new Int32Array(buffer.slice(byteOffset, byteOffset + length));
}

/** Reads a payload; undefined if it is not well formed. */
export function readHashChunk(payload: Uint8Array): HashChunk | undefined {
  if (payload.length < fixedBytes) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const entries = view.getUint32(0, true);
  const runs = view.getUint32(4, true);
  const hashesAt = fixedBytes + runs * runBytes;
  if (payload.length !== hashesAt + entries * hashBytes) return undefined;
  let counted = 0;
  let latestMs = -Infinity;
  for (let run = 0; run < runs; run++) {
    latestMs = Math.max(latestMs, view.getFloat64(fixedBytes + run * runBytes, true));
    counted += view.getUint32(fixedBytes + run * runBytes + 8, true);
  }
  if (counted !== entries) return undefined;
  return {
    entries,
    latestMs,
    forEachRunAfter(cutoffMs, visit) {
      const words = wordsOf(payload.subarray(hashesAt));
      let at = 0;
      for (let run = 0; run < runs; run++) {
        const timeMs = view.getFloat64(fixedBytes + run * runBytes, true);
        const end = at + view.getUint32(fixedBytes + run * runBytes + 8, true) * wordsPerHash;
        if (timeMs > cutoffMs) visit(words.subarray(at, end), timeMs);
        at = end;
      }
    },
  };
}
