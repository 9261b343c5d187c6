import assert from "node:assert/strict";
import { test } from "node:test";
import { brokerMissing, TestBroker } from "./broker.ts";
import { ordersOnKafka } from "./orders-on-kafka.ts";

const missing = brokerMissing();
if (missing !== undefined) console.error(`SKIPPED: ${missing}`);

test(
  "the orders job from Kafka to Kafka gives what its rules foretell, to two other clients",
  { skip: missing ?? false },
  async () => {
    const broker = await TestBroker.start();
    try {
      const { counts, faults } = await ordersOnKafka(broker.bootstrap, 5000, 1);
      assert.deepEqual(faults, []);
      for (const output of ["processed", "late", "aggregations", "dlq"]) {
        assert.ok((counts[output] ?? 0) > 0, output);
      }
    } finally {
      await broker.dispose();
    }
  },
);
