import type { PositionedSink } from "../connectors/connector.ts";
import type { OutboxWriter } from "../checkpoint/outbox.ts";
import { partitionForKey } from "../core/murmur2.ts";
import type { OutputWriter } from "./sink-node.ts";

/** Collects the lines of one file sink over a batch. */
export class FileOutputs implements OutputWriter {
  readonly sinkId: string;
  readonly sink: PositionedSink;
  #lines: string[] = [];

  constructor(sinkId: string, sink: PositionedSink) {
    this.sinkId = sinkId;
    this.sink = sink;
  }

  append(_key: string | null, value: string): void {
    this.#lines.push(value);
  }

  /** Hands the batch's lines to the sink; waits while it is behind. */
  async hand(): Promise<void> {
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    this.#lines = [];
    await this.sink.write(lines);
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
