import type { PositionedSink } from "../connectors/connector.ts";
import type { OutboxWriter } from "../checkpoint/outbox.ts";
import { partitionForKey } from "../core/murmur2.ts";
import type { OutputWriter } from "./sink-node.ts";

/** Hands the outputs of one file sink on as lines. */
export class FileOutputs implements OutputWriter {
  readonly sinkId: string;
  readonly sink: PositionedSink;

  constructor(sinkId: string, sink: PositionedSink) {
    this.sinkId = sinkId;
    this.sink = sink;
  }

  append(_key: string | null, value: string): void {
    this.sink.append(value);
  }
}

/** Frames the outputs of one topic sink into the epoch's outbox. */
export class TopicOutputs implements OutputWriter {
  readonly #outbox: () => OutboxWriter;
  readonly #topic: number;
  readonly #partitions: number;

  /** `outbox` gives the writer of the epoch that is open now. */
  constructor(outbox: () => OutboxWriter, topic: number, partitions: number) {
    this.#outbox = outbox;
    this.#topic = topic;
    this.#partitions = partitions;
  }

  append(key: string | null, value: string, timestampMs: number, sourcePartition: number): void {
    const partition =
      key === null
        ? sourcePartition % this.#partitions
        : partitionForKey(Buffer.from(key), this.#partitions);
    this.#outbox().append(this.#topic, partition, key, value, timestampMs);
  }
}
