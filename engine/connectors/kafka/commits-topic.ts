import { genesisHash } from "../../checkpoint/commit-record.ts";
import type { DeliveryMark } from "../../checkpoint/delivery.ts";
import { EngineError } from "../../core/errors.ts";
import { decodeRows, isControl, markerOf } from "./batch-decoder.ts";
import type { RecordBatch } from "./batch-decoder.ts";
import type { Marker } from "./batch-format.ts";
import type { KafkaCluster } from "./cluster.ts";
import { partitionName, scanLog } from "./log-scan.ts";
import type { LedPartition } from "./log-scan.ts";
import type { TopicPartition } from "./log-requests.ts";
import { createTopic, findTopics, listOffsets } from "./topics.ts";
import { ConnectionLost } from "./transport.ts";

/** One shard until several are run side by side. */
const shard = 0;
const markerKey = `marker.${shard}`;
const barrierKey = `barrier.${shard}`;

export function transactionalIdOf(job: string): string {
  return `${job}.${shard}`;
}

export function commitsTopicOf(job: string): string {
  return `${job}.commits`;
}

/** The last offset that an epoch wrote to a partition. */
export interface PartitionEnd extends TopicPartition {
  readonly offset: number;
}

/** A session of the job: written in a transaction of its own, so that what was before it is decided. */
export interface Barrier {
  readonly incarnation: string;
  readonly host: string;
}

/** The commit marker of one epoch: visible together with its records. */
interface CommitMarker extends DeliveryMark {
  readonly ends: readonly PartitionEnd[];
}

/** A commit marker as it lies in the log, decided or not. */
export interface FoundMarker {
  readonly marker: CommitMarker;
  readonly offset: number;
  /** Undefined: neither, its transaction is open. */
  readonly outcome: Marker | undefined;
}

interface KeyedText {
  readonly key: Buffer;
  readonly value: Buffer;
}

export function markerRecord(mark: DeliveryMark, ends: readonly PartitionEnd[]): KeyedText {
  const { job, incarnation, epoch, hash } = mark;
  return text(markerKey, { job, shard, incarnation, epoch, hash, ends });
}

export function barrierRecord(barrier: Barrier): KeyedText {
  return text(barrierKey, { shard, ...barrier });
}

function text(key: string, value: object): KeyedText {
  return { key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)) };
}

/** The topic's only partition; undefined if there is no such topic yet. */
export async function findCommitsPartition(
  cluster: KafkaCluster,
  job: string,
): Promise<LedPartition | undefined> {
  const topic = commitsTopicOf(job);
  const [found] = await findTopics(cluster, [topic]);
  if (found === undefined) return undefined;
  return { topic, topicId: found.id, partition: 0, leader: found.partitions[0]?.leader ?? -1 };
}

const replicationMax = 3;

/** Makes the commits topic: compacted, as safe as the cluster allows. Throws ConnectionLost while no broker is ready. */
export async function makeCommitsTopic(cluster: KafkaCluster, job: string): Promise<void> {
  const { nodes } = await cluster.metadata([]);
  if (nodes.length === 0) throw new ConnectionLost(`no broker of ${cluster.address} is ready`);
  const replication = Math.min(replicationMax, nodes.length);
  await createTopic(cluster, {
    name: commitsTopicOf(job),
    partitions: 1,
    replication,
    configs: {
      "cleanup.policy": "compact",
      ...(replication === replicationMax ? { "min.insync.replicas": "2" } : {}),
    },
  });
}

/** What readers of committed records see of a job: its newest session and its newest epoch. */
export interface CommittedView {
  readonly barrier: Barrier | undefined;
  readonly marker: CommitMarker | undefined;
  /** One past the last offset that was looked at. */
  readonly end: number;
}

export async function readCommitted(
  cluster: KafkaCluster,
  part: LedPartition,
): Promise<CommittedView> {
  const [from] = await listOffsets(cluster, "earliest", "read_committed", [part]);
  const [to] = await listOffsets(cluster, "latest", "read_committed", [part]);
  let barrier: Barrier | undefined;
  let marker: CommitMarker | undefined;
  const range = { from: from ?? 0, to: to ?? 0, isolation: "read_committed" } as const;
  for await (const { batch, isCommitted } of scanLog(cluster, part, range)) {
    if (!isCommitted) continue;
    for (const { key, value } of recordsOf(batch, part)) {
      if (key === barrierKey) barrier = parsed(value, isBarrier, part, batch.baseOffset);
      if (key === markerKey) marker = parsed(value, isMarker, part, batch.baseOffset);
    }
  }
  return { barrier, marker, end: to ?? 0 };
}

/** The job's newest epoch as a mark of the newest session; epoch 0 if there was a session, but no epoch yet. */
export function markOf(job: string, { barrier, marker }: CommittedView): DeliveryMark | undefined {
  const incarnation = barrier?.incarnation ?? marker?.incarnation;
  if (incarnation === undefined) return undefined;
  return { job, incarnation, epoch: marker?.epoch ?? 0, hash: marker?.hash ?? genesisHash };
}

/** All commit markers that are still in the log, visible or not, each with what became of its transaction. */
export async function readAllMarkers(
  cluster: KafkaCluster,
  part: LedPartition,
): Promise<readonly FoundMarker[]> {
  const [from] = await listOffsets(cluster, "earliest", "read_uncommitted", [part]);
  const [to] = await listOffsets(cluster, "latest", "read_uncommitted", [part]);
  const found: (FoundMarker & { outcome: Marker | undefined; readonly producerId: number })[] = [];
  const range = { from: from ?? 0, to: to ?? 0, isolation: "read_uncommitted" } as const;
  for await (const { batch } of scanLog(cluster, part, range)) {
    if (isControl(batch)) {
      const outcome = markerOf(batch, partitionName(part));
      for (const one of found) {
        if (one.producerId === batch.producerId) one.outcome ??= outcome;
      }
      continue;
    }
    for (const { key, value, offset } of recordsOf(batch, part)) {
      if (key !== markerKey) continue;
      const marker = parsed(value, isMarker, part, offset);
      found.push({ marker, offset, outcome: undefined, producerId: batch.producerId });
    }
  }
  return found;
}

function* recordsOf(
  batch: RecordBatch,
  part: LedPartition,
): Generator<{ key: string; value: string; offset: number }> {
  const rows = decodeRows(batch, partitionName(part));
  for (const [row, offset] of rows.offsets.entries()) {
    const keyStart = rows.keyStarts[row] ?? -1;
    const end = rows.ends[row] ?? -1;
    if (keyStart < 0 || end < 0) continue;
    const key = rows.bytes.toString("utf8", keyStart, rows.keyEnds[row]);
    yield { key, value: rows.bytes.toString("utf8", rows.starts[row], end), offset };
  }
}

function parsed<T extends object>(
  value: string,
  is: (value: object) => value is T,
  part: LedPartition,
  offset: number,
): T {
  let content: unknown;
  try {
    content = JSON.parse(value);
  } catch {
    content = undefined;
  }
  if (typeof content === "object" && content !== null && is(content)) return content;
  throw new EngineError(
    "SINK_DIVERGED",
    `${partitionName(part)} holds at offset ${offset} what this release has not written`,
    { hint: "The topic belongs to the job alone; find out who else writes to it." },
  );
}

function isBarrier(value: Partial<Barrier>): value is Barrier {
  return typeof value.incarnation === "string";
}

function isMarker(value: Partial<CommitMarker>): value is CommitMarker {
  return (
    typeof value.incarnation === "string" &&
    typeof value.epoch === "number" &&
    typeof value.hash === "string" &&
    Array.isArray(value.ends)
  );
}
