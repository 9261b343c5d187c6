import { EngineError } from "../../core/errors.ts";
import { isControl, isTransactional, markerOf } from "./batch-decoder.ts";
import type { KafkaCluster } from "./cluster.ts";
import { readAllMarkers } from "./commits-topic.ts";
import type { FoundMarker } from "./commits-topic.ts";
import { partitionName, scanLog } from "./log-scan.ts";
import type { LedPartition } from "./log-scan.ts";
import { decideSettle } from "./settle-decision.ts";
import type { OpenRange, SettleDecision, SettleFacts } from "./settle-decision.ts";
import { listOffsets } from "./topics.ts";
import type { TransactionSession } from "./transaction-session.ts";

/**
 * Finds records of ours that a broker left open although their transaction had ended, and closes them as it had ended.
 * Only between the fencing and the barrier: no transaction of ours is under way. Undefined if there was nothing to do.
 */
export async function settle(
  cluster: KafkaCluster,
  session: TransactionSession,
  commits: LedPartition,
  outputs: readonly LedPartition[],
): Promise<SettleDecision | undefined> {
  const { producerId } = session.identity;
  const open = await openRanges(cluster, producerId, [commits, ...outputs]);
  if (open.length === 0) return undefined;
  const markers = await readAllMarkers(cluster, commits);
  const closed = await closedEnds(cluster, producerId, { markers, open, outputs });
  const decision = decideSettle({ commitsTopic: commits.topic, open, markers, closed });
  if (decision === undefined) {
    throw new EngineError(
      "SINK_DIVERGED",
      `after an unclean stop of a broker, ${open.map(partitionName).join(", ")} hold outputs of the last epoch whose transaction ended in two ways`,
      { hint: "Nothing was changed. Look at these partitions with kafka-transactions.sh." },
    );
  }
  for (const outcome of ["commit", "abort"] as const) {
    const parts = decision[outcome];
    if (parts.length === 0) continue;
    await session.addPartitions(parts);
    await session.end(outcome);
  }
  return decision;
}

async function openRanges(
  cluster: KafkaCluster,
  producerId: number,
  parts: readonly LedPartition[],
): Promise<OpenRange[]> {
  const stable = await listOffsets(cluster, "latest", "read_committed", parts);
  const high = await listOffsets(cluster, "latest", "read_uncommitted", parts);
  const found: OpenRange[] = [];
  for (const [index, part] of parts.entries()) {
    const range = { from: stable[index] ?? 0, to: high[index] ?? 0 };
    if (range.from >= range.to) continue;
    let open: OpenRange | undefined;
    const scan = scanLog(cluster, part, { ...range, isolation: "read_uncommitted" });
    for await (const { batch } of scan) {
      if (batch.producerId !== producerId || !isTransactional(batch)) continue;
      if (isControl(batch)) {
        open = undefined;
        continue;
      }
      const { topic, partition } = part;
      const firstOffset = open?.firstOffset ?? batch.baseOffset;
      open = { topic, partition, firstOffset, lastOffset: batch.lastOffset };
    }
    if (open !== undefined) found.push(open);
  }
  return found;
}

/** How the newest epochs ended in partitions that their markers name and that nothing is open in. */
async function closedEnds(
  cluster: KafkaCluster,
  producerId: number,
  facts: {
    readonly markers: readonly FoundMarker[];
    readonly open: readonly OpenRange[];
    readonly outputs: readonly LedPartition[];
  },
): Promise<SettleFacts["closed"]> {
  const { markers, open, outputs } = facts;
  const isOpen = (name: string): boolean => open.some((range) => partitionName(range) === name);
  const closed: SettleFacts["closed"][number][] = [];
  for (const { marker, outcome } of markers) {
    if (outcome !== undefined) continue;
    for (const end of marker.ends) {
      const part = outputs.find((one) => partitionName(one) === partitionName(end));
      if (part === undefined || isOpen(partitionName(end))) continue;
      const [high] = await listOffsets(cluster, "latest", "read_uncommitted", [part]);
      const range = { from: end.offset + 1, to: high ?? 0, isolation: "read_uncommitted" } as const;
      for await (const { batch } of scanLog(cluster, part, range)) {
        if (batch.producerId !== producerId || !isControl(batch)) continue;
        const ended = markerOf(batch, partitionName(part));
        if (ended !== undefined) closed.push({ ...end, outcome: ended });
        break;
      }
    }
  }
  return closed;
}
