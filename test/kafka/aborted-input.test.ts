import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Kafka, logLevel } from "kafkajs";
import type { Message, Transaction } from "kafkajs";
import { pipeline } from "../crash/pipeline-process.ts";
import { brokerMissing, TestBroker } from "./broker.ts";
import { makeTopics } from "./make-topics.ts";

const missing = brokerMissing();
if (missing !== undefined) console.error(`SKIPPED: ${missing}`);

const topic = "others";
const partitions = 2;
const producers = 5;
const transactions = 60;
const job = `
version: 1
name: reader
parameters:
  servers: { env: SERVERS }
kafka: { bootstrap_servers: "\${servers}" }
sources:
  others: { type: kafka, topic: ${topic}, format: json }
sinks:
  all: { type: file, input: others, path: all.jsonl }
  rejected: { type: file, input: errors, path: rejected.jsonl }
`;

/** The same numbers for the same seed. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("an input that others write in transactions", { skip: missing ?? false }, () => {
  let broker: TestBroker;
  let client: Kafka;

  before(async () => {
    broker = await TestBroker.start();
    client = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING });
    await makeTopics(broker.bootstrap, [topic], partitions);
  });
  after(async () => {
    await broker.dispose();
  });

  /** Several transactions open at once, in random steps; gives the values that were committed and those taken back. */
  async function write(seed: number): Promise<{ committed: string[]; aborted: string[] }> {
    const below = dice(seed);
    const written = { committed: [] as string[], aborted: [] as string[] };
    const free = await Promise.all(
      Array.from({ length: producers }, async (_, index) => {
        const producer = client.producer({
          transactionalId: `other-${index}`,
          maxInFlightRequests: 1,
          idempotent: true,
          transactionTimeout: 60_000,
        });
        await producer.connect();
        return producer;
      }),
    );
    const all = [...free];
    const open: { transaction: Transaction; producer: (typeof all)[number]; values: string[] }[] =
      [];
    for (let begun = 0; begun < transactions || open.length > 0;) {
      if (begun < transactions && free.length > 0 && below(3) === 0) {
        const producer = free.shift()!;
        open.push({ transaction: await producer.transaction(), producer, values: [] });
        begun += 1;
        continue;
      }
      const one = open[below(open.length)];
      if (one === undefined) continue;
      if (one.values.length === 0 || below(3) > 0) {
        const values = Array.from({ length: 1 + below(4) }, (_, index) =>
          JSON.stringify({ by: begun, number: one.values.length + index, dice: below(1e9) }),
        );
        await one.transaction.send({
          topic,
          messages: values.map((value) => message(value, below)),
        });
        one.values.push(...values);
        continue;
      }
      const isKept = below(2) === 0;
      await (isKept ? one.transaction.commit() : one.transaction.abort());
      (isKept ? written.committed : written.aborted).push(...one.values);
      open.splice(open.indexOf(one), 1);
      free.push(one.producer);
    }
    await Promise.all(all.map((producer) => producer.disconnect()));
    return written;
  }

  /** Keys of Java's IntegerSerializer among them: four zero bytes look like a control record's. */
  function message(value: string, below: (limit: number) => number): Message {
    const keys = [Buffer.alloc(4), Buffer.from([0, 0, 0, 1]), Buffer.from("key"), null];
    return { key: keys[below(keys.length)] ?? null, value, partition: below(partitions) };
  }

  it("gives the job no record that was taken back, and every one that was committed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aborted-input-"));
    try {
      const { committed, aborted } = await write(20_261_124);
      assert.ok(aborted.length > 100 && committed.length > 100);
      writeFileSync(join(folder, "job.yaml"), job);
      const servers = ["--param", `servers=${broker.bootstrap}`];
      const { exit, stderr } = await pipeline(["run", "job.yaml", "--until-end", ...servers], {
        cwd: folder,
      });
      assert.equal(exit, 0, stderr);
      const lines = readFileSync(join(folder, "all.jsonl"), "utf8").split("\n").slice(0, -1);
      assert.deepEqual(lines.toSorted(), committed.toSorted());
      assert.equal(readFileSync(join(folder, "rejected.jsonl"), "utf8"), "");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
