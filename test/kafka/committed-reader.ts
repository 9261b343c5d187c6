import type { Kafka } from "kafkajs";
import { setTimeout as sleep } from "node:timers/promises";

export interface ReadRecord {
  readonly partition: number;
  readonly key: Buffer | null;
  /** Empty for a tombstone. */
  readonly value: Buffer;
}

/** Nothing more is expected after this long, and nothing at all after the other. */
const restMs = 1000;
const patienceMs = 20_000;

/**
 * All committed records of topics, in order within a partition, by the public consumer of the client library: it knows
 * nothing of our decoder. Ends when `least` records have come and then no other, or when nothing comes for long.
 */
export async function readCommittedTopics(
  client: Kafka,
  topics: readonly string[],
  least: number,
): Promise<Map<string, ReadRecord[]>> {
  const found = new Map<string, ReadRecord[]>(topics.map((topic) => [topic, []]));
  const groupId = `reader-${process.pid}-${performance.now()}`;
  const consumer = client.consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 100 });
  let count = 0;
  let cameAtMs = performance.now();
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const list = found.get(batch.topic);
        for (const { key, value } of batch.messages) {
          list?.push({ partition: batch.partition, key, value: value ?? Buffer.alloc(0) });
        }
        count += batch.messages.length;
        if (batch.messages.length > 0) cameAtMs = performance.now();
      },
    });
    while (performance.now() - cameAtMs < (count < least ? patienceMs : restMs)) await sleep(50);
  } finally {
    await consumer.disconnect();
  }
  return found;
}
