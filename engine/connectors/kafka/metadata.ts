import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export interface BrokerNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

interface PartitionMetadata {
  readonly error: number;
  readonly partition: number;
  /** -1: none at the moment. */
  readonly leader: number;
}

export interface TopicMetadata {
  readonly error: number;
  readonly name: string;
  /** 32 hex digits: another one when a topic is deleted and made again. */
  readonly id: string;
  /** By number, from 0. */
  readonly partitions: readonly PartitionMetadata[];
}

export interface ClusterMetadata {
  readonly nodes: readonly BrokerNode[];
  readonly controller: number;
  readonly topics: readonly TopicMetadata[];
}

const noTopicId = "0".repeat(32);

export function encodeMetadataRequest(topics: readonly string[]): Buffer {
  const writer = new WireWriter();
  writer.compactArray(topics, (name) => {
    writer.uuid(noTopicId).compactString(name).noTags();
  });
  // Neither make topics nor tell rights.
  writer.boolean(false).boolean(false).boolean(false).noTags();
  return writer.finish();
}

export function decodeMetadata(body: Buffer): ClusterMetadata {
  const reader = new WireReader(body);
  reader.int32();
  const nodes = reader.compactArray(() => {
    const node = { id: reader.int32(), host: reader.compactString(), port: reader.int32() };
    reader.compactNullableString();
    reader.skipTags();
    return node;
  });
  reader.compactNullableString();
  const controller = reader.int32();
  const topics = reader.compactArray(() => {
    const error = reader.int16();
    const name = reader.compactString();
    const id = reader.uuid();
    reader.boolean();
    const partitions = reader.compactArray(() => partitionOf(reader));
    reader.int32();
    reader.skipTags();
    return { error, name, id, partitions: partitions.sort((a, b) => a.partition - b.partition) };
  });
  return { nodes, controller, topics };
}

function partitionOf(reader: WireReader): PartitionMetadata {
  const error = reader.int16();
  const partition = reader.int32();
  const leader = reader.int32();
  reader.int32();
  for (let lists = 0; lists < 3; lists += 1) reader.compactArray(() => reader.int32());
  reader.skipTags();
  return { error, partition, leader };
}

export function encodeFindCoordinator(key: string, type: "group" | "transaction"): Buffer {
  return new WireWriter()
    .string(key)
    .int8(type === "group" ? 0 : 1)
    .finish();
}

export function decodeFindCoordinator(body: Buffer): { error: number; node: BrokerNode } {
  const reader = new WireReader(body);
  reader.int32();
  const error = reader.int16();
  reader.nullableString();
  return { error, node: { id: reader.int32(), host: reader.string(), port: reader.int32() } };
}
