import { readBatches } from "./batch-decoder.ts";
import type { RecordBatch } from "./batch-decoder.ts";
import { apis } from "./api.ts";
import type { KafkaCluster } from "./cluster.ts";
import { CommittedFilter } from "./committed-rows.ts";
import { checkAnswer } from "./kafka-errors.ts";
import { decodeFetch, encodeFetch } from "./log-requests.ts";
import type { Isolation } from "./log-requests.ts";

/** A partition as the cluster's metadata tell where it is. */
export interface LedPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly leader: number;
}

export interface ScannedBatch {
  readonly batch: RecordBatch;
  /** With read_committed: data that is there for everybody. */
  readonly isCommitted: boolean;
}

const scanBytes = 4 << 20;
const waitMs = 100;

export function partitionName({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}

/** Every batch from offset `from` up to `to` (excluded). Throws ConnectionLost, KafkaProtocolError. */
export async function* scanLog(
  cluster: KafkaCluster,
  part: LedPartition,
  range: { readonly from: number; readonly to: number; readonly isolation: Isolation },
): AsyncGenerator<ScannedBatch> {
  const { isolation, to } = range;
  const where = partitionName(part);
  for (let offset = range.from; offset < to;) {
    const body = encodeFetch({ isolation, maxWaitMs: waitMs, maxBytes: scanBytes }, [
      { topicId: part.topicId, partition: part.partition, offset, maxBytes: scanBytes },
    ]);
    const { error, parts } = decodeFetch(await cluster.onNode(part.leader, apis.fetch, body));
    checkAnswer(`reading ${where}`, error, `Read on topic ${part.topic}`);
    const fetched = parts[0];
    checkAnswer(`reading ${where}`, fetched?.error ?? -1, `Read on topic ${part.topic}`);
    if (fetched === undefined) return;
    const filter = new CommittedFilter(fetched.aborted, where);
    for (const batch of readBatches(fetched.records, where)) {
      const isCommitted = filter.accepts(batch);
      if (batch.lastOffset < offset) continue;
      if (batch.baseOffset >= to) return;
      yield { batch, isCommitted };
      offset = batch.lastOffset + 1;
    }
  }
}
