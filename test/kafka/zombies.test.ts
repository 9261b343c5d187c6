import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { makeOrders } from "../crash/orders-outputs.ts";
import { brokerMissing } from "./broker.ts";
import { ZombieBench } from "./zombies.ts";

const missing = brokerMissing();
if (missing !== undefined) console.error(`SKIPPED: ${missing}`);

describe("processes of one job that should not be there", { skip: missing ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "zombies-"));
  let bench: ZombieBench;

  before(async () => {
    const input = join(folder, "orders.jsonl");
    makeOrders(input, 1500);
    bench = await ZombieBench.start(folder, input);
  });
  after(async () => {
    await bench.dispose();
    rmSync(folder, { recursive: true });
  });

  it("K6: one that was stopped past its transaction's timeout ends with 5 and writes nothing; its restart recovers", async () => {
    await bench.stopAndContinue(2);
  });

  it("K7 D9: a second one on the same state directory ends with 5 and the pid of the first, which goes on", async () => {
    await bench.sameDirectory();
  });

  for (const state of ["copy", "fresh"] as const) {
    it(`K7: a second one on a ${state} state directory, supervised, ends with 6 and fences nobody`, async () => {
      await bench.lateTwin(state);
    });
  }

  it("K7: of two that begin at once on copies of one state, supervised, one goes on and one ends with 6", async () => {
    await bench.race();
  });
});
