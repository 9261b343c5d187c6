import { resolve } from "node:path";
import { crc32 } from "node:zlib";
import { EngineError } from "../../core/errors.ts";
import type { File, FileFacts, FileSystem } from "../../core/file-system.ts";
import type { JsonValue } from "../../core/json.ts";
import type { RawBatch } from "../../core/record.ts";
import type { ConnectorContext, PartitionLag, Source, SourceDefinition } from "../connector.ts";
import { LineReader } from "./line-reader.ts";
import { systemCode } from "./system-error.ts";

/** Where reading goes on, with a fingerprint of everything before it. `ended`: `offset` was the end of the file. */
interface FilePosition {
  readonly offset: number;
  /** CRC32 of all bytes before `offset`. */
  readonly crc: number;
  readonly ended: boolean;
}

const startPosition: FilePosition = { offset: 0, crc: 0, ended: false };
const restoreHint =
  "put back the file as it was, or start over with a fresh state directory (--state-dir)";

/** One file of newline-delimited records: one partition, whose offsets are the byte offsets of its lines. */
export class FileSource implements Source {
  readonly name: string;
  readonly partitions = 1;
  readonly path: string;
  readonly #files: FileSystem;
  readonly #maxRecordBytes: number;
  readonly #chunkBytes: number;
  #file: File | undefined;
  #reader: LineReader | undefined;
  #sizeAtOpen = 0;
  #endReported = false;

  constructor(
    path: string,
    context: Pick<ConnectorContext, "files" | "baseDirectory" | "maxRecordBytes">,
    options: { readonly chunkBytes: number } = { chunkBytes: 1 << 20 },
  ) {
    this.name = path;
    this.path = resolve(context.baseDirectory, path);
    this.#files = context.files;
    this.#maxRecordBytes = context.maxRecordBytes;
    this.#chunkBytes = options.chunkBytes;
  }

  async resolveStart(): Promise<readonly JsonValue[]> {
    await this.#facts();
    const file = await this.#attempt(() => this.#files.open(this.path, "read"));
    await file.close();
    return [{ ...startPosition }];
  }

  async open(positions: readonly JsonValue[]): Promise<void> {
    const position = this.#readPosition(positions);
    const facts = await this.#facts();
    this.#sizeAtOpen = facts.size;
    if (facts.size < position.offset) {
      throw this.#changed(
        `is shorter (${facts.size} bytes) than what was read of it before (${position.offset} bytes)`,
      );
    }
    if (position.ended && facts.size > position.offset) {
      throw this.#changed(
        `was read to its end at byte ${position.offset} before and has ${facts.size} bytes now`,
      );
    }
    const file = await this.#attempt(() => this.#files.open(this.path, "read"));
    this.#file = file;
    const crc = await this.#attempt(() => this.#crcOf(file, position.offset));
    if (crc !== position.crc) {
      throw this.#changed(`has changed within the first ${position.offset} bytes, read before`);
    }
    this.#reader = new LineReader(file, {
      offset: position.offset,
      crc,
      sizeHint: facts.size,
      maxRecordBytes: this.#maxRecordBytes,
      chunkBytes: this.#chunkBytes,
    });
  }

  async poll(maxRecords: number, signal: AbortSignal): Promise<RawBatch | undefined> {
    const reader = this.#reader;
    if (reader === undefined) throw new EngineError("INTERNAL", `file ${this.name} is not open`);
    if (this.#endReported) return undefined;
    const lines = await this.#attempt(() => reader.next(maxRecords, signal));
    if (reader.ended && reader.offset < this.#sizeAtOpen) {
      throw this.#changed(`became shorter while it was read: it ends at byte ${reader.offset}`);
    }
    if (lines === undefined && !reader.ended) return undefined;
    this.#endReported = reader.ended;
    return {
      partition: 0,
      ...(lines ?? { bytes: Buffer.alloc(0), starts: [], ends: [], offsets: [] }),
      resumeAt: { offset: reader.offset, crc: reader.crc, ended: reader.ended },
      ended: reader.ended,
    };
  }

  async lags(positions: readonly JsonValue[]): Promise<readonly PartitionLag[]> {
    const { offset } = this.#readPosition(positions);
    return [{ readTo: offset, end: (await this.#facts()).size, unit: "bytes" }];
  }

  lag(): { readonly amount: number; readonly unit: "bytes" } | undefined {
    if (this.#reader === undefined) return undefined;
    return { amount: Math.max(0, this.#sizeAtOpen - this.#reader.offset), unit: "bytes" };
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#reader = undefined;
    await file?.close();
  }

  async #facts(): Promise<FileFacts> {
    const facts = await this.#attempt(() => this.#files.stat(this.path));
    if (facts === undefined) {
      throw new EngineError("INPUT_MISSING", `input file ${this.name} does not exist`, {
        hint: `looked for ${this.path}`,
      });
    }
    if (facts.isDirectory) {
      throw new EngineError("INPUT_UNREADABLE", `input ${this.name} is a directory`, {
        hint: "name a file of newline-delimited JSON",
      });
    }
    return facts;
  }

  /** CRC32 of the first `length` bytes; of fewer if the file ends before. */
  async #crcOf(file: File, length: number): Promise<number> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(this.#chunkBytes, length));
    let crc = 0;
    for (let at = 0; at < length;) {
      const got = await file.read(buffer.subarray(0, Math.min(buffer.length, length - at)), at);
      if (got === 0) break;
      crc = crc32(buffer.subarray(0, got), crc);
      at += got;
    }
    return crc;
  }

  #readPosition(positions: readonly JsonValue[]): FilePosition {
    const position = positions[0];
    if (positions.length !== 1 || !isFilePosition(position)) {
      throw new EngineError(
        "STATE_FOREIGN",
        `the saved position of input ${this.name} is not one of a file`,
        {
          hint: "the job read this source from another kind of system before; use its own state directory",
        },
      );
    }
    return position;
  }

  #changed(what: string): EngineError {
    return new EngineError("INPUT_CHANGED", `input file ${this.name} ${what}`, {
      hint: restoreHint,
    });
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined) throw error;
      // It may go between the look at it and its opening.
      const missing = code === "ENOENT";
      throw new EngineError(
        missing ? "INPUT_MISSING" : "INPUT_UNREADABLE",
        missing
          ? `input file ${this.name} does not exist`
          : `input file ${this.name} cannot be read (${code})`,
        { cause: error },
      );
    }
  }
}

function isFilePosition(value: unknown): value is FilePosition {
  if (typeof value !== "object" || value === null) return false;
  const { offset, crc, ended } = value as Partial<Record<keyof FilePosition, unknown>>;
  return Number.isSafeInteger(offset) && Number.isSafeInteger(crc) && typeof ended === "boolean";
}

/** A file of newline-delimited records. It is bounded: reading ends with the file, and its end closes windows. */
export const fileSource: SourceDefinition = {
  type: "file",
  summary: "Reads a file of newline-delimited records to its end; blank lines are none.",
  configSchema: {
    required: ["path"],
    properties: {
      path: { type: "string", minLength: 1, description: "The file, relative to the spec." },
    },
  },
  bounded: true,
  resolve(_raw, context) {
    const path = context.path(["path"]);
    return path === undefined ? undefined : { path };
  },
  create: (config, context) => new FileSource(config["path"] as string, context),
};
