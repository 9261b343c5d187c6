import { createHash } from "node:crypto";
import { join } from "node:path";
import { makeDurableDirectory } from "../../core/durable-file.ts";
import { EngineError } from "../../core/errors.ts";
import type { Failpoints } from "../../core/failpoints.ts";
import type { DeliveryMark } from "../../checkpoint/delivery.ts";
import { acquireDirectoryMutex } from "../../state/directory-lock.ts";
import { Journal } from "./journal.ts";
import type { TopicRecord } from "./log-appender.ts";
import { LogAppender } from "./log-appender.ts";
import type { ChunkPacker } from "./log-format.ts";
import { topicNameFault } from "./topic-name.ts";
import { damaged, withFileErrors } from "./topics-error.ts";
import type { TopicsFolder } from "./topics-folder.ts";
import { hasTopicDirectories, partitionPath, topicDirectoryName } from "./topics-folder.ts";
import type { NewTopic, TopicFacts, TopicsState } from "./topics-state.ts";

export interface WriterOptions {
  readonly failpoints: Failpoints;
  /** How long to wait for another process that writes; default 30 s. */
  readonly mutexWaitMs?: number;
  /** The journal is replaced by a short one beyond this size; default 2 MiB. */
  readonly journalBytesMax?: number;
}

const mutexWaitMsDefault = 30_000;
const journalBytesMaxDefault = 2 * 1024 * 1024;

/**
 * The writing side of a folder. Every change holds the folder's mutex, starts from what the journal says, and becomes
 * visible with one journal entry; before that entry nothing counts.
 */
export class TopicsWriter {
  readonly #folder: TopicsFolder;
  readonly #failpoints: Failpoints;
  readonly #mutexWaitMs: number;
  readonly #journalBytesMax: number;
  readonly #journal: Journal;
  readonly #packers = new Map<string, ChunkPacker>();
  /** Changes of this writer wait for each other here; the mutex is for everybody else. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(folder: TopicsFolder, options: WriterOptions) {
    this.#folder = folder;
    this.#failpoints = options.failpoints;
    this.#mutexWaitMs = options.mutexWaitMs ?? mutexWaitMsDefault;
    this.#journalBytesMax = options.journalBytesMax ?? journalBytesMaxDefault;
    this.#journal = new Journal(folder.directory, folder.files, "readwrite");
  }

  /** Makes the topics that are missing, all at once; facts of each, in the order given. */
  async ensureTopics(names: readonly string[], partitions: number): Promise<readonly TopicFacts[]> {
    for (const name of names) {
      const fault = topicNameFault(name);
      if (fault !== undefined) {
        throw new EngineError("USAGE", `topic name ${JSON.stringify(name)} ${fault}`);
      }
    }
    return this.#change(async (state) => {
      const missing = [...new Set(names)].filter((name) => state.topic(name) === undefined);
      if (missing.length > 0) {
        const topics: NewTopic[] = [];
        for (const [index, name] of missing.entries()) {
          topics.push(await this.#makeTopic(name, state, index, partitions));
        }
        await this.#folder.files.syncDirectory(this.#folder.directory);
        await this.#journal.append({ kind: "topics", topics });
      }
      return names.map((name) => existing(state, name));
    });
  }

  /**
   * Fences the older sessions of a job. `check` sees the state before it, under the mutex, and may throw. What a
   * killed writer left behind the ends of `topics` is cut off.
   */
  beginSession(
    job: string,
    incarnation: string,
    topics: readonly string[],
    check: (state: TopicsState) => void,
  ): Promise<void> {
    return this.#change(async (state) => {
      check(state);
      await this.#failpoints.hit("recover.embedded.before");
      for (const name of topics) await this.#cut(existing(state, name));
      if (state.session(job) !== incarnation) {
        await this.#journal.append({ kind: "session", job, incarnation });
      }
      await this.#failpoints.hit("recover.embedded.after");
    });
  }

  /**
   * Appends records to any number of topics, all or nothing. `prepare` sees the state under the mutex: it gives the
   * records, or undefined if there is nothing to do, or throws.
   */
  append(
    prepare: (state: TopicsState) => AsyncIterable<readonly TopicRecord[]> | undefined,
    mark?: DeliveryMark,
  ): Promise<void> {
    return this.#change(async (state) => {
      const batches = prepare(state);
      if (batches === undefined) return;
      const appender = new LogAppender(this.#folder, this.#packers);
      try {
        await this.#failpoints.hit("embedded.append.before");
        for await (const records of batches) await appender.add(records);
        await appender.flush();
        await this.#failpoints.hit("embedded.append.after");
        await this.#failpoints.hit("embedded.sync.before");
        await appender.sync();
        await this.#failpoints.hit("embedded.sync.after");
      } finally {
        await appender.close();
      }
      const entry = { kind: "records", ends: appender.ends() } as const;
      await this.#journal.append(mark === undefined ? entry : { ...entry, mark }, this.#failpoints);
      if (this.#journal.bytes > this.#compactAt(state)) await this.#journal.compact();
    });
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#journal.close();
  }

  #change<T>(work: (state: TopicsState) => Promise<T>): Promise<T> {
    const result = this.#last.then(() =>
      withFileErrors("write", this.#folder.directory, () => this.#locked(work)),
    );
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #locked<T>(work: (state: TopicsState) => Promise<T>): Promise<T> {
    const { directory, files, clock } = this.#folder;
    if (!this.#journal.exists) await makeDurableDirectory(files, directory);
    const mutex = await acquireDirectoryMutex(directory, {
      waitMs: this.#mutexWaitMs,
      sleep: (ms, signal) => clock.sleep(ms, signal),
      files,
    });
    try {
      await this.#journal.refresh();
      if (!this.#journal.exists) {
        if (await hasTopicDirectories(this.#folder)) {
          throw damaged(this.#journal.path, 0, "the file is missing, but there are topics");
        }
        await this.#journal.create();
      }
      await this.#journal.recover();
      return await work(this.#journal.state);
    } catch (error) {
      // The next change believes only what it reads from the disk again.
      await this.#journal.close();
      throw error;
    } finally {
      await mutex.release();
    }
  }

  async #makeTopic(
    name: string,
    state: TopicsState,
    index: number,
    partitions: number,
  ): Promise<NewTopic> {
    const { files, clock } = this.#folder;
    const number = state.topicsMade + index + 1;
    const directory = topicDirectoryName(number, name);
    const path = join(this.#folder.directory, directory);
    await files.makeDirectory(path);
    const identity = (await files.stat(path))?.identity;
    // Facts of its making that do not come again, should the folder be deleted and the topic be made anew.
    const facts = [name, number, state.seq, identity, clock.nowMs()];
    const id = createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
    return { name, id, directory, partitions };
  }

  async #cut(topic: TopicFacts): Promise<void> {
    for (const [partition, end] of topic.ends.entries()) {
      const path = partitionPath(this.#folder, topic, partition);
      const size = (await this.#folder.files.stat(path))?.size ?? 0;
      if (size < end.bytes) {
        throw damaged(path, size, `it ends there, ${end.bytes} bytes were committed`);
      }
      if (size === end.bytes) continue;
      const file = await this.#folder.files.open(path, "readwrite");
      try {
        await file.truncate(end.bytes);
      } finally {
        await file.close();
      }
    }
  }

  /** A journal that is long because there is much to say is not replaced over and over. */
  #compactAt(state: TopicsState): number {
    const partitions = state.topics().reduce((sum, topic) => sum + topic.ends.length, 0);
    return Math.max(this.#journalBytesMax, partitions * 100);
  }
}

function existing(state: TopicsState, name: string): TopicFacts {
  const topic = state.topic(name);
  if (topic === undefined) throw topicMissing(name);
  return topic;
}

export function topicMissing(name: string): EngineError {
  return new EngineError("TOPIC_MISSING", `topic ${name} does not exist`);
}
