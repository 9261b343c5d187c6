import { crc32 } from "node:zlib";
import { EngineError } from "../core/errors.ts";
import type { Failpoints } from "../core/failpoints.ts";
import { stateFileError } from "./file-errors.ts";
import type { LogStore } from "./log-store.ts";

/**
 * The state log: packed chunks of keyed state and one commit record per epoch, in a LogStore.
 *
 * Key: epoch (8 bytes), sequence within the epoch (4), state number (2), big endian, so keys grow as they are
 * written and a commit record is the last key of its epoch. Keys are written once; overwriting them would make
 * Level rewrite its tables and could read stale values. Value: version, length, payload, and a CRC over key,
 * header and payload, since Level reports no flipped bits.
 */
export interface ChunkAddress {
  readonly epoch: number;
  readonly sequence: number;
  readonly state: number;
  readonly checksum: number;
  readonly bytes: number;
}

export interface LogChunk {
  readonly address: ChunkAddress;
  /** A view that may be used only until the next chunk is asked for. */
  readonly payload: Uint8Array;
}

export interface LoggedCommit {
  readonly epoch: number;
  readonly content: Uint8Array;
}

const keyBytes = 14;
const headerBytes = 8;
const trailerBytes = 4;
const formatVersion = 1;
const commitSequence = 0xffff_ffff;
/** Reserved state number of commit records. */
const commitState = 0xffff;
const commitsKept = 3;
/** Chunk writes under way before `settle` waits. */
const inFlightMax = 8;

/** A chunk that is not needed any more once the epoch `afterEpoch` is committed. */
interface Garbage {
  readonly key: Uint8Array;
  readonly bytes: number;
  readonly afterEpoch: number;
}

const compactAfterBytes = 32 * 1024 * 1024;

export const stateNumberMax = commitState - 1;

export class StateLog {
  readonly #store: LogStore;
  readonly #failpoints: Failpoints;
  readonly #commits: LoggedCommit[];
  /** Keys that no commit covers; dropped together, before anything new is written. */
  #uncommitted: Uint8Array[] = [];
  #garbage: Garbage[] = [];
  #removedBytes = 0;
  /** Set by the scan of `committedChunks` and then by `dropUncommitted`: what was left behind must go before any write. */
  #phase: "opened" | "scanned" | "writable" = "opened";
  #commitKeys: Uint8Array[];
  #epoch: number;
  #sequence = 0;
  readonly #inFlight = new Set<Promise<void>>();
  #failure: unknown;

  private constructor(
    store: LogStore,
    failpoints: Failpoints,
    commits: LoggedCommit[],
    commitKeys: Uint8Array[],
  ) {
    this.#store = store;
    this.#failpoints = failpoints;
    this.#commits = commits;
    this.#commitKeys = commitKeys;
    this.#epoch = (commits[0]?.epoch ?? 0) + 1;
  }

  /** Reads the newest commit records. Throws STATE_CORRUPT if the newest one is invalid: no older one replaces it. */
  static async open(store: LogStore, failpoints: Failpoints): Promise<StateLog> {
    const keys: Uint8Array[] = [];
    for await (const key of store.keysDescending()) {
      if (isCommitKey(key)) keys.push(Uint8Array.from(key));
      if (keys.length === commitsKept) break;
    }
    const commits: LoggedCommit[] = [];
    for (const key of keys) {
      const value = await store.get(key);
      const content = value === undefined ? undefined : unframe(key, value);
      if (content === undefined) {
        // Older records are for comparison only: without one, recovery simply knows less.
        if (commits.length > 0) break;
        throw corrupt(`the commit record of epoch ${epochOf(key)} is damaged`);
      }
      commits.push({ epoch: epochOf(key), content });
    }
    return new StateLog(store, failpoints, commits, keys.toReversed());
  }

  /** The newest commit record; undefined before the first. */
  get newest(): LoggedCommit | undefined {
    return this.#commits[0];
  }

  /** The one before it, if it is still there. */
  get previous(): LoggedCommit | undefined {
    return this.#commits[1];
  }

  /** The epoch that chunks are appended to. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Every chunk that the newest commit may cover, in order of writing, verified by its CRC. Chunks of later epochs,
   * damaged or not, are collected for `dropUncommitted`. Throws STATE_CORRUPT at a damaged chunk of a committed epoch.
   */
  async *committedChunks(): AsyncIterable<LogChunk> {
    const committedEpoch = this.newest?.epoch ?? 0;
    this.#uncommitted = [];
    for await (const { key, value } of this.#store.entries()) {
      if (isCommitKey(key)) continue;
      if (key.length !== keyBytes) throw corrupt("a key of the state log has a wrong length");
      const epoch = epochOf(key);
      if (epoch > committedEpoch) {
        this.#uncommitted.push(Uint8Array.from(key));
        // Keys of the dropped attempt are not written again.
        if (epoch === this.#epoch) this.#sequence = Math.max(this.#sequence, sequenceOf(key) + 1);
        continue;
      }
      const payload = unframe(key, value);
      if (payload === undefined) throw corrupt(`a chunk of epoch ${epoch} is damaged`);
      yield {
        address: {
          epoch,
          sequence: sequenceOf(key),
          state: stateOf(key),
          checksum: checksumOf(value),
          bytes: value.length,
        },
        payload,
      };
    }
    if (this.#phase === "opened") this.#phase = "scanned";
  }

  /**
   * After the recovery decision: drops, in one durable write, what no commit covers. Nothing can be written before.
   * Number of chunks dropped.
   */
  async dropUncommitted(): Promise<number> {
    if (this.#phase === "opened") {
      throw new EngineError("INTERNAL", "the state log must be read before it is written");
    }
    const keys = [...this.#uncommitted, ...this.#takeGarbage()];
    if (keys.length > 0) {
      await this.#failpoints.hit("recover.chunks.before");
      await this.#store.deleteMany(keys);
      await this.#failpoints.hit("recover.chunks.after");
    }
    this.#uncommitted = [];
    this.#phase = "writable";
    return keys.length;
  }

  /**
   * Adds a chunk to the current epoch. Returns at once; the write, durable by itself, goes on in the background.
   * Its failure is thrown by `settle` and `flush`.
   */
  append(state: number, payload: Uint8Array): ChunkAddress {
    this.#requireWritable();
    const sequence = this.#sequence++;
    const key = encodeKey(this.#epoch, sequence, state);
    const value = frame(key, payload);
    const address = {
      epoch: this.#epoch,
      sequence,
      state,
      checksum: checksumOf(value),
      bytes: value.length,
    };
    if (this.#failure !== undefined) return address;
    const write = this.#write(key, value).catch((error: unknown) => {
      this.#failure ??= error;
    });
    this.#inFlight.add(write);
    void write.then(() => this.#inFlight.delete(write));
    return address;
  }

  /** Waits until few writes are under way: back-pressure, once per batch. */
  async settle(): Promise<void> {
    while (this.#inFlight.size > inFlightMax) await Promise.race(this.#inFlight);
    this.#throwFailure();
  }

  /** Closes the current epoch for `append` at once; resolves when its chunks are durable. */
  async closeEpoch(): Promise<void> {
    this.#epoch++;
    this.#sequence = 0;
    const writes = [...this.#inFlight];
    await Promise.all(writes);
    this.#throwFailure();
  }

  /** Writes the commit record of the closed epoch: the decision. Older records are pruned afterwards. */
  async commit(epoch: number, content: Uint8Array): Promise<void> {
    this.#requireWritable();
    if (epoch !== (this.newest?.epoch ?? 0) + 1 || epoch !== this.#epoch - 1) {
      throw new EngineError("INTERNAL", `commit of epoch ${epoch} is out of order`);
    }
    this.#throwFailure();
    const key = encodeKey(epoch, commitSequence, commitState);
    try {
      await this.#failpoints.hit("commit.record.before");
      await this.#store.put(key, frame(key, content));
    } catch (error) {
      // Failed is not absent: the record may be there after all. Only a reopened log tells.
      this.#failure ??= error;
      this.#throwFailure();
    }
    this.#commits.unshift({ epoch, content });
    this.#commits.length = Math.min(this.#commits.length, 2);
    this.#commitKeys.push(key);
    await this.#failpoints.hit("commit.record.after");
  }

  /** Marks chunks that are not needed any more once the epoch `afterEpoch` is committed. */
  discard(chunks: Iterable<ChunkAddress>, afterEpoch: number): void {
    for (const { epoch, sequence, state, bytes } of chunks) {
      this.#garbage.push({ key: encodeKey(epoch, sequence, state), bytes, afterEpoch });
    }
  }

  /**
   * After a commit: removes what was discarded up to it and commit records beyond the last few. A crash here leaves
   * garbage only, which the next start drops.
   */
  async prune(): Promise<void> {
    this.#throwFailure();
    const keys = this.#takeGarbage();
    const tooMany = Math.max(0, this.#commitKeys.length - commitsKept);
    keys.push(...this.#commitKeys.splice(0, tooMany));
    if (keys.length === 0) return;
    await this.#store.deleteMany(keys);
    if (this.#removedBytes < compactAfterBytes) return;
    this.#removedBytes = 0;
    keys.sort((a, b) => Buffer.compare(a, b));
    await this.#store.compact(keys[0] ?? new Uint8Array(), keys.at(-1) ?? new Uint8Array());
  }

  /** Waits for writes under way, then closes the store. */
  async close(): Promise<void> {
    await Promise.all(this.#inFlight);
    await this.#store.close();
  }

  async #write(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#failpoints.hit("log.chunk.before");
    await this.#store.put(key, value);
    await this.#failpoints.hit("log.chunk.after");
  }

  /** Keys that the newest commit no longer needs. */
  #takeGarbage(): Uint8Array[] {
    const committedEpoch = this.newest?.epoch ?? 0;
    const keys: Uint8Array[] = [];
    const kept: Garbage[] = [];
    for (const garbage of this.#garbage) {
      if (garbage.afterEpoch > committedEpoch) {
        kept.push(garbage);
        continue;
      }
      keys.push(garbage.key);
      this.#removedBytes += garbage.bytes;
    }
    this.#garbage = kept;
    return keys;
  }

  #requireWritable(): void {
    if (this.#phase === "writable") return;
    throw new EngineError("INTERNAL", "chunks of an uncommitted epoch must be dropped first");
  }

  #throwFailure(): void {
    if (this.#failure === undefined) return;
    throw stateFileError(this.#failure, "the state log");
  }
}

/** Order-free digest of a set of chunks: toggling a chunk adds or removes it. */
export class ChunkDigest {
  #low = 0;
  #high = 0;

  toggle(chunk: ChunkAddress): void {
    const low = mix(chunk.checksum ^ Math.imul(chunk.sequence, 0x9e37_79b1));
    this.#low ^= low;
    this.#high ^= mix(low ^ Math.imul(chunk.epoch | 0, 0x85eb_ca6b) ^ chunk.state);
  }

  get hex(): string {
    return hex32(this.#high) + hex32(this.#low);
  }
}

export function corrupt(what: string): EngineError {
  return new EngineError("STATE_CORRUPT", `The state does not verify: ${what}`, {
    hint: "It is never repaired by guessing. Restore the whole state directory from a copy, or start over with an empty one.",
  });
}

function mix(word: number): number {
  let h = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

function hex32(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}

function encodeKey(epoch: number, sequence: number, state: number): Uint8Array {
  const key = new Uint8Array(keyBytes);
  const view = new DataView(key.buffer);
  view.setBigUint64(0, BigInt(epoch));
  view.setUint32(8, sequence);
  view.setUint16(12, state);
  return key;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function epochOf(key: Uint8Array): number {
  return Number(viewOf(key).getBigUint64(0));
}

function sequenceOf(key: Uint8Array): number {
  return viewOf(key).getUint32(8);
}

function stateOf(key: Uint8Array): number {
  return viewOf(key).getUint16(12);
}

function isCommitKey(key: Uint8Array): boolean {
  return (
    key.length === keyBytes && sequenceOf(key) === commitSequence && stateOf(key) === commitState
  );
}

function frame(key: Uint8Array, payload: Uint8Array): Uint8Array {
  const value = new Uint8Array(headerBytes + payload.length + trailerBytes);
  const view = viewOf(value);
  view.setUint8(0, formatVersion);
  view.setUint32(4, payload.length, true);
  value.set(payload, headerBytes);
  const end = headerBytes + payload.length;
  view.setUint32(end, crc32(value.subarray(0, end), crc32(key)), true);
  return value;
}

function checksumOf(value: Uint8Array): number {
  return viewOf(value).getUint32(value.length - trailerBytes, true);
}

/** The payload, or undefined if the value is not what was written under this key. */
function unframe(key: Uint8Array, value: Uint8Array): Uint8Array | undefined {
  if (value.length < headerBytes + trailerBytes) return undefined;
  const end = value.length - trailerBytes;
  const view = viewOf(value);
  if (view.getUint8(0) !== formatVersion || view.getUint32(4, true) !== end - headerBytes) {
    return undefined;
  }
  if (crc32(value.subarray(0, end), crc32(key)) !== checksumOf(value)) return undefined;
  return value.subarray(headerBytes, end);
}
