import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";

const tries = 200;
const pauseMs = 50;

/** Makes topics; they can be used when it resolves. */
export async function makeTopics(
  bootstrap: string,
  names: readonly string[],
  partitions: number,
): Promise<void> {
  const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    // The client's own waiting fails on a broker that has not heard of the topic yet.
    await admin.createTopics({
      waitForLeaders: false,
      topics: names.map((topic) => ({ topic, numPartitions: partitions })),
    });
    for (let left = tries; left > 0; left -= 1) {
      const { topics } = await admin
        .fetchTopicMetadata({ topics: [...names] })
        .catch(() => ({ topics: [] }));
      const isReady = topics.every(
        ({ partitions: found }) =>
          found.length === partitions && found.every(({ leader }) => leader >= 0),
      );
      if (isReady && topics.length === names.length) return;
      await sleep(pauseMs);
    }
    throw new Error(`${names.join(", ")} are not there`);
  } finally {
    await admin.disconnect();
  }
}
