import assert from "node:assert/strict";
import { test } from "node:test";
import { modes } from "./fault-job.ts";
import { MemoryBench } from "./memory-bench.ts";
import { callFaults, faultKinds, meetCallFault } from "./nth-call.ts";

/** Of the calls of a run; a different one for each kind of fault. `fault-run.ts calls` takes them all. */
const everyNth = 59;

for (const mode of modes) {
  test(`D4 D5: a call that fails on ${mode} stops the run with 5 and a path, and the next start makes up for it`, async () => {
    const bench = await MemoryBench.open(mode);
    const endings = new Set<string>();
    for (const [index, kind] of faultKinds.entries()) {
      for (const fault of callFaults(bench.journal, kind)) {
        if (fault.at % everyNth !== (index * 5) % everyNth) continue;
        endings.add(await meetCallFault(bench, fault));
      }
    }
    for (const code of ["DISK_FULL", "OUTPUT_UNWRITABLE", "STATE_IO"]) {
      assert.ok(endings.has(code), code);
    }
  });
}
