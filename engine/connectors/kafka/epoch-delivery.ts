import type { DeliveryMark, OutboxReader, OutboxRecord } from "../../checkpoint/delivery.ts";
import type { Failpoints } from "../../core/failpoints.ts";
import { BatchEncoder, recordOverheadBytes } from "./batch-encoder.ts";
import { headerField } from "./batch-format.ts";
import { markerRecord } from "./commits-topic.ts";
import type { PartitionEnd } from "./commits-topic.ts";
import type { Compression } from "./compression.ts";
import { partitionName } from "./log-scan.ts";
import type { LedPartition } from "./log-scan.ts";
import type { OutputTopics } from "./output-topics.ts";
import type { LedBatch, TransactionSession } from "./transaction-session.ts";

export interface DeliveryParts {
  readonly session: TransactionSession;
  readonly topics: OutputTopics;
  readonly commits: LedPartition;
  readonly failpoints: Failpoints;
  readonly compression: Compression;
  readonly nowMs: number;
}

/** One transaction: the records of an epoch, then its commit marker. Visible as a whole once it resolves. */
export async function deliverEpoch(
  outputs: OutboxReader,
  mark: DeliveryMark,
  parts: DeliveryParts,
): Promise<void> {
  const { session, commits, failpoints } = parts;
  const joined = new Set<string>();
  const ends = new Map<string, PartitionEnd>();
  const join = async (wanted: readonly LedPartition[]): Promise<void> => {
    const fresh = wanted.filter((part) => !joined.has(partitionName(part)));
    if (fresh.length === 0) return;
    await failpoints.hit("kafka.join.before");
    await session.addPartitions(fresh);
    for (const part of fresh) joined.add(partitionName(part));
    await failpoints.hit("kafka.join.after");
  };
  let sending: Promise<void> = Promise.resolve();
  for await (const records of outputs.batches()) {
    // Encoded while the block before it is on its way.
    const rounds = encodeBlock(records, parts);
    await sending;
    sending = (async () => {
      const partitions = (rounds[0] ?? []).map(({ batch: _batch, ...part }) => part);
      await join(joined.size === 0 ? [...partitions, commits] : partitions);
      for (const round of rounds) await produce(session, round, ends, failpoints);
    })();
    // It is awaited with the next block; until then a failure must not go unheard.
    sending.catch(() => undefined);
  }
  await sending;
  await join([commits]);
  await failpoints.hit("kafka.mark.before");
  const encoder = new BatchEncoder();
  encoder.append({ ...markerRecord(mark, [...ends.values()]), timestampMs: parts.nowMs });
  const baseSequence = session.takeSequence(commits, 1);
  const batch = encoder.finish({ ...session.identity, baseSequence, transactional: true });
  await session.produce([{ ...commits, batch }]);
  await failpoints.hit("kafka.mark.after");
  await failpoints.hit("kafka.end.before");
  await session.end("commit", () => failpoints.hit("kafka.answer.before"));
  await failpoints.hit("kafka.answer.after");
  await failpoints.hit("kafka.end.after");
}

/** The batches of a block in rounds: in each at most one for a partition, so that their order is kept. */
function encodeBlock(
  records: readonly OutboxRecord[],
  { session, topics, compression }: DeliveryParts,
): LedBatch[][] {
  const rounds: LedBatch[][] = [];
  const open = new Map<number, { part: LedPartition; encoder: BatchEncoder; round: number }>();
  const close = ({ part, encoder, round }: { part: LedPartition; encoder: BatchEncoder; round: number }): void => {
    const baseSequence = session.takeSequence(part, encoder.count);
    const batch = encoder.finish({ ...session.identity, baseSequence, transactional: true }, compression);
    (rounds[round] ??= []).push({ ...part, batch });
  };
  for (const record of records) {
    const { topic, partition, key, value } = record;
    const number = topic * 2 ** 32 + partition;
    let target = open.get(number);
    const bytes = recordOverheadBytes + (key?.length ?? 0) + value.length;
    if (target !== undefined && target.encoder.bytes + bytes > topics.batchBytes(topic)) {
      close(target);
      target = { part: target.part, encoder: new BatchEncoder(), round: target.round + 1 };
      open.set(number, target);
    }
    if (target === undefined) {
      target = { part: topics.partition(topic, partition), encoder: new BatchEncoder(), round: 0 };
      open.set(number, target);
    }
    target.encoder.append(record);
  }
  for (const target of open.values()) close(target);
  return rounds;
}

async function produce(
  session: TransactionSession,
  round: readonly LedBatch[],
  ends: Map<string, PartitionEnd>,
  failpoints: Failpoints,
): Promise<void> {
  await failpoints.hit("kafka.produce.before");
  for (const { topic, partition, error: _error, baseOffset } of await session.produce(round)) {
    const sent = round.find((one) => one.topic === topic && one.partition === partition);
    const records = sent?.batch.readInt32BE(headerField.recordCount) ?? 0;
    ends.set(partitionName({ topic, partition }), {
      topic,
      partition,
      offset: baseOffset + records - 1,
    });
  }
  await failpoints.hit("kafka.produce.after");
}
