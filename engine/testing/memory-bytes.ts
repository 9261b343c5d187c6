import type { Random } from "../connectors/generate/random.ts";

type Change =
  | { readonly kind: "write"; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly length: number };

const sectorBytes = 512;

/** Bytes that can grow; what was never written reads as zero. */
class GrowingBytes {
  #buffer: Buffer;
  #length: number;

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.#buffer = Buffer.from(content);
    this.#length = content.length;
  }

  get length(): number {
    return this.#length;
  }

  /** A view: it may change with the next write. */
  get content(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  apply(change: Change): void {
    if (change.kind === "write") {
      this.#reach(Math.max(this.#length, change.at + change.bytes.length));
      change.bytes.copy(this.#buffer, change.at);
    } else if (change.length < this.#length) {
      this.#buffer.fill(0, change.length, this.#length);
      this.#length = change.length;
    } else {
      this.#reach(change.length);
    }
  }

  #reach(length: number): void {
    if (length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(length, this.#buffer.length * 2, 256));
      this.content.copy(larger);
      this.#buffer = larger;
    }
    this.#length = length;
  }
}

/** The content of a file: as every process sees it, and as the disk itself has it. */
export class MemoryBytes {
  #live: GrowingBytes;
  #synced: GrowingBytes;
  /** Since the last sync, in order. */
  #pending: Change[] = [];

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.#live = new GrowingBytes(content);
    this.#synced = new GrowingBytes(content);
  }

  get length(): number {
    return this.#live.length;
  }

  get content(): Buffer {
    return Buffer.from(this.#live.content);
  }

  read(into: Buffer, position: number): number {
    return this.#live.content.subarray(position, position + into.length).copy(into);
  }

  write(bytes: Uint8Array, at: number): void {
    // An empty write does not make a file longer.
    if (bytes.length > 0) this.#change({ kind: "write", at, bytes: Buffer.from(bytes) });
  }

  truncate(length: number): void {
    if (length !== this.#live.length) this.#change({ kind: "truncate", length });
  }

  sync(): void {
    for (const change of this.#pending) this.#synced.apply(change);
    this.#pending = [];
  }

  copy(): MemoryBytes {
    const copy = new MemoryBytes();
    copy.#live = new GrowingBytes(this.#live.content);
    copy.#synced = new GrowingBytes(this.#synced.content);
    copy.#pending = [...this.#pending];
    return copy;
  }

  /**
   * What a power loss may leave: all that was synced, and of the rest nothing, everything, the first part, or any
   * sectors of it, with any length that the file has had since.
   */
  torn(random: Random): Buffer {
    const disk = new GrowingBytes(this.#synced.content);
    const style = random();
    if (style < 0.2) return disk.content;
    const ends: number[] = [];
    const whole = style < 0.4 ? this.#pending.length : Math.floor(random() * this.#pending.length);
    for (const [index, change] of this.#pending.entries()) {
      if (style < 0.4 || (style < 0.7 && index < whole)) disk.apply(change);
      else if (style < 0.7) {
        if (index === whole && change.kind === "write") disk.apply(firstPart(change, random));
      } else if (change.kind === "truncate") {
        if (random() < 0.5) disk.apply(change);
      } else {
        for (const sector of sectorsOf(change)) if (random() < 0.5) disk.apply(sector);
      }
      if (change.kind === "write") ends.push(change.at + change.bytes.length);
    }
    // A file can have grown before its bytes arrived: they read as zero.
    const end = ends[Math.floor(random() * ends.length)] ?? 0;
    if (style >= 0.7 && random() < 0.5 && end > disk.length) {
      disk.apply({ kind: "truncate", length: end });
    }
    return disk.content;
  }

  #change(change: Change): void {
    this.#live.apply(change);
    this.#pending.push(change);
  }
}

function firstPart({ at, bytes }: Change & { kind: "write" }, random: Random): Change {
  return { kind: "write", at, bytes: bytes.subarray(0, Math.floor(random() * bytes.length)) };
}

/** A write cut where the sectors of the disk begin. */
function sectorsOf({ at, bytes }: Change & { kind: "write" }): readonly Change[] {
  const sectors: Change[] = [];
  for (let from = 0; from < bytes.length;) {
    const to = Math.min(bytes.length, from + sectorBytes - ((at + from) % sectorBytes));
    sectors.push({ kind: "write", at: at + from, bytes: bytes.subarray(from, to) });
    from = to;
  }
  return sectors;
}
