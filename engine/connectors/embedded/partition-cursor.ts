import type { File, FileSystem } from "../../core/file-system.ts";
import { readAt } from "./journal.ts";
import type { LogRows } from "./log-format.ts";
import {
  chunkHeader,
  chunkHeaderBytes,
  isChunkWhole,
  readRecords,
  skipRecords,
} from "./log-format.ts";
import { damaged } from "./topics-error.ts";
import type { PartitionEnd } from "./topics-state.ts";

const blockBytes = 512 * 1024;

/** A chunk that was checked, and the place of its next record in the block. */
interface OpenChunk {
  readonly start: number;
  readonly end: number;
  readonly endOffset: number;
  at: number;
}

/** Reads one partition's log in order, up to ends that the journal covers: those bytes never change. */
export class PartitionCursor {
  readonly #files: FileSystem;
  readonly #path: string;
  #offset: number;
  /** Place in the file of the next chunk to open, or of the open one. */
  #byte: number;
  #file: File | undefined;
  #block: Buffer = Buffer.alloc(0);
  /** Place of the block in the file. */
  #blockAt = 0;
  #chunk: OpenChunk | undefined;

  constructor(
    files: FileSystem,
    path: string,
    position: { readonly offset: number; readonly byte: number },
  ) {
    this.#files = files;
    this.#path = path;
    this.#offset = position.offset;
    this.#byte = position.byte;
  }

  /** Offset of the next record. */
  get offset(): number {
    return this.#offset;
  }

  /** Place of the chunk that holds, or will hold, the next record. */
  get byte(): number {
    return this.#byte;
  }

  /** The next rows before `end`, at most `recordsMax`, all in one buffer; undefined if there are none. */
  async read(end: PartitionEnd, recordsMax: number): Promise<LogRows | undefined> {
    let rows: LogRows | undefined;
    while (this.#offset < end.offset) {
      if (this.#chunk === undefined && !this.#openChunk()) {
        // Rows of one batch share one buffer: what lies in the next block is for the next call.
        if (rows !== undefined) break;
        await this.#load(end.bytes);
        continue;
      }
      const chunk = this.#chunk;
      if (chunk === undefined) continue;
      rows ??= {
        bytes: this.#block,
        starts: [],
        ends: [],
        keyStarts: [],
        offsets: [],
        timestampsMs: [],
      };
      const count = Math.min(recordsMax - rows.starts.length, chunk.endOffset - this.#offset);
      chunk.at = readRecords(rows, chunk.at, this.#offset, count);
      this.#offset += count;
      if (this.#offset === chunk.endOffset) {
        this.#byte = this.#blockAt + chunk.end;
        this.#chunk = undefined;
      }
      if (rows.starts.length >= recordsMax) break;
    }
    return rows;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#block = Buffer.alloc(0);
    this.#blockAt = this.#byte;
    this.#chunk = undefined;
    await file?.close();
  }

  /** False if the block does not hold the whole next chunk. */
  #openChunk(): boolean {
    const start = this.#byte - this.#blockAt;
    if (start < 0 || start + chunkHeaderBytes > this.#block.length) return false;
    const header = chunkHeader(this.#block, start);
    if (header === undefined) throw this.#damaged("no chunk starts there");
    const { length, count, firstOffset } = header;
    if (start + length > this.#block.length) return false;
    if (!isChunkWhole(this.#block, start, length)) {
      throw this.#damaged("a chunk does not match its checksum");
    }
    if (firstOffset > this.#offset || firstOffset + count <= this.#offset) {
      throw this.#damaged(`offset ${this.#offset} was expected, not ${firstOffset}`);
    }
    this.#chunk = {
      start,
      end: start + length,
      endOffset: firstOffset + count,
      at: skipRecords(this.#block, start + chunkHeaderBytes, this.#offset - firstOffset),
    };
    return true;
  }

  async #load(end: number): Promise<void> {
    const available = end - this.#byte;
    let length = Math.min(blockBytes, available);
    await this.#loadBlock(length);
    const header = chunkHeader(this.#block, 0);
    if (header === undefined) throw this.#damaged("no chunk starts there");
    if (header.length <= length) return;
    length = header.length;
    if (length > available) throw this.#damaged("a chunk does not match its checksum");
    await this.#loadBlock(length);
  }

  async #loadBlock(length: number): Promise<void> {
    this.#file ??= await this.#open();
    // A fresh buffer each time: batches that were handed out keep the old one.
    this.#block = await readAt(this.#file, this.#byte, length);
    this.#blockAt = this.#byte;
    if (this.#block.length < length) {
      const covered = this.#byte + length;
      throw damaged(
        this.#path,
        this.#byte + this.#block.length,
        `it ends there, ${covered} bytes were committed`,
      );
    }
  }

  async #open(): Promise<File> {
    try {
      return await this.#files.open(this.#path, "read");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") {
        throw damaged(this.#path, 0, "the file is missing");
      }
      throw error;
    }
  }

  #damaged(what: string): Error {
    return damaged(this.#path, this.#byte, what);
  }
}
