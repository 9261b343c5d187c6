import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** One partition of a topic, by name. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `items` by topic, in the order in which topics come first. */
export function byTopic<T extends TopicPartition>(items: readonly T[]): [string, T[]][] {
  const topics = new Map<string, T[]>();
  for (const item of items) {
    const list = topics.get(item.topic);
    if (list === undefined) topics.set(item.topic, [item]);
    else list.push(item);
  }
  return [...topics];
}

export interface ProducePart extends TopicPartition {
  /** One whole record batch. */
  readonly batch: Buffer;
}

export interface ProducedPart extends TopicPartition {
  readonly error: number;
  /** Offset of the first record; -1 with an error. */
  readonly baseOffset: number;
}

const allReplicas = -1;

export function encodeProduce(
  transactionalId: string | null,
  timeoutMs: number,
  parts: readonly ProducePart[],
): Buffer {
  const bytes = parts.reduce((sum, { batch }) => sum + batch.length, 0);
  const writer = new WireWriter(bytes + 64 * (parts.length + 1));
  writer.string(transactionalId).int16(allReplicas).int32(timeoutMs);
  writer.array(byTopic(parts), ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition, batch }) => {
      writer.int32(partition).bytes(batch);
    });
  });
  return writer.finish();
}

export function decodeProduce(body: Buffer): ProducedPart[] {
  const reader = new WireReader(body);
  return reader
    .array(() => {
      const topic = reader.string();
      return reader.array(() => {
        const partition = reader.int32();
        const error = reader.int16();
        const baseOffset = reader.int64();
        reader.skip(16);
        return { topic, partition, error, baseOffset };
      });
    })
    .flat();
}

export type Isolation = "read_committed" | "read_uncommitted";

function isolationNumber(isolation: Isolation): number {
  return isolation === "read_committed" ? 1 : 0;
}

export interface FetchPart {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly maxBytes: number;
}

export interface FetchedPart {
  readonly topicId: string;
  readonly partition: number;
  readonly error: number;
  /** One past the last record that is replicated. */
  readonly highWatermark: number;
  /** One past the last record that no open transaction can take back. */
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** Transactions that were aborted somewhere in what was fetched; sorted by their end, not by their start. */
  readonly aborted: readonly { readonly producerId: number; readonly firstOffset: number }[];
  readonly records: Buffer;
}

export interface FetchOptions {
  readonly isolation: Isolation;
  readonly maxWaitMs: number;
  readonly maxBytes: number;
}

const noRecords = Buffer.alloc(0);

export function encodeFetch(options: FetchOptions, parts: readonly FetchPart[]): Buffer {
  const writer = new WireWriter(128 + 48 * parts.length);
  const minBytes = 1;
  writer.int32(-1).int32(options.maxWaitMs).int32(minBytes).int32(options.maxBytes);
  // No fetch session: every request says all it wants.
  writer.int8(isolationNumber(options.isolation)).int32(0).int32(-1);
  const topics = byTopic(parts.map((part) => ({ ...part, topic: part.topicId })));
  writer.compactArray(topics, ([topicId, partitions]) => {
    writer.uuid(topicId).compactArray(partitions, ({ partition, offset, maxBytes }) => {
      writer.int32(partition).int32(-1).int64(offset).int32(-1).int64(-1).int32(maxBytes).noTags();
    });
    writer.noTags();
  });
  writer.compactArray([], () => undefined).compactString("").noTags();
  return writer.finish();
}

export function decodeFetch(body: Buffer): { error: number; parts: FetchedPart[] } {
  const reader = new WireReader(body);
  reader.int32();
  const error = reader.int16();
  reader.int32();
  const parts = reader.compactArray(() => {
    const topicId = reader.uuid();
    const partitions = reader.compactArray(() => fetchedPart(reader, topicId));
    reader.skipTags();
    return partitions;
  });
  return { error, parts: parts.flat() };
}

function fetchedPart(reader: WireReader, topicId: string): FetchedPart {
  const part = {
    topicId,
    partition: reader.int32(),
    error: reader.int16(),
    highWatermark: reader.int64(),
    lastStableOffset: reader.int64(),
    logStartOffset: reader.int64(),
    aborted: reader.compactArray(() => {
      const one = { producerId: reader.int64(), firstOffset: reader.int64() };
      reader.skipTags();
      return one;
    }),
  };
  reader.int32();
  const records = reader.compactBytes() ?? noRecords;
  reader.skipTags();
  return { ...part, records };
}

export type OffsetQuery = "earliest" | "latest";

export interface OffsetPart extends TopicPartition {
  readonly error: number;
  readonly offset: number;
}

/** `latest` with read_committed is the last stable offset, else the high watermark. */
export function encodeListOffsets(
  query: OffsetQuery,
  isolation: Isolation,
  parts: readonly TopicPartition[],
): Buffer {
  const writer = new WireWriter();
  writer.int32(-1).int8(isolationNumber(isolation));
  writer.array(byTopic(parts), ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition }) => {
      writer.int32(partition).int64(query === "earliest" ? -2 : -1);
    });
  });
  return writer.finish();
}

export function decodeListOffsets(body: Buffer): OffsetPart[] {
  const reader = new WireReader(body);
  reader.int32();
  return reader
    .array(() => {
      const topic = reader.string();
      return reader.array(() => {
        const partition = reader.int32();
        const error = reader.int16();
        reader.int64();
        return { topic, partition, error, offset: reader.int64() };
      });
    })
    .flat();
}
