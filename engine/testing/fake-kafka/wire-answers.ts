import { byTopic } from "../../connectors/kafka/log-requests.ts";
import type { Isolation, TopicPartition } from "../../connectors/kafka/log-requests.ts";
import type { Marker } from "../../connectors/kafka/batch-format.ts";
import type { ProducerIdentity } from "../../connectors/kafka/transaction-requests.ts";
import { WireReader } from "../../connectors/kafka/wire-reader.ts";
import { WireWriter } from "../../connectors/kafka/wire-writer.ts";

/** The other side of the requests in connectors/kafka: what a broker reads, and what it writes. */

function isolationOf(number: number): Isolation {
  return number === 1 ? "read_committed" : "read_uncommitted";
}

const noThrottle = 0;

export interface ProduceRequest {
  readonly transactionalId: string | null;
  readonly parts: readonly (TopicPartition & { readonly batch: Buffer })[];
}

export function readProduce(body: Buffer): ProduceRequest {
  const reader = new WireReader(body);
  const transactionalId = reader.nullableString();
  reader.skip(6);
  const parts = reader.array(() => {
    const topic = reader.string();
    return reader.array(() => {
      const partition = reader.int32();
      const length = reader.int32();
      const start = reader.at;
      reader.skip(length);
      return { topic, partition, batch: body.subarray(start, start + length) };
    });
  });
  return { transactionalId, parts: parts.flat() };
}

export function writeProduced(
  parts: readonly (TopicPartition & { readonly error: number; readonly baseOffset: number })[],
): Buffer {
  const writer = new WireWriter();
  writer.array(byTopic(parts), ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition, error, baseOffset }) => {
      writer.int32(partition).int16(error).int64(baseOffset).int64(-1).int64(0);
    });
  });
  return writer.int32(noThrottle).finish();
}

export interface FetchRequest {
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly isolation: Isolation;
  readonly parts: readonly {
    readonly topicId: string;
    readonly partition: number;
    readonly offset: number;
    readonly maxBytes: number;
  }[];
}

export function readFetch(body: Buffer): FetchRequest {
  const reader = new WireReader(body);
  reader.skip(4);
  const maxWaitMs = reader.int32();
  reader.skip(4);
  const maxBytes = reader.int32();
  const isolation = isolationOf(reader.int8());
  reader.skip(8);
  const parts = reader.compactArray(() => {
    const topicId = reader.uuid();
    const partitions = reader.compactArray(() => {
      const partition = reader.int32();
      reader.skip(4);
      const offset = reader.int64();
      reader.skip(12);
      const one = { topicId, partition, offset, maxBytes: reader.int32() };
      reader.skipTags();
      return one;
    });
    reader.skipTags();
    return partitions;
  });
  return { maxWaitMs, maxBytes, isolation, parts: parts.flat() };
}

export interface FetchAnswer {
  readonly topicId: string;
  readonly partition: number;
  readonly error: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStart: number;
  readonly aborted: readonly { readonly producerId: number; readonly firstOffset: number }[];
  readonly records: Buffer;
}

export function writeFetched(answers: readonly FetchAnswer[]): Buffer {
  const bytes = answers.reduce((sum, { records }) => sum + records.length, 0);
  const writer = new WireWriter(bytes + 1024);
  writer.int32(noThrottle).int16(0).int32(0);
  const topics = byTopic(answers.map((answer) => ({ ...answer, topic: answer.topicId })));
  writer.compactArray(topics, ([topicId, partitions]) => {
    writer.uuid(topicId).compactArray(partitions, (part) => {
      writer.int32(part.partition).int16(part.error).int64(part.highWatermark);
      writer.int64(part.lastStableOffset).int64(part.logStart);
      writer.compactArray(part.aborted, ({ producerId, firstOffset }) => {
        writer.int64(producerId).int64(firstOffset).noTags();
      });
      writer.int32(-1).compactBytes(part.records).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

export interface ListOffsetsRequest {
  readonly isolation: Isolation;
  readonly parts: readonly (TopicPartition & { readonly query: "earliest" | "latest" })[];
}

export function readListOffsets(body: Buffer): ListOffsetsRequest {
  const reader = new WireReader(body);
  reader.skip(4);
  const isolation = isolationOf(reader.int8());
  const parts = reader.array(() => {
    const topic = reader.string();
    return reader.array(() => {
      const partition = reader.int32();
      const query = reader.int64() === -2 ? ("earliest" as const) : ("latest" as const);
      return { topic, partition, query };
    });
  });
  return { isolation, parts: parts.flat() };
}

export function writeOffsets(
  parts: readonly (TopicPartition & { readonly error: number; readonly offset: number })[],
): Buffer {
  const writer = new WireWriter().int32(noThrottle);
  writer.array(byTopic(parts), ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition, error, offset }) => {
      writer.int32(partition).int16(error).int64(-1).int64(offset);
    });
  });
  return writer.finish();
}

/** Names of topics. */
export function readMetadata(body: Buffer): readonly string[] {
  const reader = new WireReader(body);
  return reader.compactArray(() => {
    reader.uuid();
    const name = reader.compactString();
    reader.skipTags();
    return name;
  });
}

export interface NodeAnswer {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface TopicAnswer {
  readonly name: string;
  readonly id: string;
  readonly error: number;
  readonly partitions: readonly { readonly error: number; readonly leader: number }[];
}

export function writeMetadata(
  nodes: readonly NodeAnswer[],
  controller: number,
  topics: readonly TopicAnswer[],
): Buffer {
  const writer = new WireWriter().int32(noThrottle);
  writer.compactArray(nodes, ({ id, host, port }) => {
    writer.int32(id).compactString(host).int32(port).compactString(null).noTags();
  });
  writer.compactString("fake").int32(controller);
  writer.compactArray(topics, ({ name, id, error, partitions }) => {
    writer.int16(error).compactString(name).uuid(id).boolean(false);
    writer.compactArray([...partitions.entries()], ([index, part]) => {
      writer.int16(part.error).int32(index).int32(part.leader).int32(0);
      for (let lists = 0; lists < 3; lists += 1) writer.compactArray([], () => undefined);
      writer.noTags();
    });
    writer.int32(0).noTags();
  });
  return writer.int32(0).noTags().finish();
}

export function writeCoordinator(error: number, { id, host, port }: NodeAnswer): Buffer {
  const writer = new WireWriter().int32(noThrottle).int16(error).string(null);
  return writer.int32(id).string(host).int32(port).finish();
}

export interface CreateTopicRequest {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  readonly configs: ReadonlyMap<string, string>;
}

export function readCreateTopics(body: Buffer): readonly CreateTopicRequest[] {
  const reader = new WireReader(body);
  return reader.array(() => {
    const name = reader.string();
    const partitions = reader.int32();
    const replication = reader.int16();
    reader.skip(4);
    const configs = reader.array(() => [reader.string(), reader.string()] as const);
    return { name, partitions, replication, configs: new Map(configs) };
  });
}

export function writeCreated(
  topics: readonly { readonly name: string; readonly error: number }[],
): Buffer {
  const writer = new WireWriter().int32(noThrottle);
  return writer
    .array(topics, ({ name, error }) => {
      writer.string(name).int16(error).string(null);
    })
    .finish();
}

export interface ConfigsRequest {
  readonly isTopic: boolean;
  readonly name: string;
  readonly configs: readonly string[];
}

const topicResource = 2;

export function readDescribeConfigs(body: Buffer): readonly ConfigsRequest[] {
  const reader = new WireReader(body);
  return reader.array(() => ({
    isTopic: reader.int8() === topicResource,
    name: reader.string(),
    configs: reader.array(() => reader.string()),
  }));
}

export function writeConfigs(
  answers: readonly {
    readonly error: number;
    readonly request: ConfigsRequest;
    readonly values: readonly (readonly [name: string, value: string])[];
  }[],
): Buffer {
  const writer = new WireWriter().int32(noThrottle);
  writer.array(answers, ({ error, request, values }) => {
    writer
      .int16(error)
      .string(null)
      .int8(request.isTopic ? topicResource : 4);
    writer.string(request.name).array(values, ([name, value]) => {
      writer.string(name).string(value).boolean(false).int8(5).boolean(false).int32(0);
    });
  });
  return writer.finish();
}

export function readInitProducerId(body: Buffer): {
  readonly transactionalId: string;
  readonly timeoutMs: number;
} {
  const reader = new WireReader(body);
  return { transactionalId: reader.string(), timeoutMs: reader.int32() };
}

export function writeProducerId(
  error: number,
  { producerId, producerEpoch }: ProducerIdentity,
): Buffer {
  const writer = new WireWriter().int32(noThrottle).int16(error);
  return writer.int64(producerId).int16(producerEpoch).finish();
}

export interface TransactionRequest {
  readonly transactionalId: string;
  readonly identity: ProducerIdentity;
}

function readTransaction(reader: WireReader): TransactionRequest {
  const transactionalId = reader.string();
  const identity = { producerId: reader.int64(), producerEpoch: reader.int16() };
  return { transactionalId, identity };
}

export function readAddPartitions(
  body: Buffer,
): TransactionRequest & { readonly parts: readonly TopicPartition[] } {
  const reader = new WireReader(body);
  const transaction = readTransaction(reader);
  const parts = reader.array(() => {
    const topic = reader.string();
    return reader.array(() => ({ topic, partition: reader.int32() }));
  });
  return { ...transaction, parts: parts.flat() };
}

export function writePartErrors(
  parts: readonly (TopicPartition & { readonly error: number })[],
): Buffer {
  const writer = new WireWriter().int32(noThrottle);
  writer.array(byTopic(parts), ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition, error }) => {
      writer.int32(partition).int16(error);
    });
  });
  return writer.finish();
}

/** Offsets by partition number, by topic, of a group without members. */
export function readOffsetCommit(body: Buffer): {
  readonly group: string;
  readonly parts: readonly (TopicPartition & { readonly offset: number })[];
} {
  const reader = new WireReader(body);
  const group = reader.string();
  reader.int32();
  reader.string();
  const parts = reader.array(() => {
    const topic = reader.string();
    return reader.array(() => {
      const part = { topic, partition: reader.int32(), offset: reader.int64() };
      reader.int32();
      reader.nullableString();
      return part;
    });
  });
  return { group, parts: parts.flat() };
}

export function readEndTxn(body: Buffer): TransactionRequest & { readonly outcome: Marker } {
  const reader = new WireReader(body);
  const transaction = readTransaction(reader);
  return { ...transaction, outcome: reader.boolean() ? "commit" : "abort" };
}

export function writeEnded(error: number): Buffer {
  return new WireWriter().int32(noThrottle).int16(error).finish();
}
