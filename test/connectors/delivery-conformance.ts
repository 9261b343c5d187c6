import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CommitPermit } from "../../engine/checkpoint/delivery.ts";
import type { DeliveryTarget, OutboxRecord } from "../../engine/checkpoint/delivery.ts";
import type { ConsumedRecord } from "../../engine/connectors/embedded/topic-reader.ts";
import type { ErrorCode } from "../../engine/core/errors.ts";
import type { FailpointName, Failpoints } from "../../engine/core/failpoints.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import { epochPartitions, epochRecords, outbox } from "./embedded-fixtures.ts";

interface WrittenRecord {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly timestampMs: number;
}

/** A far side of its own for each test; topics that are missing are made with `epochPartitions` partitions. */
export interface DeliveryUnderTest {
  readonly job: string;
  /** Two topics that do not exist yet. */
  readonly topics: readonly string[];
  /** A new target each time, as another process would have it. */
  create(failpoints: Failpoints): DeliveryTarget;
  /** What readers of committed records see, by partition and then in order. */
  read(topic: string): Promise<readonly ConsumedRecord[]>;
  /** Outside of any job. */
  write(topic: string, records: readonly WrittenRecord[]): Promise<void>;
  /** The topics are gone, then there are new ones of the same names. */
  removeTopics(): Promise<void>;
  remakeTopics(): Promise<void>;
  dispose?(): Promise<void>;
}

export interface DeliveryTraits {
  /** How a session learns that there is a newer one. */
  readonly fenced: ErrorCode;
  /** Every place at which a delivery may be interrupted. */
  readonly failpoints: readonly FailpointName[];
}

/** The contract of `DeliveryTarget` and of the topics behind it, for every implementation. */
export function deliveryConformance(
  name: string,
  { fenced, failpoints }: DeliveryTraits,
  make: () => Promise<DeliveryUnderTest>,
): void {
  const contract = (what: string, test: (bench: Bench) => Promise<void>): void => {
    it(what, async () => {
      const subject = await make();
      const bench = new Bench(subject);
      try {
        await test(bench);
      } finally {
        await bench.close();
        await subject.dispose?.();
      }
    });
  };

  describe(`${name} keeps the delivery contract`, () => {
    contract(
      "shows an epoch as a whole with its mark, and delivering it again changes nothing",
      async (bench) => {
        const target = await bench.target();
        assert.equal(await target.inspect(bench.job), undefined);
        await target.begin(bench.job, "first");
        assert.equal((await target.inspect(bench.job))?.epoch, 0, "a session without an epoch");
        for (const epoch of [1, 2]) {
          for (let again = 0; again < 3; again += 1) {
            await bench.deliver(target, epoch, "first");
            assert.deepEqual(await target.inspect(bench.job), bench.permit(epoch, "first").mark);
          }
        }
        await bench.assertShown(1, 2);
      },
    );

    contract("leaves the mark of an epoch without records", async (bench) => {
      const target = await bench.target();
      await target.begin(bench.job, "first");
      await target.deliver(outbox(), bench.permit(1, "first"));
      assert.equal((await target.inspect(bench.job))?.epoch, 1);
      await bench.assertShown();
    });

    contract("refuses an epoch that does not go with what it holds", async (bench) => {
      const target = await bench.target();
      await target.begin(bench.job, "first");
      for (const epoch of [1, 2]) await bench.deliver(target, epoch, "first");
      for (const permit of [bench.permit(2, "first", "other"), bench.permit(1, "first")]) {
        await assert.rejects(target.deliver(outbox(epochRecords(2)), permit), {
          code: "SINK_DIVERGED",
          exit: 6,
        });
      }
      await bench.assertShown(1, 2);
    });

    contract("goes on in another life with what the last one left", async (bench) => {
      const first = await bench.target();
      await first.begin(bench.job, "first");
      await bench.deliver(first, 1, "first");
      await first.close();
      const second = await bench.target();
      assert.deepEqual(await second.inspect(bench.job), bench.permit(1, "first").mark);
      await second.begin(bench.job, "second");
      assert.equal((await second.inspect(bench.job))?.incarnation, "second");
      await bench.deliver(second, 1, "second");
      await bench.deliver(second, 2, "second");
      await bench.assertShown(1, 2);
    });

    contract(
      "K7: lets a newer session fence the older one, whose outputs never appear",
      async (bench) => {
        const older = await bench.target();
        const newer = await bench.target();
        await older.begin(bench.job, "older");
        await bench.deliver(older, 1, "older");
        await newer.inspect(bench.job);
        await newer.begin(bench.job, "newer");
        await assert.rejects(bench.deliver(older, 2, "older"), { code: fenced });
        assert.equal((await older.inspect(bench.job))?.incarnation, "newer");
        await bench.deliver(newer, 2, "newer");
        await bench.assertShown(1, 2);
      },
    );

    contract(
      "K7: begins no session that decided from what has changed since, and the twin goes on",
      async (bench) => {
        const before = await bench.target();
        await before.begin(bench.job, "before");
        await bench.deliver(before, 1, "before");
        const twin = await bench.target();
        const late = await bench.target();
        for (const target of [twin, late]) await target.inspect(bench.job);
        await twin.begin(bench.job, "twin");
        await assert.rejects(late.begin(bench.job, "late"), { code: "SINK_FENCED", exit: 6 });
        await bench.deliver(twin, 2, "twin");
        await bench.assertShown(1, 2);
      },
    );

    contract("keeps jobs apart that share it", async (bench) => {
      const ours = await bench.target();
      const other = await bench.target();
      await ours.begin(bench.job, "ours");
      await other.begin(`${bench.job}.other`, "other");
      await bench.deliver(ours, 1, "ours");
      assert.ok(((await other.inspect(`${bench.job}.other`))?.epoch ?? 0) === 0);
      await bench.assertShown(1);
    });

    contract(
      "shows nothing of outputs that cannot be read, and the next delivery is whole",
      async (bench) => {
        const target = await bench.target();
        await target.begin(bench.job, "first");
        const broken = {
          async *batches() {
            yield epochRecords(1).slice(0, 7);
            throw new Error("outbox is damaged");
          },
        };
        await assert.rejects(target.deliver(broken, bench.permit(1, "first")), /outbox is damaged/);
        await bench.assertShown();
        await bench.deliver(target, 1, "first");
        await bench.assertShown(1);
      },
    );

    contract(
      "delivers an epoch larger than its buffers whole and in order, keys and times included",
      async (bench) => {
        const target = await bench.target();
        await target.begin(bench.job, "first");
        const records: OutboxRecord[] = Array.from({ length: 3000 }, (_, index) => ({
          topic: 0,
          partition: index % epochPartitions,
          key: index % 2 === 0 ? null : Buffer.from(`key ${index}`),
          value: Buffer.from(`${index} `.padEnd(index % 1000 === 0 ? 1_000_000 : 2000, "z")),
          timestampMs: 1_750_000_000_000 + index,
        }));
        await target.deliver(
          outbox(records.slice(0, 999), records.slice(999)),
          bench.permit(1, "first"),
        );
        const place = ({ partition, key, value, timestampMs }: OutboxRecord | ConsumedRecord) => [
          partition,
          timestampMs,
          String(key),
          value?.length,
          value?.toString("latin1", 0, 9),
        ];
        const wanted = Array.from({ length: epochPartitions }, (_, partition) =>
          records.filter((record) => record.partition === partition),
        ).flat();
        const [topic = ""] = bench.topics;
        assert.deepEqual((await bench.read(topic)).map(place), wanted.map(place));
      },
    );

    contract(
      "stops when its topics are gone, and for good when there are others of their names",
      async (bench) => {
        const target = await bench.target();
        await target.begin(bench.job, "first");
        await bench.deliver(target, 1, "first");
        await bench.removeTopics();
        await assert.rejects(bench.deliver(target, 2, "first"), { code: "TOPIC_MISSING", exit: 5 });
        await bench.remakeTopics();
        await assert.rejects(bench.deliver(target, 2, "first"), { code: "SINK_DIVERGED", exit: 6 });
      },
    );

    for (const failpoint of failpoints) {
      contract(`D1: shows an epoch once that was interrupted at ${failpoint}`, async (bench) => {
        const first = await bench.target();
        await first.begin(bench.job, "first");
        await bench.deliver(first, 1, "first");
        await first.close();
        const second = await bench.target({
          hit: async (at) => {
            if (at === failpoint) throw new Error(`interrupted at ${at}`);
          },
        });
        const life = async (): Promise<void> => {
          await second.inspect(bench.job);
          await second.begin(bench.job, "second");
          await bench.deliver(second, 2, "second");
        };
        await assert.rejects(life(), { message: `interrupted at ${failpoint}` });
        await second.close();
        const third = await bench.target();
        const held = (await third.inspect(bench.job))?.epoch;
        assert.ok(held === 1 || held === 2);
        await third.begin(bench.job, "third");
        await bench.deliver(third, 2, "third");
        await bench.deliver(third, 3, "third");
        await bench.assertShown(1, 2, 3);
      });
    }

    contract(
      "puts keys where Kafka's Java client does, those without one in turn",
      async (bench) => {
        const target = await bench.target();
        const keys = Object.keys(partitionsOfThree);
        const records = keys.map((key, index) => keyed(key, String(index)));
        const without = Array.from({ length: epochPartitions }, (_, turn) =>
          keyed(null, `${turn}`),
        );
        const [topic = ""] = bench.topics;
        await bench.write(topic, [...records, ...records, ...without]);
        const seen = await bench.read(topic);
        for (const [index, key] of keys.entries()) {
          const found = seen.filter((record) => record.key?.toString() === key);
          assert.deepEqual(
            found.map(({ partition, value }) => [partition, value?.toString()]),
            Array.from({ length: 2 }, () => [partitionsOfThree[key], String(index)]),
            key,
          );
        }
        assert.deepEqual(
          seen.filter(({ key }) => key === null).map(({ partition }) => partition),
          [0, 1, 2],
        );
        await target.close();
      },
    );
  });
}

/** From the hashes that Kafka's own tests of its partitioner name, sign bit off, modulo three. */
const partitionsOfThree: Readonly<Record<string, number>> = {
  "21": javaPartition(-973932308),
  foobar: javaPartition(-790332482),
  "a-little-bit-long-string": javaPartition(-985981536),
  "a-little-bit-longer-string": javaPartition(-1486304829),
  lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: javaPartition(-58897971),
  abc: javaPartition(479470107),
};

function javaPartition(hash: number): number {
  return (hash & 0x7fffffff) % epochPartitions;
}

function keyed(key: string | null, value: string): WrittenRecord {
  return { key: key === null ? null : Buffer.from(key), value: Buffer.from(value), timestampMs: 5 };
}

class Bench {
  readonly #subject: DeliveryUnderTest;
  readonly #targets: DeliveryTarget[] = [];

  constructor(subject: DeliveryUnderTest) {
    this.#subject = subject;
  }

  get job(): string {
    return this.#subject.job;
  }

  get topics(): readonly string[] {
    return this.#subject.topics;
  }

  /** One that knows the topics. */
  async target(failpoints: Failpoints = noFailpoints): Promise<DeliveryTarget> {
    const target = this.#subject.create(failpoints);
    this.#targets.push(target);
    assert.deepEqual(
      await target.prepare(this.topics),
      this.topics.map(() => epochPartitions),
    );
    return target;
  }

  permit(epoch: number, incarnation: string, hash = `hash-${epoch}`): CommitPermit {
    return CommitPermit.afterCommit({ job: this.job, incarnation, epoch, hash });
  }

  async deliver(target: DeliveryTarget, epoch: number, incarnation: string): Promise<void> {
    const records = epochRecords(epoch);
    await target.deliver(
      outbox(records.slice(0, 5), records.slice(5)),
      this.permit(epoch, incarnation),
    );
  }

  read(topic: string): Promise<readonly ConsumedRecord[]> {
    return this.#subject.read(topic);
  }

  write(topic: string, records: readonly WrittenRecord[]): Promise<void> {
    return this.#subject.write(topic, records);
  }

  removeTopics(): Promise<void> {
    return this.#subject.removeTopics();
  }

  remakeTopics(): Promise<void> {
    return this.#subject.remakeTopics();
  }

  /** Exactly these epochs are there, each record in its partition and in order. */
  async assertShown(...epochs: readonly number[]): Promise<void> {
    const all = epochs.flatMap((epoch) => [...epochRecords(epoch)]);
    for (const [number, topic] of this.topics.entries()) {
      const wanted = Array.from({ length: epochPartitions }, (_, partition) =>
        all.filter((record) => record.topic === number && record.partition === partition),
      ).flat();
      const line = ({ partition, key, value, timestampMs }: OutboxRecord | ConsumedRecord) =>
        `${partition} ${timestampMs} ${String(key)}=${String(value)}`;
      assert.deepEqual((await this.read(topic)).map(line), wanted.map(line), topic);
    }
  }

  async close(): Promise<void> {
    for (const target of this.#targets) await target.close();
  }
}
