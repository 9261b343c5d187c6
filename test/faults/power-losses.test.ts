import assert from "node:assert/strict";
import { test } from "node:test";
import { modes } from "./fault-job.ts";
import { MemoryBench } from "./memory-bench.ts";
import { atEachMoment, meetPowerLoss } from "./power-losses.ts";

/** Of the moments of a run. `fault-run.ts losses` takes them all. */
const everyNth = 13;

for (const mode of modes) {
  test(`D3: after a power loss at any moment on ${mode}, the outputs are whole and were never wrong`, async () => {
    const bench = await MemoryBench.open(mode);
    let moments = 0;
    await atEachMoment(bench, 1, async (disk, { operation }) => {
      moments += 1;
      if (moments % everyNth === 0) await meetPowerLoss(bench, disk, operation.n);
    });
    assert.ok(moments > 500);
  });
}
