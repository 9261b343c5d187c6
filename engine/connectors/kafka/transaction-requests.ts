import { byTopic } from "./log-requests.ts";
import type { TopicPartition } from "./log-requests.ts";
import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export function encodeInitProducerId(transactionalId: string, timeoutMs: number): Buffer {
  return new WireWriter().string(transactionalId).int32(timeoutMs).finish();
}

export function decodeInitProducerId(body: Buffer): ProducerIdentity & { error: number } {
  const reader = new WireReader(body);
  reader.int32();
  return { error: reader.int16(), producerId: reader.int64(), producerEpoch: reader.int16() };
}

export function encodeAddPartitions(
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
  parts: readonly TopicPartition[],
): Buffer {
  const writer = new WireWriter();
  writer.string(transactionalId).int64(producerId).int16(producerEpoch);
  writer.array(byTopic(parts), ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition }) => {
      writer.int32(partition);
    });
  });
  return writer.finish();
}

export function decodeAddPartitions(body: Buffer): (TopicPartition & { error: number })[] {
  const reader = new WireReader(body);
  reader.int32();
  return reader
    .array(() => {
      const topic = reader.string();
      return reader.array(() => ({ topic, partition: reader.int32(), error: reader.int16() }));
    })
    .flat();
}

export function encodeEndTxn(
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
  outcome: "commit" | "abort",
): Buffer {
  return new WireWriter()
    .string(transactionalId)
    .int64(producerId)
    .int16(producerEpoch)
    .boolean(outcome === "commit")
    .finish();
}

/** The error code. */
export function decodeEndTxn(body: Buffer): number {
  const reader = new WireReader(body);
  reader.int32();
  return reader.int16();
}
