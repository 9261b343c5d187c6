import { compareKeys } from "../core/key.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { ChunkBook } from "./chunk-book.ts";
import { corrupt } from "./state-log.ts";
import type { ChunkAddress, LogChunk, StateLog } from "./state-log.ts";
import type { Codec, WindowStore } from "./state.ts";

/** Snapshots up to this size go into the commit record, larger ones into chunks of about this size. */
const snapshotPartBytes = 64 * 1024;

export const windowsKind = "windows";

type Row = readonly [startMs: number, key: string, value: JsonValue];

interface SnapshotChunk {
  readonly address: ChunkAddress;
  readonly entries: number;
}

/** The durable side of a window store: written whole at each commit. */
export class WindowSnapshots {
  readonly #name: string;
  readonly #number: number;
  readonly #log: StateLog;
  #restored: Row[] = [];
  #book = new ChunkBook<SnapshotChunk>();
  #live: SnapshotWindowStore<unknown> | undefined;

  /** `name` is step/state, for messages. */
  constructor(name: string, number: number, log: StateLog) {
    this.#name = name;
    this.#number = number;
    this.#log = log;
  }

  /** The store at work, holding what was restored; made once. */
  open<V>(codec: Codec<V>): WindowStore<V> {
    if (this.#live !== undefined) throw new RangeError(`${this.#name} is open already`);
    const store = new SnapshotWindowStore(codec);
    for (const [startMs, key, value] of this.#restored)
      store.put(startMs, key, codec.decode(value));
    this.#restored = [];
    this.#live = store;
    return store;
  }

  /** Describes, or writes, every open window for the commit record. Later changes belong to the next epoch. */
  prepareCommit(): { record: JsonObject; dead: readonly ChunkAddress[] } {
    const dead = this.#book.removeUnless(() => false);
    const epoch = this.#log.epoch;
    const parts: string[][] = [];
    let part: string[] = [];
    let partBytes = 0;
    for (const row of this.#live?.rows() ?? this.#restored) {
      const text = JSON.stringify(row);
      if (partBytes > 0 && partBytes + text.length > snapshotPartBytes) {
        parts.push(part);
        part = [];
        partBytes = 0;
      }
      part.push(text);
      partBytes += text.length;
    }
    if (parts.length === 0) {
      const rows = JSON.parse(`[${part.join(",")}]`) as JsonValue;
      return { record: { kind: windowsKind, rows }, dead };
    }
    parts.push(part);
    for (const rows of parts) {
      const payload = Buffer.from(`[${rows.join(",")}]`);
      const address = this.#log.append(this.#number, payload);
      this.#book.add({ address, entries: rows.length });
    }
    return { record: { kind: windowsKind, epoch, ...this.#book.figures }, dead };
  }

  /** Takes up what the commit record says, before the first chunk. */
  beginRestore(record: JsonObject): void {
    const rows = record["rows"];
    if (rows === undefined) return;
    if (!isRows(rows)) throw corrupt(`the commit record describes ${this.#name} wrongly`);
    this.#restored = [...rows];
  }

  /** One chunk of the log. False if it belongs to an older snapshot. */
  restoreChunk(record: JsonObject, chunk: LogChunk): boolean {
    if (chunk.address.epoch !== record["epoch"]) return false;
    const rows = parseRows(chunk.payload);
    if (rows === undefined) throw corrupt(`a chunk of ${this.#name} is not well formed`);
    // One by one: a spread of a large array overflows the stack.
    for (const row of rows) this.#restored.push(row);
    this.#book.add({ address: chunk.address, entries: rows.length });
    return true;
  }

  /** After the last chunk. Throws STATE_CORRUPT if chunks are missing or foreign. */
  endRestore(record: JsonObject): void {
    if (record["rows"] === undefined) this.#book.verify(record, this.#name);
  }
}

/** WindowStore in memory: start -> key -> accumulator. */
class SnapshotWindowStore<V> implements WindowStore<V> {
  readonly #codec: Codec<V>;
  readonly #windows = new Map<number, Map<string, V>>();
  #size = 0;

  constructor(codec: Codec<V>) {
    this.#codec = codec;
  }

  get size(): number {
    return this.#size;
  }

  get(startMs: number, key: string): V | undefined {
    return this.#windows.get(startMs)?.get(key);
  }

  put(startMs: number, key: string, value: V): void {
    let window = this.#windows.get(startMs);
    if (window === undefined) {
      window = new Map();
      this.#windows.set(startMs, window);
    }
    const before = window.size;
    window.set(key, value);
    this.#size += window.size - before;
  }

  starts(): Iterable<number> {
    return this.#windows.keys();
  }

  entries(startMs: number): readonly (readonly [key: string, value: V])[] {
    return [...(this.#windows.get(startMs) ?? [])].sort((a, b) => compareKeys(a[0], b[0]));
  }

  remove(startMs: number): void {
    this.#size -= this.#windows.get(startMs)?.size ?? 0;
    this.#windows.delete(startMs);
  }

  *rows(): Iterable<Row> {
    for (const [startMs, window] of this.#windows) {
      for (const [key, value] of window) yield [startMs, key, this.#codec.encode(value)];
    }
  }
}

function parseRows(payload: Uint8Array): readonly Row[] | undefined {
  try {
    const rows: unknown = JSON.parse(Buffer.from(payload).toString("utf8"));
    return isRows(rows) ? rows : undefined;
  } catch {
    return undefined;
  }
}

function isRows(value: unknown): value is readonly Row[] {
  return (
    Array.isArray(value) &&
    value.every(
      (row) =>
        Array.isArray(row) &&
        row.length === 3 &&
        typeof row[0] === "number" &&
        typeof row[1] === "string",
    )
  );
}
