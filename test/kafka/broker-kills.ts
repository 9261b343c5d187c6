import { setTimeout as sleep } from "node:timers/promises";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import { seededRandom } from "../crash/random.ts";
import type { TestBroker } from "./broker.ts";
import { DeliveryBench } from "./delivery-bench.ts";

export interface BrokerKillReport {
  /** By the place that the job was at. */
  readonly places: ReadonlyMap<FailpointName, number>;
  readonly settled: number;
}

/** A broker's work on the end of a transaction takes a few milliseconds: meet it at any of them. */
const killMsMax = 7;
/** The end of a transaction is sent; a successor asks to take over a transaction that is open; in mid-transaction. */
const places = [
  "kafka.answer.before",
  "kafka.fence.before",
  "kafka.answer.before",
  "kafka.mark.after",
] as const satisfies readonly FailpointName[];

/** Kills the broker around the ends of transactions, and looks after each kill what readers see. Throws if it is wrong. */
export async function killBroker(
  broker: TestBroker,
  kills: number,
  seed: number,
): Promise<BrokerKillReport> {
  const random = seededRandom(seed);
  const counts = new Map<FailpointName, number>();
  const { bootstrap } = broker;
  const bench = new DeliveryBench(bootstrap, bootstrap, { request_timeout: "10s" });
  try {
    await bench.open();
    for (let kill = 0; kill < kills; kill += 1) {
      const place = places[kill % places.length] ?? "kafka.answer.before";
      const ms = random() * killMsMax;
      await bench.deliver(place, async () => {
        await sleep(ms);
        await broker.kill();
        await broker.restart();
      });
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
  } finally {
    await bench.close();
  }
  return { places: counts, settled: bench.settled };
}
