// Kills a real broker around the end of transactions and looks what readers see afterwards.
// usage: node --import tsx test/kafka/broker-kill-run.ts KILLS SESSION_TIMEOUT_MS [SEED]
import { argv } from "node:process";
import { brokerMissing, TestBroker } from "./broker.ts";
import { killBroker } from "./broker-kills.ts";

const [kills, sessionMs, seed = 1] = argv.slice(2).map(Number);
if (kills === undefined || sessionMs === undefined) {
  throw new Error("usage: broker-kill-run.ts KILLS SESSION_TIMEOUT_MS [SEED]");
}
const missing = brokerMissing();
if (missing !== undefined) throw new Error(missing);
const broker = await TestBroker.start({ "broker.session.timeout.ms": String(sessionMs) });
try {
  const { places, settled } = await killBroker(broker, kills, seed);
  for (const [place, count] of places) console.log(`${String(count).padStart(5)}  ${place}`);
  console.log(
    `${kills} kills of the broker, session timeout ${sessionMs} ms: settled ${settled}, 0 lost, 0 doubled, all readers at the end`,
  );
} finally {
  await broker.dispose();
}
