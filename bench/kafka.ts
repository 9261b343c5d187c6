// Our port to Kafka beside the client library's public API, then the orders job Kafka to Kafka beside the same job from
// file to files, the broker on the same machine.
// usage: npm run bench -- kafka [--records N --orders N --rounds N --part port|orders]
// Needs Java and Maven for the broker, ../shared/bench beside the checkout, python3, and Linux.
import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { brokerMissing, TestBroker } from "../test/kafka/broker.ts";
import { benchOrders } from "./kafka-orders.ts";
import { benchPort } from "./kafka-port.ts";
import { requireShared, shared } from "./measured.mjs";

const { values } = parseArgs({
  options: {
    records: { type: "string", default: "500000" },
    orders: { type: "string", default: "500000" },
    rounds: { type: "string", default: "5" },
    part: { type: "string" },
  },
});
requireShared();
const missing = brokerMissing();
if (missing !== undefined) throw new Error(missing);

const records = Number(values.records);
const orders = Number(values.orders);
const folder = mkdtempSync(join(tmpdir(), "bench-kafka-"));
const input = join(folder, "orders.jsonl");
const broker = await TestBroker.start();
try {
  execFileSync("python3", [join(shared, "generate.py"), String(Math.max(records, orders))], {
    stdio: ["ignore", openSync(input, "w"), "inherit"],
  });
  const setup = { bootstrap: broker.bootstrap, input, rounds: Number(values.rounds) };
  if (values.part !== "orders") await benchPort({ ...setup, records });
  if (values.part !== "port") await benchOrders({ ...setup, folder, orders });
} finally {
  await broker.dispose();
  rmSync(folder, { recursive: true });
}
