import { EngineError } from "../../core/errors.ts";
import {
  decodeCreateTopics,
  decodeDescribeConfigs,
  encodeCreateTopics,
  encodeDescribeConfigs,
} from "./admin-requests.ts";
import type { ConfigResource, NewTopic } from "./admin-requests.ts";
import { apis } from "./api.ts";
import type { KafkaCluster } from "./cluster.ts";
import {
  answerError,
  checkAnswer,
  errorCode,
  isMoved,
  KafkaProtocolError,
} from "./kafka-errors.ts";
import { decodeListOffsets, encodeListOffsets } from "./log-requests.ts";
import type { Isolation, OffsetQuery, TopicPartition } from "./log-requests.ts";
import type { TopicMetadata } from "./metadata.ts";

const createTimeoutMs = 30_000;

/** A topic's facts as of now; undefined if there is none. Its partitions may be without a leader for a moment. */
export async function findTopics(
  cluster: KafkaCluster,
  names: readonly string[],
): Promise<readonly (TopicMetadata | undefined)[]> {
  const { topics } = await cluster.metadata(names);
  return names.map((name) => {
    const topic = topics.find((one) => one.name === name);
    if (topic === undefined || topic.error === errorCode.unknownTopicOrPartition) return undefined;
    if (topic.error === errorCode.invalidTopic) return undefined;
    checkAnswer(`looking at topic ${name}`, topic.error, `Describe on topic ${name}`);
    return topic;
  });
}

export function topicMissing(cluster: KafkaCluster, name: string): EngineError {
  return new EngineError("TOPIC_MISSING", `topic ${name} does not exist at ${cluster.address}`, {
    hint: "Create it, or set `create_topics` in the job's kafka block for development.",
  });
}

/**
 * Makes a topic; one that exists already is fine. Throws KAFKA_REFUSED if the cluster does not want it so, and
 * KafkaProtocolError as long as the brokers do not all know of it: to be repeated.
 */
export async function createTopic(cluster: KafkaCluster, topic: NewTopic): Promise<void> {
  const what = `making topic ${topic.name}`;
  const { controller, nodes } = await cluster.metadata([]);
  const body = encodeCreateTopics([topic], createTimeoutMs);
  const answer = decodeCreateTopics(await cluster.onNode(controller, apis.createTopics, body));
  const { error, message } = answer[0] ?? { error: -1, message: null };
  if (error === 0 || error === errorCode.topicAlreadyExists) {
    const [made] = await findTopics(cluster, [topic.name]);
    if (made?.partitions.every(({ leader }) => leader >= 0) === true) return;
    throw new KafkaProtocolError(what, errorCode.leaderNotAvailable);
  }
  // Brokers that are there, but not let in yet: they have just started, or missed a heartbeat.
  const isWaiting =
    error === errorCode.invalidReplicationFactor &&
    topic.replication > 0 &&
    topic.replication <= nodes.length;
  if (isWaiting || isMoved(error)) {
    throw new KafkaProtocolError(`${what} (${message ?? error})`, errorCode.leaderNotAvailable);
  }
  const failure = answerError(what, error, `Create on topic ${topic.name}`);
  if (!(failure instanceof KafkaProtocolError) || message === null) throw failure;
  throw new EngineError("KAFKA_REFUSED", `${failure.message} ${message}`, {
    hint: "Create the topic by hand with settings that the cluster takes.",
  });
}

/**
 * Offsets of partitions, in their order. `latest` with read_committed is the last stable offset. Throws
 * KafkaProtocolError, ConnectionLost.
 */
export async function listOffsets(
  cluster: KafkaCluster,
  query: OffsetQuery,
  isolation: Isolation,
  partitions: readonly (TopicPartition & { readonly leader: number })[],
): Promise<number[]> {
  const leaders = [...new Set(partitions.map(({ leader }) => leader))];
  const answers = await Promise.all(
    leaders.map(async (leader) => {
      if (leader < 0)
        throw new KafkaProtocolError("asking for offsets", errorCode.leaderNotAvailable);
      const led = partitions.filter((one) => one.leader === leader);
      const body = encodeListOffsets(query, isolation, led);
      return decodeListOffsets(await cluster.onNode(leader, apis.listOffsets, body));
    }),
  );
  const all = answers.flat();
  return partitions.map(({ topic, partition }) => {
    const found = all.find((one) => one.topic === topic && one.partition === partition);
    const what = `the offsets of ${topic}/${partition}`;
    checkAnswer(what, found?.error ?? -1, `Describe on topic ${topic}`);
    return found?.offset ?? 0;
  });
}

/** Settings by name; undefined if the right to see them is missing. */
export async function describeConfigs(
  cluster: KafkaCluster,
  resource: ConfigResource,
  names: readonly string[],
): Promise<ReadonlyMap<string, string | null> | undefined> {
  const body = encodeDescribeConfigs([resource], names);
  const answer =
    resource.type === "broker"
      ? await cluster.onNode(Number(resource.name), apis.describeConfigs, body)
      : await cluster.onAny(apis.describeConfigs, body);
  const described = decodeDescribeConfigs(answer)[0];
  return described?.error === 0 ? described.configs : undefined;
}
