import { TOMBSTONE } from "../../core/record.ts";
import { EmbeddedTopics } from "./embedded-topics.ts";
import type { LogRows } from "./log-format.ts";
import { PartitionCursor } from "./partition-cursor.ts";
import type { BlockRows } from "./partition-cursor.ts";
import { ReadBlocks } from "./read-blocks.ts";
import { inputChanged, withFileErrors } from "./topics-error.ts";
import type { TopicsFolder } from "./topics-folder.ts";
import { partitionPath } from "./topics-folder.ts";
import type { TopicFacts } from "./topics-state.ts";

/** One record as a reader of a topic sees it. Key and value are valid until the next records are asked for. */
export interface ConsumedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Of a record of a cluster; embedded topics keep none. */
  readonly headers?: readonly { readonly name: string; readonly value: Buffer | null }[];
}

const batchRecords = 1000;
/** Between two looks for new records. */
const idleMs = 100;

/** Reads a topic without keeping a position. */
export class TopicReader {
  readonly #topics: EmbeddedTopics;
  readonly #name: string;
  #topic: TopicFacts | undefined;
  #cursors: readonly PartitionCursor[] = [];

  constructor(folder: TopicsFolder, topic: string) {
    this.#topics = new EmbeddedTopics(folder);
    this.#name = topic;
  }

  /** Throws TOPIC_MISSING. */
  async open(start: "beginning" | "end"): Promise<void> {
    const topic = await this.#topics.topic(this.#name);
    this.#topic = topic;
    const blocks = new ReadBlocks();
    this.#cursors = topic.ends.map(({ offset, bytes }, partition) => {
      const position = start === "end" ? { offset, byte: bytes } : { offset: 0, byte: 0 };
      const path = partitionPath(this.#topics.folder, topic, partition);
      return new PartitionCursor(this.#topics.folder.files, path, position, blocks);
    });
  }

  /**
   * All records up to the end as of `open`, partition by partition; with `follow` then what is appended, until `signal`
   * aborts.
   */
  async *records(
    options: { readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<readonly ConsumedRecord[]> {
    while (!signal.aborted) {
      for (const [partition, cursor] of this.#cursors.entries()) {
        for (;;) {
          const rows = await this.#read(partition, cursor);
          if (rows === undefined) break;
          yield consumed(partition, rows);
          rows.block.release();
          if (signal.aborted) return;
        }
      }
      if (!options.follow) return;
      while (!signal.aborted && !(await this.#look())) {
        await this.#topics.folder.clock.sleep(idleMs, signal);
      }
    }
  }

  async close(): Promise<void> {
    for (const cursor of this.#cursors) await cursor.close();
    await this.#topics.close();
  }

  #read(partition: number, cursor: PartitionCursor): Promise<BlockRows | undefined> {
    const end = this.#topic?.ends[partition] ?? { bytes: 0, offset: 0 };
    return withFileErrors("read", this.#topics.folder.directory, () =>
      cursor.read(end, batchRecords),
    );
  }

  async #look(): Promise<boolean> {
    if (!(await this.#topics.refresh())) return false;
    const topic = this.#topics.state.topic(this.#name);
    if (topic?.id !== this.#topic?.id)
      throw inputChanged(this.#name, "was deleted while it was read");
    this.#topic = topic;
    return true;
  }
}

function consumed(partition: number, rows: LogRows): readonly ConsumedRecord[] {
  const { bytes } = rows;
  return rows.offsets.map((offset, row) => {
    const start = rows.starts[row] ?? 0;
    const end = rows.ends[row] ?? TOMBSTONE;
    const keyStart = rows.keyStarts[row] ?? -1;
    return {
      partition,
      offset,
      timestampMs: rows.timestampsMs[row] ?? 0,
      key: keyStart < 0 ? null : bytes.subarray(keyStart, start),
      value: end === TOMBSTONE ? null : bytes.subarray(start, end),
    };
  });
}
