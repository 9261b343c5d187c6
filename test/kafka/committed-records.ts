import { resolveCluster } from "../../engine/connectors/kafka/block.ts";
import { KafkaCluster } from "../../engine/connectors/kafka/cluster.ts";
import { KafkaTopicReader } from "../../engine/connectors/kafka/kafka-topic-reader.ts";
import { clusterSettings } from "../../engine/connectors/kafka/settings.ts";
import { findTopics, listOffsets } from "../../engine/connectors/kafka/topics.ts";
import type { ConsumedRecord } from "../../engine/connectors/embedded/topic-reader.ts";
import type { JsonObject } from "../../engine/core/json.ts";
import type { Logger } from "../../engine/core/logger.ts";
import { machineClock, never } from "../connectors/embedded-fixtures.ts";

const silent: Logger = { info: () => {}, warn: () => {}, error: () => {} };

/** `block` as in a job's `kafka:`. */
export function clusterAt(
  bootstrap: string,
  block: JsonObject = {},
  logger: Logger = silent,
): KafkaCluster {
  const resolved = resolveCluster(block, () => {});
  const sources = { secrets: new Map<string, string>(), baseDirectory: "/" };
  const settings = clusterSettings("kafka", bootstrap, resolved, sources);
  return new KafkaCluster(settings, { clock: machineClock, logger });
}

/** What our own reader finds in a topic. */
export async function committedRecords(
  bootstrap: string,
  topic: string,
): Promise<readonly ConsumedRecord[]> {
  const reader = new KafkaTopicReader(clusterAt(bootstrap), topic);
  const found: ConsumedRecord[] = [];
  try {
    await reader.open("beginning");
    for await (const records of reader.records({ follow: false }, never)) found.push(...records);
  } finally {
    await reader.close();
  }
  return found;
}

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
