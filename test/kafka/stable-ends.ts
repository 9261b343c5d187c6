import type { KafkaCluster } from "../../engine/connectors/kafka/cluster.ts";
import { findTopics, listOffsets } from "../../engine/connectors/kafka/topics.ts";
import { clusterAt } from "./test-cluster.ts";

const stableTries = 200;
const stablePauseMs = 50;

/** Ends of all partitions, as leaders know them now: for readers of committed records, and of all. */
async function endsOf(cluster: KafkaCluster, topics: readonly string[]) {
  const found = await findTopics(cluster, topics);
  const parts = found.flatMap((topic) =>
    (topic?.partitions ?? []).map(({ partition, leader }) => {
      return { topic: topic?.name ?? "", partition, leader };
    }),
  );
  const stable = await listOffsets(cluster, "latest", "read_committed", parts);
  const high = await listOffsets(cluster, "latest", "read_uncommitted", parts);
  return { parts, stable, high };
}

/**
 * Partitions whose readers of committed records still cannot come to the end, with how many offsets are missing; none
 * if all come there within a few seconds: markers are written after the answer to the end of a transaction.
 */
export async function heldUpPartitions(
  bootstrap: string,
  topics: readonly string[],
  tries = stableTries,
): Promise<readonly string[]> {
  const cluster = clusterAt(bootstrap);
  try {
    let heldUp: readonly string[] = [];
    for (let look = 0; look < tries; look += 1) {
      const { parts, stable, high } = await cluster.repeated("looking at the ends", () =>
        endsOf(cluster, topics),
      );
      heldUp = parts.flatMap(({ topic, partition }, index) => {
        const missing = (high[index] ?? 0) - (stable[index] ?? 0);
        return missing === 0 ? [] : [`${topic}/${partition}: ${missing}`];
      });
      if (heldUp.length === 0) break;
      await cluster.sleep(stablePauseMs);
    }
    return heldUp;
  } finally {
    cluster.close();
  }
}
