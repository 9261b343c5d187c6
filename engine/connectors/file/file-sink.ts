import { dirname, resolve } from "node:path";
import type { FileSegment } from "../../checkpoint/commit-record.ts";
import type { DeliveryMark } from "../../checkpoint/delivery.ts";
import { BlockPool } from "../../core/block-pool.ts";
import { makeDurableDirectory, replaceFile, temporaryPath } from "../../core/durable-file.ts";
import { EngineError } from "../../core/errors.ts";
import type { Failpoints } from "../../core/failpoints.ts";
import type { File, FileSystem } from "../../core/file-system.ts";
import type {
  ConnectorContext,
  FileEnd,
  PositionedSink,
  PositionedSinkFacts,
  SinkDefinition,
} from "../connector.ts";
import { FileTail, holdsSegment } from "./file-tail.ts";
import { systemCode, writeAdvice } from "./system-error.ts";

/** Lines are gathered in blocks of this size, one write each; a longer line has a block of its own. */
const blockBytes = 1 << 20;
/** Bytes handed to the file system and not written yet, above which `room` waits. */
const pendingBytesMax = 8 << 20;
/** UTF-8 has at most this many bytes for a UTF-16 unit. */
const bytesPerUnitMax = 3;
const newline = 0x0a;

type LengthMark = DeliveryMark & { readonly length: number };

/** Appends lines to a file. What lies past the length in `<file>.committed` is not valid yet and may be cut off. */
export class FileSink implements PositionedSink {
  readonly name: string;
  readonly paths: readonly string[];
  readonly #path: string;
  readonly #markerPath: string;
  readonly #files: FileSystem;
  readonly #failpoints: Failpoints;
  #file: File | undefined;
  /** Length of the file once everything handed to the file system is written. */
  #length = 0;
  #tail = new FileTail(0);
  #block: Buffer = Buffer.alloc(0);
  #used = 0;
  readonly #blocks = new BlockPool(blockBytes);
  #pendingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  /** The first failure ends this sink: what the file holds behind it is unknown until it is opened again. */
  #failure: Error | undefined;

  constructor(
    path: string,
    context: Pick<ConnectorContext, "files" | "failpoints" | "baseDirectory">,
  ) {
    this.name = path;
    this.#path = resolve(context.baseDirectory, path);
    this.#markerPath = markerPath(this.#path);
    this.paths = writtenPaths(this.#path);
    this.#files = context.files;
    this.#failpoints = context.failpoints;
  }

  async inspect(): Promise<PositionedSinkFacts> {
    const facts = await this.#attempt(() => this.#files.stat(this.#path), this.#path);
    if (facts?.isDirectory === true) {
      throw new EngineError("OUTPUT_UNWRITABLE", `output ${this.name} is a directory`, {
        hint: writeAdvice("EISDIR"),
      });
    }
    const bytes = await this.#attempt(
      () => this.#files.readFile(this.#markerPath),
      this.#markerPath,
    );
    return {
      length: facts?.size,
      mark: bytes === undefined ? undefined : this.#readMark(bytes.toString("utf8")),
    };
  }

  async holds(tail: readonly FileSegment[]): Promise<boolean> {
    return this.#attempt(async () => {
      const file = await this.#files.open(this.#path, "read");
      try {
        for (const segment of tail) if (!(await holdsSegment(file, segment))) return false;
        return true;
      } finally {
        await file.close();
      }
    }, this.#path);
  }

  async open(length: number, tail?: readonly FileSegment[]): Promise<void> {
    const directory = dirname(this.#path);
    await this.#attempt(() => makeDurableDirectory(this.#files, directory), directory);
    const file = await this.#attempt(() => this.#files.open(this.#path, "readwrite"), this.#path);
    this.#file = file;
    // Also of a file that was there: who made it may have been killed before this.
    await this.#attempt(() => this.#files.syncDirectory(directory), directory);
    const found = await this.#attempt(() => file.size(), this.#path);
    if (found < length) {
      throw new EngineError(
        "OUTPUT_DAMAGED",
        `output file ${this.name} holds ${found} bytes, fewer than the ${length} committed`,
      );
    }
    if (found > length) {
      await this.#failpoints.hit("recover.truncate.before");
      await this.#attempt(async () => {
        await file.truncate(length);
        await file.sync();
      }, this.#path);
      await this.#failpoints.hit("recover.truncate.after");
    }
    this.#length = length;
    this.#tail = new FileTail(length, tail);
  }

  append(line: string): void {
    const needed = line.length * bytesPerUnitMax + 1;
    if (this.#used + needed > this.#block.length) {
      this.#handOver();
      this.#block = this.#blocks.take(needed);
    }
    const end = this.#used + this.#block.write(line, this.#used);
    this.#block[end] = newline;
    this.#used = end + 1;
  }

  async room(): Promise<void> {
    if (this.#pendingBytes > pendingBytesMax) await this.#writing;
    this.#throwFailure();
  }

  async flush(): Promise<FileEnd> {
    const file = this.#opened();
    this.#handOver();
    const end = { length: this.#length, tail: this.#tail.segments };
    const writing = this.#writing;
    await this.#failpoints.hit("file.flush.before");
    await writing;
    this.#throwFailure();
    try {
      await this.#attempt(() => file.sync(), this.#path);
    } catch (error) {
      // After a failed sync the kernel may have dropped the bytes and report success the next time.
      this.#failure = asError(error);
      throw error;
    }
    await this.#failpoints.hit("file.flush.after");
    return end;
  }

  async publish(mark: DeliveryMark, length: number): Promise<void> {
    const { job, incarnation, epoch, hash } = mark;
    const text = `${JSON.stringify({ job, incarnation, epoch, hash, length })}\n`;
    await this.#failpoints.hit("file.publish.before");
    await this.#attempt(
      () => replaceFile(this.#files, this.#markerPath, Buffer.from(text)),
      this.#markerPath,
    );
    await this.#failpoints.hit("file.publish.after");
  }

  async close(): Promise<void> {
    await this.#writing;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** Starts writing the block at hand; writes follow each other in order. */
  #handOver(): void {
    if (this.#used === 0) return;
    const file = this.#opened();
    const block = this.#block;
    const bytes = block.subarray(0, this.#used);
    const position = this.#length;
    this.#block = Buffer.alloc(0);
    this.#used = 0;
    this.#length += bytes.length;
    this.#tail.add(bytes);
    this.#pendingBytes += bytes.length;
    this.#writing = this.#writing.then(async () => {
      if (this.#failure !== undefined) return;
      try {
        await this.#attempt(
          () => file.write(bytes, position),
          this.#path,
          `${bytes.length} bytes at ${position}`,
        );
        this.#blocks.giveBack(block);
      } catch (error) {
        this.#failure = asError(error);
      } finally {
        this.#pendingBytes -= bytes.length;
      }
    });
  }

  #readMark(text: string): LengthMark {
    let found: unknown;
    try {
      found = JSON.parse(text);
    } catch (error) {
      throw this.#foreignMarker(error);
    }
    if (!isLengthMark(found)) throw this.#foreignMarker(undefined);
    const { job, incarnation, epoch, hash, length } = found;
    return { job, incarnation, epoch, hash, length };
  }

  #foreignMarker(cause: unknown): EngineError {
    return new EngineError(
      "OUTPUT_DAMAGED",
      `${this.name}.committed is not a marker of this engine`,
      {
        hint: "the engine writes it whole or not at all: find out what changed it before you remove it",
        cause,
      },
    );
  }

  #opened(): File {
    if (this.#file === undefined)
      throw new EngineError("INTERNAL", `output ${this.name} is not open`);
    return this.#file;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Runs one file system call; its failure becomes an EngineError that names the path. */
  async #attempt<T>(work: () => Promise<T>, path: string, amount?: string): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined) throw error;
      const doing = amount === undefined ? path : `${amount} of ${path}`;
      if (code === "ENOSPC" || code === "EDQUOT") {
        throw new EngineError("DISK_FULL", `no space left to write ${doing} (${code})`, {
          hint: "free some space and start again: the run goes on from its last checkpoint",
          cause: error,
        });
      }
      throw new EngineError("OUTPUT_UNWRITABLE", `cannot write ${doing} (${code})`, {
        hint: writeAdvice(code),
        cause: error,
      });
    }
  }
}

function markerPath(path: string): string {
  return `${path}.committed`;
}

function writtenPaths(path: string): readonly string[] {
  return [path, markerPath(path), temporaryPath(markerPath(path))];
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}

function isLengthMark(value: unknown): value is LengthMark {
  if (typeof value !== "object" || value === null) return false;
  const mark = value as Partial<Record<keyof LengthMark, unknown>>;
  return (
    typeof mark.job === "string" &&
    typeof mark.incarnation === "string" &&
    typeof mark.hash === "string" &&
    isCount(mark.epoch) &&
    isCount(mark.length)
  );
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** A file of newline-delimited records, valid up to the length in the marker beside it. */
export const fileSink: SinkDefinition = {
  type: "file",
  summary: "Writes newline-delimited records; `<file>.committed` says how far the file is valid.",
  configSchema: {
    required: ["path"],
    properties: {
      path: { type: "string", minLength: 1, description: "The file, relative to the spec." },
    },
  },
  resolve(_raw, context) {
    const path = context.path(["path"]);
    return path === undefined ? undefined : { path };
  },
  maxValueBytes: () => undefined,
  paths: ({ path }) => (typeof path === "string" ? writtenPaths(path) : []),
  positioned: (config, context) => new FileSink(config["path"] as string, context),
};
