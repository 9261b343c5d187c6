// The long version of network-cuts.test.ts: every kind of cut at every place of a delivery, and while a topic is read.
// usage: node --import tsx test/kafka/cut-run.ts TIMES
import { argv } from "node:process";
import { brokerMissing } from "./broker.ts";
import { BrokenNetwork, cutPlaces, cuts } from "./network-cuts.ts";

const [times] = argv.slice(2).map(Number);
if (times === undefined) throw new Error("usage: cut-run.ts TIMES");
const missing = brokerMissing();
if (missing !== undefined) throw new Error(missing);
const network = await BrokenNetwork.start();
try {
  let deliveries = 0;
  for (let time = 0; time < times; time += 1) {
    for (const cut of cuts) {
      for (const place of cutPlaces) {
        await network.deliver(place, cut);
        deliveries += 1;
      }
    }
  }
  for (const cut of cuts) await network.follow(cut, times);
  console.log(
    `${deliveries} deliveries cut at ${cutPlaces.length} places in ${cuts.length} ways, ${times * cuts.length} times ` +
      `a topic cut while it was read: 0 lost, 0 doubled, all readers at the end`,
  );
} finally {
  await network.dispose();
}
