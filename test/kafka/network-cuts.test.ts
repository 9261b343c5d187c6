import { after, before, describe, it } from "node:test";
import { brokerMissing } from "./broker.ts";
import { BrokenNetwork, cutPlaces, cuts } from "./network-cuts.ts";

const missing = brokerMissing();
if (missing !== undefined) console.error(`SKIPPED: ${missing}`);

describe(
  "a network that breaks between the job and a real broker",
  { skip: missing ?? false },
  () => {
    let network: BrokenNetwork;

    before(async () => {
      network = await BrokenNetwork.start();
    });
    after(async () => {
      await network.dispose();
    });

    for (const [index, place] of cutPlaces.entries()) {
      // All of them at each place: cut-run.ts.
      const cut = cuts[index % cuts.length] ?? "reset";
      it(`K3 K5: at ${place}, with the way ${cut}, neither loses nor doubles an output`, async () => {
        await network.deliver(place, cut);
      });
    }

    for (const cut of ["reset", "answers lost"] as const) {
      it(`K5: fetches and look-ups of topics, with the way ${cut}, give each record once, in order`, async () => {
        await network.follow(cut, 2);
      });
    }
  },
);
