import type { JsonObject, JsonValue } from "../core/json.ts";
import { ChunkBook } from "./chunk-book.ts";
import { DedupIndex } from "./dedup-index.ts";
import { HashChunkBuilder, readHashChunk } from "./hash-chunk.ts";
import type { KeyHash } from "./key-hash.ts";
import { corrupt } from "./state-log.ts";
import type { ChunkAddress, LogChunk, StateLog } from "./state-log.ts";
import type { TimedKeySet } from "./state.ts";

interface HashChunkFacts {
  readonly address: ChunkAddress;
  readonly entries: number;
  /** The chunk lives as long as this is later than the cutoff. */
  readonly latestMs: number;
}

/** Times further ahead of the cutoff than this many ttl go to chunks of their own, lest they keep whole chunks alive. */
const farAheadTtls = 4;

/**
 * TimedKeySet on an in-memory index and the state log: every change is one 16-byte hash in a packed chunk.
 * The time of a key never goes back: a `put` of an earlier or an expired time changes nothing. So a chunk may go as
 * soon as all its times have expired, in whatever order chunks were written.
 */
export class LoggedTimedKeySet implements TimedKeySet {
  readonly #name: string;
  readonly #number: number;
  readonly #log: StateLog;
  readonly #hash: KeyHash;
  readonly #index = new DedupIndex();
  readonly #book = new ChunkBook<HashChunkFacts>();
  readonly #near = new HashChunkBuilder();
  readonly #far = new HashChunkBuilder();
  #ttlMs = 0;
  #farAfterMs = Infinity;

  /** `name` is step/state, for messages. */
  constructor(name: string, number: number, log: StateLog, hash: KeyHash) {
    this.#name = name;
    this.#number = number;
    this.#log = log;
    this.#hash = hash;
  }

  /** The step's settings of this run; a changed ttl rules from now on, what was forgotten stays forgotten. */
  configure(options: { readonly ttlMs: number }): void {
    this.#ttlMs = options.ttlMs;
    this.#setFarLimit();
  }

  get size(): number {
    return this.#index.size;
  }

  get(key: string): number | undefined {
    return this.#index.find(this.#hash.of(key));
  }

  put(key: string, timeMs: number): void {
    const hash = this.#hash.of(key);
    if (!this.#index.raise(hash, timeMs)) return;
    const builder = timeMs > this.#farAfterMs ? this.#far : this.#near;
    builder.add(hash, timeMs);
    if (builder.isFull) this.#write(builder);
  }

  expire(watermarkMs: number): void {
    const cutoffMs = watermarkMs - this.#ttlMs;
    const before = this.#index.cutoffMs;
    this.#index.expireThrough(cutoffMs);
    if (this.#index.cutoffMs !== before) this.#setFarLimit();
  }

  /** Writes what waits and describes the set for the commit record. Later changes belong to the next epoch. */
  prepareCommit(): { record: JsonObject; dead: readonly ChunkAddress[] } {
    this.#write(this.#near);
    this.#write(this.#far);
    const cutoffMs = this.#index.cutoffMs;
    const dead = this.#book.removeUnless((chunk) => chunk.latestMs > cutoffMs);
    return {
      record: { kind: timedKeysKind, ...this.#book.figures, cutoff: encodeTime(cutoffMs) },
      dead,
    };
  }

  /** Takes up what the commit record says, before the first chunk. */
  beginRestore(record: JsonObject): void {
    const cutoffMs = decodeTime(record["cutoff"]);
    if (cutoffMs === undefined) throw corrupt(`the commit record gives ${this.#name} no cutoff`);
    this.#index.expireThrough(cutoffMs);
    const entries = record["entries"];
    this.#index.reserve(typeof entries === "number" ? entries : 0);
    this.#setFarLimit();
  }

  /** One chunk of the log. False if it is no longer part of the state. */
  restoreChunk(chunk: LogChunk): boolean {
    const content = readHashChunk(chunk.payload);
    if (content === undefined) throw corrupt(`a chunk of ${this.#name} is not well formed`);
    const cutoffMs = this.#index.cutoffMs;
    if (content.latestMs <= cutoffMs) return false;
    content.forEachRunAfter(cutoffMs, (words, timeMs) => this.#index.load(words, timeMs));
    this.#book.add({
      address: chunk.address,
      entries: content.entries,
      latestMs: content.latestMs,
    });
    return true;
  }

  /** After the last chunk. Throws STATE_CORRUPT if chunks are missing or foreign. */
  endRestore(record: JsonObject): void {
    this.#index.endLoad();
    this.#book.verify(record, this.#name);
  }

  #write(builder: HashChunkBuilder): void {
    if (builder.entries === 0) return;
    const { payload, entries, latestMs } = builder.take();
    const address = this.#log.append(this.#number, payload);
    this.#book.add({ address, entries, latestMs });
  }

  #setFarLimit(): void {
    const cutoffMs = this.#index.cutoffMs;
    this.#farAfterMs = cutoffMs === -Infinity ? Infinity : cutoffMs + farAheadTtls * this.#ttlMs;
  }
}

export const timedKeysKind = "timed-keys";

/** JSON has no infinity; the cutoff starts at -Infinity and ends at +Infinity. */
function encodeTime(timeMs: number): JsonValue {
  return Number.isFinite(timeMs) ? timeMs : timeMs > 0 ? "end" : "none";
}

function decodeTime(value: JsonValue | undefined): number | undefined {
  if (value === "end") return Infinity;
  if (value === "none") return -Infinity;
  return typeof value === "number" ? value : undefined;
}
