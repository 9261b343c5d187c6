import assert from "node:assert/strict";
import { CommitPermit } from "../../engine/checkpoint/delivery.ts";
import { KafkaTarget } from "../../engine/connectors/kafka/kafka-target.ts";
import type { FailpointName, Failpoints } from "../../engine/core/failpoints.ts";
import type { JsonObject } from "../../engine/core/json.ts";
import { outbox } from "../connectors/embedded-fixtures.ts";
import { heldUpPartitions } from "./stable-ends.ts";
import { clusterAt, readTopic } from "./test-cluster.ts";

/** Places of a take-over: they are passed by the successor of a session that left its transaction open. */
const inTakeOver = /^kafka\.(fence|settle|barrier)/;

const job = "job";
const topic = "out";
const partitions = 4;
const recordsPerEpoch = 200;

/** Delivers epochs one after another, something happening at a place in each, and looks what readers see. */
export class DeliveryBench {
  /** How often a transaction that a broker had left open was closed. */
  settled = 0;
  readonly #bootstrap: string;
  readonly #readersBootstrap: string;
  readonly #settings: JsonObject;
  readonly #expected: string[] = [];
  #target: KafkaTarget;
  #sessions = 0;
  #epoch = 0;
  #place: FailpointName | undefined;
  #happens: () => Promise<void> = () => Promise.resolve();
  #happening: Promise<void> | undefined;
  #throwAt: FailpointName | undefined;

  /** The job comes to the cluster at `bootstrap`, readers at the other address. */
  constructor(bootstrap: string, readersBootstrap: string, settings: JsonObject) {
    this.#bootstrap = bootstrap;
    this.#readersBootstrap = readersBootstrap;
    this.#settings = settings;
    this.#target = this.#newTarget();
  }

  async open(): Promise<void> {
    this.#sessions += 1;
    await this.#target.inspect(job);
    await this.#target.prepare([topic]);
    await this.#target.begin(job, `session ${this.#sessions}`);
  }

  /** One more epoch: `happens` begins when the job is at `place`. Throws if readers do not see each record once then. */
  async deliver(place: FailpointName, happens: () => Promise<void>): Promise<void> {
    this.#epoch += 1;
    const epoch = this.#epoch;
    const records = recordsOf(epoch);
    const mark = { job, incarnation: "one", epoch, hash: `hash-${epoch}` };
    const deliver = (): Promise<void> =>
      this.#target.deliver(outbox(records), CommitPermit.afterCommit(mark));
    this.#happens = happens;
    if (inTakeOver.test(place)) {
      this.#throwAt = "kafka.end.before";
      await assert.rejects(deliver(), /kafka\.end\.before/);
      await this.#target.close();
      this.#target = this.#newTarget();
      this.#place = place;
      await this.open();
    } else this.#place = place;
    await deliver();
    assert.ok(this.#happening, `${place} was not passed`);
    await this.#happening;
    this.#happening = undefined;
    // Delivered again, as a restart would: the mark decides.
    await deliver();
    this.#expected.push(...records.map(({ value }) => String(value)));
    const where = `epoch ${epoch}, at ${place}`;
    const seen = await readTopic(this.#readersBootstrap, topic);
    const values = seen.map(({ value }) => String(value));
    assert.deepEqual(values.toSorted(), this.#expected.toSorted(), where);
    const topics = [topic, `${job}.commits`];
    assert.deepEqual(await heldUpPartitions(this.#readersBootstrap, topics), [], where);
  }

  async close(): Promise<void> {
    await this.#target.close();
    await this.#happening?.catch(() => undefined);
  }

  #newTarget(): KafkaTarget {
    const logger = {
      info: () => {},
      warn: (message: string) => {
        if (message.includes("settled")) this.settled += 1;
      },
      error: () => {},
    };
    const block = { create_topics: true, topic_partitions: partitions, ...this.#settings };
    const cluster = clusterAt(this.#bootstrap, block, { logger });
    return new KafkaTarget(cluster, { failpoints: this.#failpoints, logger });
  }

  get #failpoints(): Failpoints {
    return {
      hit: async (name) => {
        if (name === this.#throwAt) {
          this.#throwAt = undefined;
          throw new Error(`failpoint ${name}`);
        }
        if (name !== this.#place) return;
        this.#place = undefined;
        this.#happening = this.#happens();
      },
    };
  }
}

function recordsOf(epoch: number) {
  return Array.from({ length: recordsPerEpoch }, (_, index) => ({
    topic: 0,
    partition: index % partitions,
    key: null,
    value: Buffer.from(`${epoch}/${index}`),
    timestampMs: epoch,
  }));
}
