// The long version of kills.test.ts: kills of the job at every place and at random, and of the broker with it.
// usage: node --import tsx test/kafka/kill-run.ts RANDOM_KILLS TIMES_EACH_FAILPOINT BROKER_KILLS SEED ORDERS
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv } from "node:process";
import { failpointsOf } from "../crash/kill-points.ts";
import { makeOrders } from "../crash/orders-outputs.ts";
import { brokerMissing, TestBroker } from "./broker.ts";
import { killOnKafka } from "./kill-harness.ts";

const [randomKills, times, brokerKills, seed, orders] = argv.slice(2).map(Number);
if (
  randomKills === undefined ||
  times === undefined ||
  brokerKills === undefined ||
  seed === undefined ||
  orders === undefined
) {
  throw new Error("usage: kill-run.ts RANDOM_KILLS TIMES_EACH_FAILPOINT BROKER_KILLS SEED ORDERS");
}
const missing = brokerMissing();
if (missing !== undefined) throw new Error(missing);
const folder = mkdtempSync(join(tmpdir(), "kafka-kill-run-"));
// A node that comes back before its session has expired skips markers: only then is there something to settle.
const broker = await TestBroker.start({ "broker.session.timeout.ms": "3000" });
try {
  const input = join(folder, "orders.jsonl");
  makeOrders(input, orders);
  const points = failpointsOf("kafka");
  const failpoints = Array.from({ length: times }, () => points).flat();
  const report = await killOnKafka({
    ...{ broker, input, folder, seed, failpoints, randomKills, brokerKills },
    recordsPerEpoch: 250,
  });
  const print = (name: string, number: number): void => {
    console.log(`${String(number).padStart(5)}  ${name}`);
  };
  console.log("kills at a place");
  for (const name of points) print(name, report.failpoints.get(name) ?? 0);
  console.log("kills at a random moment, by the last place before it");
  for (const [name, number] of report.random) print(name, number);
  console.log("what the restarts found of a committed epoch");
  for (const [verdict, number] of report.verdicts) print(verdict, number);
  console.log(
    `${report.kills} kills in ${report.rounds} rounds: ${report.randomInDelivery} of ${randomKills} random ones ` +
      `between commit record and answer, ${report.brokerKills} with the broker; 0 lost, 0 doubled, 0 seen and gone`,
  );
  if (report.randomInDelivery < randomKills * 0.6) {
    throw new Error("too few of the random kills came between commit record and answer");
  }
} finally {
  await broker.dispose();
  rmSync(folder, { recursive: true });
}
