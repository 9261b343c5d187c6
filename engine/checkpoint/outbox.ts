import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { BlockPool } from "../core/block-pool.ts";
import { EngineError } from "../core/errors.ts";
import type { Failpoints } from "../core/failpoints.ts";
import type { File, FileSystem } from "../core/file-system.ts";
import { stateFileError } from "../state/file-errors.ts";
import type { OutboxFacts } from "./commit-record.ts";
import type { OutboxReader, OutboxRecord } from "./delivery.ts";

/**
 * An outbox file: blocks of frames. Block: payload length (4), CRC-32 of the payload (4), payload. Frame: topic (2),
 * partition (4), timestamp (8), key length or -1 (4), value length (4), key, value. The commit record holds the length
 * of the file and the digest of its block headers: through their checksums it covers every byte.
 */
const blockBytes = 1 << 20;
const frameHeaderBytes = 22;
const blockHeaderBytes = 8;
/** Blocks under way before `room` waits. */
const blocksInFlightMax = 8;
const noBlock = Buffer.alloc(0);

const outboxFolder = "outbox";
const unfinishedPrefix = "unfinished.";

/** Blocks for the outboxes of a run: writers and readers may share them. */
export function outboxBlocks(): BlockPool {
  return new BlockPool(blockBytes);
}

/** Whether a file of the outbox folder belongs to an epoch that was not committed. */
export function isUnfinishedOutbox(name: string): boolean {
  return name.startsWith(unfinishedPrefix);
}

export function outboxPath(directory: string, epoch: number, target: string): string {
  return join(directory, outboxFolder, `${epoch}.${encodeURIComponent(target)}`);
}

/** Takes one target's outputs of one epoch; they reach nobody before `deliver`. */
export class OutboxWriter {
  readonly #files: FileSystem;
  readonly #failpoints: Failpoints;
  readonly #path: string;
  readonly #unfinishedPath: string;
  readonly #topics: readonly string[];
  readonly #digest = createHash("sha256");
  readonly #pool: BlockPool;
  #block: Buffer = noBlock;
  #used = blockHeaderBytes;
  #bytes = 0;
  #records = 0;
  #file: File | undefined;
  #writes: Promise<void> = Promise.resolve();
  #waiting = 0;
  #failure: unknown;

  constructor(options: {
    files: FileSystem;
    failpoints: Failpoints;
    directory: string;
    epoch: number;
    target: string;
    topics: readonly string[];
    blocks: BlockPool;
  }) {
    this.#pool = options.blocks;
    this.#files = options.files;
    this.#failpoints = options.failpoints;
    this.#path = outboxPath(options.directory, options.epoch, options.target);
    this.#unfinishedPath = join(dirname(this.#path), unfinishedPrefix + basename(this.#path));
    this.#topics = options.topics;
  }

  get bytes(): number {
    return this.#bytes + this.#used - blockHeaderBytes;
  }

  append(
    topic: number,
    partition: number,
    key: string | null,
    value: string,
    timestampMs: number,
  ): void {
    const keyRoom = key === null ? 0 : key.length * 3;
    const needed = frameHeaderBytes + keyRoom + value.length * 3;
    if (this.#used + needed > this.#block.length) {
      this.#endBlock();
      this.#block = this.#pool.take(blockHeaderBytes + needed);
    }
    const block = this.#block;
    const at = this.#used;
    let end = at + frameHeaderBytes;
    let keyBytes = -1;
    if (key !== null) {
      keyBytes = block.write(key, end);
      end += keyBytes;
    }
    const valueBytes = block.write(value, end);
    block.writeUInt16LE(topic, at);
    block.writeUInt32LE(partition, at + 2);
    block.writeDoubleLE(timestampMs, at + 6);
    block.writeInt32LE(keyBytes, at + 14);
    block.writeInt32LE(valueBytes, at + 18);
    this.#used = end + valueBytes;
    this.#records += 1;
  }

  /** Resolves when not too much is waiting for the disk. */
  async room(): Promise<void> {
    if (this.#waiting >= blocksInFlightMax) await this.#writes;
    this.#check();
  }

  /** Makes the outbox durable under its final name; takes no more. */
  async close(): Promise<OutboxFacts> {
    try {
      return await this.#finish();
    } catch (error) {
      await this.abandon().catch(() => undefined);
      throw stateFileError(error, this.#unfinishedPath);
    }
  }

  async #finish(): Promise<OutboxFacts> {
    await this.#failpoints.hit("outbox.write.before");
    this.#endBlock();
    await this.#writes;
    this.#check();
    await this.#failpoints.hit("outbox.write.after");
    if (this.#file !== undefined) {
      await this.#failpoints.hit("outbox.sync.before");
      await this.#file.sync();
      await this.#file.close();
      this.#file = undefined;
      await this.#failpoints.hit("outbox.sync.after");
      await this.#failpoints.hit("outbox.rename.before");
      await this.#files.rename(this.#unfinishedPath, this.#path);
      await this.#files.syncDirectory(dirname(this.#path));
      await this.#failpoints.hit("outbox.rename.after");
    }
    return {
      records: this.#records,
      bytes: this.#bytes,
      digest: this.#digest.digest("hex"),
      topics: this.#topics,
    };
  }

  /** Gives up an epoch that will not be committed. */
  async abandon(): Promise<void> {
    await this.#writes.catch(() => {});
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  #check(): void {
    if (this.#failure !== undefined) throw stateFileError(this.#failure, this.#unfinishedPath);
  }

  #endBlock(): void {
    if (this.#block === noBlock) return;
    const block = this.#block;
    const bytes = block.subarray(0, this.#used);
    bytes.writeUInt32LE(bytes.length - blockHeaderBytes, 0);
    bytes.writeUInt32LE(crc32(bytes.subarray(blockHeaderBytes)), 4);
    const position = this.#bytes;
    this.#bytes += bytes.length;
    this.#digest.update(bytes.subarray(0, blockHeaderBytes));
    this.#waiting += 1;
    this.#writes = this.#writes.then(async () => {
      await this.#write(bytes, position);
      this.#pool.giveBack(block);
    });
    this.#block = noBlock;
    this.#used = blockHeaderBytes;
  }

  async #write(bytes: Buffer, position: number): Promise<void> {
    try {
      if (this.#failure !== undefined) return;
      if (this.#file === undefined) {
        this.#file = await this.#files.open(this.#unfinishedPath, "readwrite");
        await this.#file.truncate(0);
      }
      await this.#file.write(bytes, position);
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#waiting -= 1;
    }
  }
}

/**
 * Reads a committed outbox back. Each block is checked before its records are given, the whole before the iteration
 * ends: what was delivered of it until then must not be committed.
 */
export class OutboxFile implements OutboxReader {
  readonly #files: FileSystem;
  readonly #path: string;
  readonly #facts: OutboxFacts;
  readonly #topicNumbers: readonly number[];
  readonly #pool: BlockPool;

  /** `topics`: the list that the target was prepared with; the outbox numbers may mean an older one. */
  constructor(
    files: FileSystem,
    path: string,
    facts: OutboxFacts,
    topics: readonly string[],
    blocks = outboxBlocks(),
  ) {
    this.#files = files;
    this.#path = path;
    this.#facts = facts;
    this.#topicNumbers = facts.topics.map((topic) => topics.indexOf(topic));
    this.#pool = blocks;
  }

  /** Throws STATE_CORRUPT if the file is missing or not what was committed. */
  async verify(): Promise<void> {
    const blocks = this.#blocks();
    while ((await blocks.next()).done !== true);
  }

  async *batches(): AsyncIterable<readonly OutboxRecord[]> {
    for await (const block of this.#blocks())
      yield framesOf(block, this.#topicNumbers, this.#facts);
  }

  async *#blocks(): AsyncGenerator<Buffer, void> {
    const { bytes, digest, records } = this.#facts;
    if (records === 0) return;
    if ((await this.#files.stat(this.#path))?.size !== bytes) this.#damaged();
    const headers = createHash("sha256");
    const file = await this.#files.open(this.#path, "read");
    let block = this.#pool.take();
    try {
      const header = Buffer.alloc(blockHeaderBytes);
      for (let position = 0; position < bytes;) {
        if ((await file.read(header, position)) !== blockHeaderBytes) this.#damaged();
        headers.update(header);
        const length = header.readUInt32LE(0);
        position += blockHeaderBytes;
        if (position + length > bytes) this.#damaged();
        if (length > block.length) {
          const larger = this.#pool.take(length);
          this.#pool.giveBack(block);
          block = larger;
        }
        const payload = block.subarray(0, length);
        if ((await file.read(payload, position)) !== length) this.#damaged();
        if (crc32(payload) !== header.readUInt32LE(4)) this.#damaged();
        yield payload;
        position += length;
      }
    } finally {
      this.#pool.giveBack(block);
      await file.close();
    }
    if (headers.digest("hex") !== digest) this.#damaged();
  }

  #damaged(): never {
    throw new EngineError("STATE_CORRUPT", `the outbox ${this.#path} is missing or damaged`, {
      hint: "restore the state directory from a backup; the outputs of its last epoch are not delivered",
    });
  }
}

function framesOf(
  block: Buffer,
  topicNumbers: readonly number[],
  facts: OutboxFacts,
): OutboxRecord[] {
  const records: OutboxRecord[] = [];
  for (let at = 0; at < block.length;) {
    const keyBytes = block.readInt32LE(at + 14);
    const keyAt = at + frameHeaderBytes;
    const valueAt = keyAt + Math.max(keyBytes, 0);
    const end = valueAt + block.readInt32LE(at + 18);
    const number = block.readUInt16LE(at);
    const topic = topicNumbers[number] ?? -1;
    if (topic < 0) {
      const name = facts.topics[number] ?? `number ${number}`;
      throw new EngineError(
        "SINK_DIVERGED",
        `The last epoch has outputs for the topic ${name}, which no sink of this job writes any more`,
        {
          hint: "Start once with the sink of this topic, so that they are delivered; then remove it.",
        },
      );
    }
    records.push({
      topic,
      partition: block.readUInt32LE(at + 2),
      timestampMs: block.readDoubleLE(at + 6),
      key: keyBytes < 0 ? null : block.subarray(keyAt, valueAt),
      value: block.subarray(valueAt, end),
    });
    at = end;
  }
  return records;
}

/**
 * Removes outboxes of epochs before `keepFromEpoch`: they have been delivered and cannot be asked for again. With
 * `unfinished`, at a start, also those of the epoch that was under way.
 */
export async function removeOutboxes(
  files: FileSystem,
  failpoints: Failpoints,
  directory: string,
  which: { readonly keepFromEpoch: number; readonly unfinished: boolean },
): Promise<void> {
  const folder = join(directory, outboxFolder);
  const names = (await files.list(folder)).filter((name) => {
    if (isUnfinishedOutbox(name)) return which.unfinished;
    return Number(/^\d+(?=\.)/.exec(name)?.[0]) < which.keepFromEpoch;
  });
  if (names.length === 0) return;
  await failpoints.hit("outbox.remove.before");
  for (const name of names) await files.remove(join(folder, name));
  await failpoints.hit("outbox.remove.after");
}
