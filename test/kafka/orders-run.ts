// The orders job from Kafka to Kafka on a real broker, beside a recomputation.
// usage: node --import tsx test/kafka/orders-run.ts [ORDERS [SEED]]
import { argv } from "node:process";
import { brokerMissing, TestBroker } from "./broker.ts";
import { ordersOnKafka } from "./orders-on-kafka.ts";

const [orders = 200_000, seed = 1] = argv.slice(2).map(Number);
const missing = brokerMissing();
if (missing !== undefined) throw new Error(missing);
const broker = await TestBroker.start();
try {
  const { seconds, counts, faults } = await ordersOnKafka(broker.bootstrap, orders, seed);
  for (const [name, count] of Object.entries(counts)) {
    console.log(`${String(count).padStart(10)} ${name}`);
  }
  console.log(`the job took ${seconds.toFixed(1)} s`);
  for (const fault of faults) console.error(fault);
  console.log(faults.length === 0 ? "equal" : "DIFFERS");
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await broker.dispose();
}
