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

/**
 * The end of a transaction is sent, and takes the broker a few milliseconds; a successor asks to take over a
 * transaction that is open; the end is answered, and markers are written; in mid-transaction.
 */
const places = [
  { place: "kafka.answer.before", withinMs: 7 },
  { place: "kafka.fence.before", withinMs: 7 },
  { place: "kafka.answer.after", withinMs: 1 },
  { place: "kafka.answer.before", withinMs: 4 },
  { place: "kafka.mark.after", withinMs: 7 },
] as const satisfies readonly { place: FailpointName; withinMs: number }[];

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
      const { place, withinMs } = places[kill % places.length] ?? places[0];
      const ms = random() * withinMs;
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
