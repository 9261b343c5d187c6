import { dirname } from "node:path";
import type { File } from "../../core/file-system.ts";
import type { LogRecord } from "./log-format.ts";
import { ChunkPacker } from "./log-format.ts";
import { damaged } from "./topics-error.ts";
import type { TopicsFolder } from "./topics-folder.ts";
import { partitionPath } from "./topics-folder.ts";
import type { NewEnd, TopicFacts } from "./topics-state.ts";

/** A partition's packed bytes are written when they reach this size; with the next record, 512 KiB mostly hold it. */
const writeBytes = 480 * 1024;
/** All are written when together they reach this size, however many partitions there are. */
const pendingBytesMax = 16 * 1024 * 1024;
/** Of packers, for the next append. */
const keptBytesMax = 32 * 1024 * 1024;

/** A record on its way to a partition of a topic. */
export interface TopicRecord extends LogRecord {
  readonly topic: TopicFacts;
  readonly partition: number;
}

interface OpenLog {
  readonly topic: TopicFacts;
  readonly partition: number;
  readonly path: string;
  readonly packer: ChunkPacker;
  file: File | undefined;
  /** Place of the next write. */
  end: number;
}

/** Appends records behind the committed ends of their partitions; nothing of it counts until the journal says so. */
export class LogAppender {
  readonly #folder: TopicsFolder;
  readonly #packers: Map<string, ChunkPacker>;
  readonly #logs = new Map<string, (OpenLog | undefined)[]>();
  #pendingBytes = 0;

  /** `packers`, by path, go from one appender to the next with their buffers: there is only one at a time. */
  constructor(folder: TopicsFolder, packers: Map<string, ChunkPacker>) {
    this.#folder = folder;
    this.#packers = packers;
  }

  async add(records: readonly TopicRecord[]): Promise<void> {
    for (const record of records) {
      const log = this.#log(record.topic, record.partition);
      const before = log.packer.length;
      log.packer.add(record);
      this.#pendingBytes += log.packer.length - before;
      if (log.packer.length >= writeBytes) await this.#write(log);
      else if (this.#pendingBytes >= pendingBytesMax) await this.flush();
    }
  }

  /** Writes what is packed. */
  async flush(): Promise<void> {
    for (const log of this.#open()) await this.#write(log);
  }

  /** Makes all that was written durable. */
  async sync(): Promise<void> {
    const created = new Set<string>();
    for (const log of this.#open()) {
      await log.file?.sync();
      // The first records of a partition: its file may be new.
      if (log.topic.ends[log.partition]?.bytes === 0) created.add(dirname(log.path));
    }
    for (const directory of created) await this.#folder.files.syncDirectory(directory);
  }

  /** Where the partitions that were written to end now. */
  ends(): readonly NewEnd[] {
    return this.#open().map((log) => ({
      topic: log.topic.name,
      partition: log.partition,
      bytes: log.end,
      offset: log.packer.nextOffset,
    }));
  }

  async close(): Promise<void> {
    for (const log of this.#open()) {
      const file = log.file;
      log.file = undefined;
      await file?.close();
    }
    let keptBytes = 0;
    for (const [path, packer] of this.#packers) {
      keptBytes += packer.capacity;
      if (keptBytes > keptBytesMax) this.#packers.delete(path);
    }
  }

  #open(): readonly OpenLog[] {
    return [...this.#logs.values()].flat().filter((log) => log !== undefined);
  }

  #log(topic: TopicFacts, partition: number): OpenLog {
    let logs = this.#logs.get(topic.name);
    if (logs === undefined) {
      logs = topic.ends.map(() => undefined);
      this.#logs.set(topic.name, logs);
    }
    const open = logs[partition];
    if (open !== undefined) return open;
    const end = topic.ends[partition];
    if (end === undefined) {
      throw new RangeError(`topic ${topic.name} has no partition ${partition}`);
    }
    const path = partitionPath(this.#folder, topic, partition);
    const packer = this.#packers.get(path) ?? new ChunkPacker();
    this.#packers.set(path, packer);
    packer.begin(end.offset);
    const made: OpenLog = { topic, partition, path, packer, file: undefined, end: end.bytes };
    logs[partition] = made;
    return made;
  }

  async #write(log: OpenLog): Promise<void> {
    const bytes = log.packer.take();
    if (bytes.length === 0) return;
    this.#pendingBytes = 0;
    for (const { packer } of this.#open()) this.#pendingBytes += packer.length;
    log.file ??= await this.#openFile(log);
    await log.file.write(bytes, log.end);
    log.end += bytes.length;
  }

  /** Opens a log at its committed end: what lies behind it is of a writer that died. */
  async #openFile(log: OpenLog): Promise<File> {
    const file = await this.#openOrMake(log.path);
    try {
      const size = await file.size();
      if (size < log.end) {
        throw damaged(log.path, size, `it ends there, ${log.end} bytes were committed`);
      }
      if (size > log.end) await file.truncate(log.end);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #openOrMake(path: string): Promise<File> {
    try {
      return await this.#folder.files.open(path, "readwrite");
    } catch (error) {
      // The journal knows the topic, so its directory has been there: to wait for it would be for ever.
      if (error instanceof Error && "code" in error && error.code === "ENOENT")
        throw damaged(path, 0, "its directory is missing");
      throw error;
    }
  }
}
