import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { CommitPermit } from "../../engine/checkpoint/delivery.ts";
import { KafkaTarget } from "../../engine/connectors/kafka/kafka-target.ts";
import type { JsonObject } from "../../engine/core/json.ts";
import type { Failpoints } from "../../engine/core/failpoints.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import { FakeKafka } from "../../engine/testing/fake-kafka/fake-kafka.ts";
import type { FakeKafkaOptions } from "../../engine/testing/fake-kafka/fake-kafka.ts";
import { machineClock, outbox } from "../connectors/embedded-fixtures.ts";
import { clusterAt, readTopic } from "./test-cluster.ts";

const outPartitions = 4;
const recordsPerEpoch = 8;

/** A job `job` that delivers epochs to the topic `out` of a fake cluster. */
export class FakeTarget {
  readonly kafka: FakeKafka;
  readonly warnings: string[] = [];
  readonly #context: TestContext;
  #delivered = 0;

  private constructor(context: TestContext, kafka: FakeKafka) {
    this.#context = context;
    this.kafka = kafka;
  }

  static async start(
    context: TestContext,
    options: Partial<FakeKafkaOptions> = {},
  ): Promise<FakeTarget> {
    const kafka = await FakeKafka.start({ clock: machineClock, ...options });
    context.after(() => kafka.close());
    kafka.topics.create("out", outPartitions, {});
    return new FakeTarget(context, kafka);
  }

  /** A target as another process would have it, ready for `begin`. */
  async target(
    block: JsonObject = {},
    failpoints: Failpoints = noFailpoints,
  ): Promise<KafkaTarget> {
    const logger = {
      info: () => {},
      warn: (message: string) => this.warnings.push(message),
      error: () => {},
    };
    const target = new KafkaTarget(clusterAt(this.kafka.bootstrap, block, { logger }), {
      failpoints,
      logger,
    });
    this.#context.after(() => target.close());
    await target.prepare(["out"]);
    await target.inspect("job");
    return target;
  }

  /** One whose session `incarnation` has begun. */
  async begun(incarnation: string, block: JsonObject = {}): Promise<KafkaTarget> {
    const target = await this.target(block);
    await target.begin("job", incarnation);
    return target;
  }

  async deliver(target: KafkaTarget, epoch: number, incarnation: string): Promise<void> {
    const mark = { job: "job", incarnation, epoch, hash: `hash-${epoch}` };
    await target.deliver(outbox(recordsOf(epoch)), CommitPermit.afterCommit(mark));
    this.#delivered = epoch;
  }

  /** Readers see the epochs 1 to `last` once, by default those that were delivered, each record in order. */
  async assertShown(last = this.#delivered): Promise<void> {
    const seen = await readTopic(this.kafka.bootstrap, "out");
    const wanted = Array.from({ length: last }, (_, index) => recordsOf(index + 1)).flat();
    assert.deepEqual(
      seen.map(({ partition, value }) => `${partition} ${String(value)}`),
      Array.from({ length: outPartitions }, (_, partition) =>
        wanted.filter((record) => record.partition === partition),
      )
        .flat()
        .map(({ partition, value }) => `${partition} ${String(value)}`),
    );
  }

  /** Where readers of the outputs and of the commits topic may read up to, beside where the logs end. */
  stuck(): readonly string[] {
    const logs = Array.from(
      { length: outPartitions },
      (_, partition) => ["out", partition] as const,
    );
    return [...logs, ["job.commits", 0] as const].flatMap(([topic, partition]) => {
      const { lastStableOffset, highWatermark } = this.kafka.log(topic, partition);
      return lastStableOffset < highWatermark ? [`${topic}/${partition}`] : [];
    });
  }
}

function recordsOf(epoch: number) {
  return Array.from({ length: recordsPerEpoch }, (_, index) => ({
    topic: 0,
    partition: index % outPartitions,
    key: null,
    value: Buffer.from(`${epoch}/${index}`),
    timestampMs: epoch,
  }));
}

/** Lets others go on until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
