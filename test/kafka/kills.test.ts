import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import { makeOrders } from "../crash/orders-outputs.ts";
import { brokerMissing, TestBroker } from "./broker.ts";
import { killBroker } from "./broker-kills.ts";
import { killOnKafka } from "./kill-harness.ts";

const missing = brokerMissing();
if (missing !== undefined) console.error(`SKIPPED: ${missing}`);

/** All of them: kill-run.ts. */
const failpoints: readonly FailpointName[] = [
  "kafka.fence.after",
  "kafka.settle.after",
  "kafka.barrier.after",
  "kafka.join.after",
  "kafka.produce.after",
  "kafka.mark.after",
  "kafka.end.before",
  "kafka.answer.before",
  "kafka.answer.after",
  "recover.deliver.after",
];

describe("kills on a real broker", { skip: missing ?? false }, () => {
  let broker: TestBroker;

  before(async () => {
    broker = await TestBroker.start();
  });
  after(async () => {
    await broker.dispose();
  });

  it("D1 D2: after 20 kill -9 every output equals an uninterrupted run's, and no reader saw anything else", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kafka-kills-"));
    try {
      const input = join(folder, "orders.jsonl");
      makeOrders(input, 4000);
      const report = await killOnKafka({
        ...{ broker, input, folder, failpoints },
        recordsPerEpoch: 250,
        seed: 3,
        randomKills: 9,
        brokerKills: 0,
      });
      assert.ok(report.kills >= 20);
      assert.ok((report.verdicts.get("deliver") ?? 0) > 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("K2: after 2 kills of the broker, around the end of a transaction and a take-over, readers see each record once", async () => {
    const { places } = await killBroker(broker, 2, 1);
    assert.equal(places.size, 2);
  });
});
