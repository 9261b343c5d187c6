import type { FoundMarker, PartitionEnd } from "./commits-topic.ts";
import type { Marker } from "./batch-format.ts";
import type { TopicPartition } from "./log-requests.ts";

/** Records of ours in a partition that no marker has closed, though their transaction has ended. */
export interface OpenRange extends TopicPartition {
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** What was found after an unclean stop of a broker, all transactions of ours having ended. */
export interface SettleFacts {
  readonly commitsTopic: string;
  readonly open: readonly OpenRange[];
  /** Commit markers that are still in the commits topic, in its order. */
  readonly markers: readonly FoundMarker[];
  /** For partitions that an open commit marker names and that are closed: how the transaction ended there. */
  readonly closed: readonly (PartitionEnd & { readonly outcome: Marker })[];
}

export interface SettleDecision {
  readonly commit: readonly TopicPartition[];
  readonly abort: readonly TopicPartition[];
}

/**
 * How to close what a broker that died forgot to close (the measurements are in docs/kafka.md). Undefined for ranges
 * that tell two stories: a person must look.
 */
export function decideSettle(facts: SettleFacts): SettleDecision | undefined {
  const decision = { commit: [] as TopicPartition[], abort: [] as TopicPartition[] };
  for (const range of facts.open) {
    const outcome = outcomeOf(facts, range);
    if (outcome === undefined) return undefined;
    decision[outcome].push({ topic: range.topic, partition: range.partition });
  }
  return decision;
}

function outcomeOf(facts: SettleFacts, range: OpenRange): Marker | undefined {
  if (range.topic === facts.commitsTopic) {
    const inside = facts.markers.filter(({ offset }) => offset >= range.firstOffset);
    // Nothing but a barrier: it stands for no records.
    if (inside.length === 0) return "commit";
    return agreed(inside.map((marker) => outcomeOfEpoch(facts, marker)));
  }
  const inside = facts.markers.filter(
    ({ marker }) => (endOf(marker.ends, range) ?? -1) >= range.firstOffset,
  );
  const last = inside.at(-1);
  // Without a commit marker the transaction had not come to its end: nobody was told that it would be kept.
  if (last === undefined) return "abort";
  const outcome = agreed(inside.map((marker) => outcomeOfEpoch(facts, marker)));
  // Records behind the last epoch that has a marker belong to one that has none.
  const isWhole = endOf(last.marker.ends, range) === range.lastOffset;
  return isWhole || outcome === "abort" ? outcome : undefined;
}

/** The outcome that is known of any partition is the outcome; if none is known, all is there and may be kept. */
function outcomeOfEpoch(facts: SettleFacts, { marker, outcome }: FoundMarker): Marker | undefined {
  const known = facts.closed
    .filter((closed) => endOf(marker.ends, closed) === closed.offset)
    .map((closed) => closed.outcome);
  if (outcome !== undefined) known.push(outcome);
  return known.length === 0 ? "commit" : agreed(known);
}

function agreed(outcomes: readonly (Marker | undefined)[]): Marker | undefined {
  const [first] = outcomes;
  return outcomes.every((outcome) => outcome === first) ? first : undefined;
}

function endOf(ends: readonly PartitionEnd[], part: TopicPartition): number | undefined {
  return ends.find(({ topic, partition }) => topic === part.topic && partition === part.partition)
    ?.offset;
}
