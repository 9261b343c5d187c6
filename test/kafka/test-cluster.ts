import { resolveCluster } from "../../engine/connectors/kafka/block.ts";
import { KafkaCluster } from "../../engine/connectors/kafka/cluster.ts";
import type { ClusterPorts } from "../../engine/connectors/kafka/cluster.ts";
import { KafkaTopicReader } from "../../engine/connectors/kafka/kafka-topic-reader.ts";
import { KafkaTopicWriter } from "../../engine/connectors/kafka/kafka-topic-writer.ts";
import type { BatchRecord } from "../../engine/connectors/kafka/batch-encoder.ts";
import { clusterSettings } from "../../engine/connectors/kafka/settings.ts";
import type { ConsumedRecord } from "../../engine/connectors/embedded/topic-reader.ts";
import type { JsonObject } from "../../engine/core/json.ts";
import type { Logger } from "../../engine/core/logger.ts";
import { machineClock, never } from "../connectors/embedded-fixtures.ts";

export const quiet: Logger = { info: () => {}, warn: () => {}, error: () => {} };

/** A client of a cluster with these settings of a `kafka:` block. */
export function clusterAt(
  bootstrap: string,
  block: JsonObject = {},
  ports: Partial<ClusterPorts> = {},
): KafkaCluster {
  const resolved = resolveCluster(block, (name) => {
    throw new Error(`${name} is no duration`);
  });
  const sources = { secrets: new Map<string, string>(), baseDirectory: "/" };
  const settings = clusterSettings("kafka", bootstrap, resolved, sources);
  return new KafkaCluster(settings, { clock: machineClock, logger: quiet, ...ports });
}

/** The committed records of a topic up to its end, by partition and then by offset. */
export async function readTopic(bootstrap: string, topic: string): Promise<ConsumedRecord[]> {
  const reader = new KafkaTopicReader(clusterAt(bootstrap), topic);
  const found: ConsumedRecord[] = [];
  try {
    await reader.open("beginning");
    for await (const records of reader.records({ follow: false }, never)) found.push(...records);
  } finally {
    await reader.close();
  }
  return found.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
}

export async function writeTopic(
  bootstrap: string,
  topic: string,
  records: readonly BatchRecord[],
): Promise<void> {
  const writer = new KafkaTopicWriter(clusterAt(bootstrap), topic);
  try {
    await writer.append(records);
  } finally {
    writer.close();
  }
}
