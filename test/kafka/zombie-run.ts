// The long version of zombies.test.ts.
// usage: node --import tsx test/kafka/zombie-run.ts TIMES ORDERS
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argv } from "node:process";
import { makeOrders } from "../crash/orders-outputs.ts";
import { brokerMissing } from "./broker.ts";
import { ZombieBench } from "./zombies.ts";

const [times, orders] = argv.slice(2).map(Number);
if (times === undefined || orders === undefined)
  throw new Error("usage: zombie-run.ts TIMES ORDERS");
const missing = brokerMissing();
if (missing !== undefined) throw new Error(missing);
const folder = mkdtempSync(join(tmpdir(), "zombie-run-"));
const input = join(folder, "orders.jsonl");
makeOrders(input, orders);
const bench = await ZombieBench.start(folder, input);
try {
  await bench.stopAndContinue(times);
  console.log(
    `${times} stopped past their transaction's timeout: 5 each, no output, outputs right`,
  );
  for (let time = 0; time < times; time += 1) await bench.sameDirectory();
  console.log(
    `${times} on the directory of a running one: 5 each, the first went on, outputs right`,
  );
  for (let time = 0; time < times; time += 1) {
    await bench.lateTwin(time % 2 === 0 ? "copy" : "fresh");
  }
  console.log(`${times} beside a running one: 6 each, nobody fenced, outputs right`);
  const endings = new Map<string, number>();
  for (let time = 0; time < times; time += 1) {
    const ending = await bench.race();
    endings.set(ending, (endings.get(ending) ?? 0) + 1);
  }
  for (const [ending, count] of endings) console.log(`${String(count).padStart(5)}  ${ending}`);
  console.log(`${times} races of two, restarted after 5: one went on each time, outputs right`);
} finally {
  await bench.dispose();
  rmSync(folder, { recursive: true });
}
