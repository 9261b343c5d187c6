import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { File } from "../../core/file-system.ts";
import type { OversizedRecord } from "../../core/record.ts";
import { headBytes, headOf } from "../oversized-record.ts";

const newline = 10;
const noBytes = Buffer.alloc(0);
/** How much one call reads before it lets its caller look around (blank stretches, endless lines). */
const chunksPerCall = 64;

/** Lines out of one buffer: line `i` is `bytes[starts[i] .. ends[i])`, its place in the file `offsets[i]`. */
export interface Lines {
  readonly bytes: Buffer;
  readonly starts: number[];
  readonly ends: number[];
  readonly offsets: number[];
  readonly oversized?: ReadonlyMap<number, OversizedRecord>;
}

/** A line beyond the cap while it streams past: only its head, length and digest are kept. */
interface LongLine {
  readonly offset: number;
  readonly head: Buffer;
  readonly hash: Hash;
  length: number;
  blank: boolean;
}

export interface LineReaderOptions {
  readonly offset: number;
  /** CRC32 of all bytes before `offset`. */
  readonly crc: number;
  /** Size of the file as last seen: only a hint for how much to read. */
  readonly sizeHint: number;
  readonly maxRecordBytes: number;
  readonly chunkBytes: number;
}

/**
 * Splits a file into lines with bounded memory, whatever the length of a line. Lines of spaces, tabs and carriage
 * returns are skipped; any other carriage return belongs to its line; the last line needs no newline.
 */
export class LineReader {
  readonly #file: File;
  readonly #maxRecordBytes: number;
  readonly #chunkBytes: number;
  readonly #sizeHint: number;
  /** What has been read and not been handed out: `#chunk[#at ..]`. */
  #chunk: Buffer = noBytes;
  #at = 0;
  /** Offset in the file of the next byte to hand out, and the CRC32 of all bytes before it. */
  #offset: number;
  #crc: number;
  #long: LongLine | undefined;
  /** What long lines are read into, over and over. */
  #passing: Buffer | undefined;
  #allRead = false;

  constructor(file: File, options: LineReaderOptions) {
    this.#file = file;
    this.#maxRecordBytes = options.maxRecordBytes;
    this.#chunkBytes = options.chunkBytes;
    this.#sizeHint = options.sizeHint;
    this.#offset = options.offset;
    this.#crc = options.crc;
  }

  /** Bytes before this place have been handed out, or skipped as blank. */
  get offset(): number {
    return this.#offset;
  }

  /** CRC32 of all bytes before `offset`. */
  get crc(): number {
    return this.#crc;
  }

  /** True once the end of the file was seen and everything before it has been handed out. */
  get ended(): boolean {
    return this.#allRead && this.#at === this.#chunk.length && this.#long === undefined;
  }

  /** At most `maxLines` lines, at least one unless the file ends, `signal` aborts or nothing came for a while. */
  async next(maxLines: number, signal: AbortSignal): Promise<Lines | undefined> {
    for (let chunks = 0; chunks < chunksPerCall && !signal.aborted; chunks += 1) {
      const lines =
        this.#long === undefined ? this.#take(maxLines) : this.#passLongLine(this.#long);
      if (lines !== undefined) return lines;
      // An ended long line leaves other lines behind it in the same chunk.
      if (this.#long === undefined && this.#chunk.indexOf(newline, this.#at) >= 0) continue;
      if (this.#allRead) return undefined;
      await this.#read();
    }
    return undefined;
  }

  /** Lines that are complete in the chunk; `#at` goes behind them and behind skipped ones. */
  #take(maxLines: number): Lines | undefined {
    const chunk = this.#chunk;
    const chunkOffset = this.#offset - this.#at;
    const starts: number[] = [];
    const ends: number[] = [];
    const offsets: number[] = [];
    let oversized: Map<number, OversizedRecord> | undefined;
    let base = 0;
    let at = this.#at;
    while (starts.length < maxLines && at < chunk.length) {
      const found = chunk.indexOf(newline, at);
      if (found < 0 && !this.#allRead) break;
      const end = found < 0 ? chunk.length : found;
      if (!isBlank(chunk, at, end)) {
        if (starts.length === 0) base = at;
        let kept = end;
        if (end - at > this.#maxRecordBytes) {
          const line = chunk.subarray(at, end);
          oversized ??= new Map();
          oversized.set(starts.length, { length: line.length, sha256: sha256(line) });
          kept = at + headOf(line).length;
        }
        starts.push(at - base);
        ends.push(kept - base);
        offsets.push(chunkOffset + at);
      }
      at = found < 0 ? end : end + 1;
    }
    this.#handOut(at);
    if (starts.length === 0) return undefined;
    const bytes = chunk.subarray(base, at);
    return oversized === undefined
      ? { bytes, starts, ends, offsets }
      : { bytes, starts, ends, offsets, oversized };
  }

  /** Takes the chunk's part of a long line; its row once the line has ended. */
  #passLongLine(line: LongLine): Lines | undefined {
    const chunk = this.#chunk;
    const found = chunk.indexOf(newline, this.#at);
    const end = found < 0 ? chunk.length : found;
    line.hash.update(chunk.subarray(this.#at, end));
    line.length += end - this.#at;
    line.blank &&= isBlank(chunk, this.#at, end);
    this.#handOut(found < 0 ? end : end + 1);
    if (found < 0 && !this.#allRead) return undefined;
    this.#long = undefined;
    if (line.blank) return undefined;
    return {
      bytes: line.head,
      starts: [0],
      ends: [line.head.length],
      offsets: [line.offset],
      oversized: new Map([[0, { length: line.length, sha256: line.hash.digest("hex") }]]),
    };
  }

  /** Reads on behind the unfinished line at the end of the chunk. */
  async #read(): Promise<void> {
    const rest = this.#chunk.subarray(this.#at);
    // Not before the whole head is there: it must be the same wherever reading began.
    if (this.#long === undefined && rest.length > Math.max(this.#maxRecordBytes, headBytes)) {
      this.#long = {
        offset: this.#offset,
        head: Buffer.from(headOf(rest)),
        hash: createHash("sha256"),
        length: 0,
        blank: true,
      };
      this.#passLongLine(this.#long);
    }
    if (this.#long === undefined) await this.#readBehind(rest);
    else await this.#readPassing();
    this.#at = 0;
  }

  /** Moves the unfinished line to a fresh buffer and fills that: rows handed out point into the old one. */
  async #readBehind(rest: Buffer): Promise<void> {
    const position = this.#offset + rest.length;
    // Reading at least as much as is carried over keeps the copying linear for lines of any length; one byte more
    // than the file should hold shows its end.
    const wanted = Math.max(this.#chunkBytes, rest.length);
    const likely = Math.max(this.#sizeHint - position + 1, Math.min(4096, wanted));
    const buffer = Buffer.allocUnsafeSlow(rest.length + Math.min(wanted, likely));
    rest.copy(buffer);
    const got = await this.#file.read(buffer.subarray(rest.length), position);
    this.#allRead = got === 0;
    this.#chunk = buffer.subarray(0, rest.length + got);
  }

  /** In the midst of a long line no row points into the buffer, so that it can be filled again. */
  async #readPassing(): Promise<void> {
    const buffer = this.#passing ?? Buffer.allocUnsafeSlow(this.#chunkBytes);
    const got = await this.#file.read(buffer, this.#offset);
    this.#allRead = got === 0;
    this.#chunk = buffer.subarray(0, got);
    // Rows may follow the end of the line: then the buffer is theirs.
    this.#passing = this.#chunk.includes(newline) ? undefined : buffer;
  }

  #handOut(to: number): void {
    // Not for no bytes at all: Node gives 0 instead of the CRC so far when an empty buffer has no memory.
    if (to === this.#at) return;
    this.#crc = crc32(this.#chunk.subarray(this.#at, to), this.#crc);
    this.#offset += to - this.#at;
    this.#at = to;
  }
}

function isBlank(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at];
    if (byte !== 32 && byte !== 9 && byte !== 13) return false;
  }
  return true;
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
