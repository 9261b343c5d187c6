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
import { blockBytes } from "./read-blocks.ts";
import type { ReadBlock, ReadBlocks } from "./read-blocks.ts";
import { damaged } from "./topics-error.ts";
import type { PartitionEnd } from "./topics-state.ts";

/** A chunk that was checked, and the place of its next record in the block. */
interface OpenChunk {
  readonly block: ReadBlock;
  readonly start: number;
  readonly end: number;
  readonly endOffset: number;
  at: number;
}

/** Rows of one block, which whoever gets them must release. */
export interface BlockRows extends LogRows {
  readonly block: ReadBlock;
}

/** Reads one partition's log in order, up to ends that the journal covers: those bytes never change. */
export class PartitionCursor {
  readonly #files: FileSystem;
  readonly #path: string;
  #offset: number;
  /** Place in the file of the next chunk to open, or of the open one. */
  #byte: number;
  #file: File | undefined;
  readonly #blocks: ReadBlocks;
  /** What was read and holds chunks to come. */
  #block: ReadBlock | undefined;
  /** Place of the block in the file. */
  #blockAt = 0;
  #chunk: OpenChunk | undefined;

  constructor(
    files: FileSystem,
    path: string,
    position: { readonly offset: number; readonly byte: number },
    blocks: ReadBlocks,
  ) {
    this.#files = files;
    this.#path = path;
    this.#blocks = blocks;
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

  /** The next rows before `end`, at most `recordsMax`, all in one block; undefined if there are none. */
  async read(end: PartitionEnd, recordsMax: number): Promise<BlockRows | undefined> {
    let rows: BlockRows | undefined;
    while (this.#offset < end.offset) {
      const chunk = (this.#chunk ??= this.#nextChunk());
      if (chunk === undefined) {
        // Rows of one batch share one buffer: what lies in the next block is for the next call.
        if (rows !== undefined) break;
        await this.#load(end.bytes);
        continue;
      }
      rows ??= {
        block: chunk.block,
        bytes: chunk.block.bytes,
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
    rows?.block.retain();
    if (this.#chunk === undefined && this.#byte - this.#blockAt === this.#block?.bytes.length) {
      this.#dropBlock();
    }
    return rows;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#dropBlock();
    this.#chunk = undefined;
    await file?.close();
  }

  /** Undefined if the block does not hold all of it. */
  #nextChunk(): OpenChunk | undefined {
    const block = this.#block;
    if (block === undefined) return undefined;
    const { bytes } = block;
    const start = this.#byte - this.#blockAt;
    if (start < 0 || start + chunkHeaderBytes > bytes.length) return undefined;
    const header = chunkHeader(bytes, start);
    if (header === undefined) throw this.#damaged("no chunk starts there");
    const { length, count, firstOffset } = header;
    if (start + length > bytes.length) return undefined;
    if (!isChunkWhole(bytes, start, length)) {
      throw this.#damaged("a chunk does not match its checksum");
    }
    if (firstOffset > this.#offset || firstOffset + count <= this.#offset) {
      throw this.#damaged(`offset ${this.#offset} was expected, not ${firstOffset}`);
    }
    return {
      block,
      start,
      end: start + length,
      endOffset: firstOffset + count,
      at: skipRecords(bytes, start + chunkHeaderBytes, this.#offset - firstOffset),
    };
  }

  async #load(end: number): Promise<void> {
    const available = end - this.#byte;
    let length = Math.min(blockBytes, available);
    const bytes = await this.#loadBlock(length);
    const header = chunkHeader(bytes, 0);
    if (header === undefined) throw this.#damaged("no chunk starts there");
    if (header.length <= length) return;
    length = header.length;
    if (length > available) throw this.#damaged("a chunk does not match its checksum");
    await this.#loadBlock(length);
  }

  async #loadBlock(length: number): Promise<Buffer> {
    this.#file ??= await this.#open();
    this.#dropBlock();
    const block = this.#blocks.take(length);
    const read = (await readAt(this.#file, this.#byte, block.bytes)).length;
    if (read < length) {
      const covered = this.#byte + length;
      throw damaged(
        this.#path,
        this.#byte + read,
        `it ends there, ${covered} bytes were committed`,
      );
    }
    this.#block = block;
    return block.bytes;
  }

  #dropBlock(): void {
    this.#block?.release();
    this.#block = undefined;
    this.#blockAt = this.#byte;
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
