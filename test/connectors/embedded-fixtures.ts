import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { OutboxReader, OutboxRecord } from "../../engine/checkpoint/delivery.ts";
import { CommitPermit } from "../../engine/checkpoint/delivery.ts";
import { EmbeddedTarget } from "../../engine/connectors/embedded/embedded-target.ts";
import type { LogRecord } from "../../engine/connectors/embedded/log-format.ts";
import type { ConsumedRecord } from "../../engine/connectors/embedded/topic-reader.ts";
import { TopicReader } from "../../engine/connectors/embedded/topic-reader.ts";
import { TopicWriter } from "../../engine/connectors/embedded/topic-writer.ts";
import type { TopicsFolder } from "../../engine/connectors/embedded/topics-folder.ts";
import type { WriterOptions } from "../../engine/connectors/embedded/topics-writer.ts";
import type { Clock } from "../../engine/core/clock.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";

/** The machine's clock: these tests wait for other processes. */
export const machineClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener("abort", done);
    }),
};

export const never = new AbortController().signal;

/** A folder of topics that does not exist yet. */
export async function temporaryFolder(t: TestContext): Promise<TopicsFolder> {
  const directory = await mkdtemp(join(tmpdir(), "embedded-topics-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return folderAt(join(directory, "topics"));
}

export function folderAt(directory: string): TopicsFolder {
  return { directory, files: nodeFiles, clock: machineClock };
}

export function record(value: string, key: string | null = null, timestampMs = 0): LogRecord {
  return { key: key === null ? null : Buffer.from(key), value: Buffer.from(value), timestampMs };
}

export async function produce(
  folder: TopicsFolder,
  topic: string,
  records: readonly LogRecord[],
  options: Partial<WriterOptions> & { readonly partitions?: number } = {},
): Promise<void> {
  const writer = new TopicWriter(folder, topic, { failpoints: noFailpoints, ...options });
  try {
    await writer.append(records);
  } finally {
    await writer.close();
  }
}

/** What a reader sees that looks once. */
export async function consume(
  folder: TopicsFolder,
  topic: string,
): Promise<readonly ConsumedRecord[]> {
  const reader = new TopicReader(folder, topic);
  try {
    await reader.open("beginning");
    const seen: ConsumedRecord[] = [];
    for await (const records of reader.records({ follow: false }, never)) {
      const copies = records.map(({ key, value, ...place }) => ({
        ...place,
        key: key && Buffer.from(key),
        value: value && Buffer.from(value),
      }));
      seen.push(...copies);
    }
    return seen;
  } finally {
    await reader.close();
  }
}

export async function consumeTexts(
  folder: TopicsFolder,
  topic: string,
): Promise<readonly string[]> {
  return (await consume(folder, topic)).map(({ value }) => String(value));
}

/** As the real one, its keys and values are others once the next batch is asked for. */
export function outbox(...batches: (readonly OutboxRecord[])[]): OutboxReader {
  return {
    async *batches() {
      for (const batch of batches) {
        const lent = batch.map((record) => {
          const { key, value } = record;
          return { ...record, key: key && Buffer.from(key), value: Buffer.from(value) };
        });
        yield lent;
        for (const { key, value } of lent) {
          key?.fill("?");
          value.fill("?");
        }
      }
    },
  };
}

/** The job of the crash tests: two topics of this many partitions. */
export const epochTopics = ["left", "right"] as const;
export const epochPartitions = 3;
const recordsPerEpoch = epochTopics.length * epochPartitions * 2;

/** What epoch `epoch` of that job puts out: several records for every partition. */
export function epochRecords(epoch: number): readonly OutboxRecord[] {
  return Array.from({ length: recordsPerEpoch }, (_, index) => ({
    topic: index % epochTopics.length,
    partition: Math.floor(index / epochTopics.length) % epochPartitions,
    key: Buffer.from(`key-${index}`),
    value: Buffer.from(`${epoch}/${index} ${"x".repeat((epoch * 37 + index * 101) % 900)}`),
    timestampMs: epoch * 1000 + index,
  }));
}

export function permitFor(
  epoch: number,
  incarnation: string,
  hash = `hash-${epoch}`,
): CommitPermit {
  return CommitPermit.afterCommit({ job: "job", incarnation, epoch, hash });
}

/** One life of that job: goes on behind what the topics hold, up to `lastEpoch`. */
export async function deliverEpochs(
  folder: TopicsFolder,
  incarnation: string,
  lastEpoch: number,
  options: WriterOptions,
): Promise<void> {
  const target = new EmbeddedTarget(folder, epochPartitions, options);
  try {
    await target.prepare(epochTopics);
    const held = (await target.inspect("job"))?.epoch ?? 0;
    await target.begin("job", incarnation);
    // The epoch that is there already is delivered once more, as a job does that lost the answer.
    for (let epoch = Math.max(1, held); epoch <= lastEpoch; epoch += 1) {
      const records = epochRecords(epoch);
      await target.deliver(
        outbox(records.slice(0, 5), records.slice(5)),
        permitFor(epoch, incarnation),
      );
    }
  } finally {
    await target.close();
  }
}

/** Everything the job's topics show, place by place. */
export async function deliveredView(folder: TopicsFolder): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const topic of epochTopics) {
    for (const { partition, offset, timestampMs, key, value } of await consume(folder, topic)) {
      lines.push(`${topic}/${partition}@${offset} ${timestampMs} ${String(key)}=${String(value)}`);
    }
  }
  return lines;
}

/** What the topics show once exactly the epochs 1 to `lastEpoch` are there. */
export function expectedView(lastEpoch: number): readonly string[] {
  const lines: { topic: number; partition: number; offset: number; line: string }[] = [];
  const next = new Map<string, number>();
  for (let epoch = 1; epoch <= lastEpoch; epoch += 1) {
    for (const { topic, partition, key, value, timestampMs } of epochRecords(epoch)) {
      const place = `${epochTopics[topic]}/${partition}`;
      const offset = next.get(place) ?? 0;
      next.set(place, offset + 1);
      const line = `${place}@${offset} ${timestampMs} ${String(key)}=${String(value)}`;
      lines.push({ topic, partition, offset, line });
    }
  }
  return lines
    .toSorted((a, b) => a.topic - b.topic || a.partition - b.partition || a.offset - b.offset)
    .map(({ line }) => line);
}
