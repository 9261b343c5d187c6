/**
 * The small run in a process of its own, to be killed. Says `batch` after the first one, `done` at the end.
 * usage: small-run-child.ts DIRECTORY RECORDS INCARNATION PAUSE_MS [FAILPOINTS]
 */
import { setTimeout as sleep } from "node:timers/promises";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { failpointScript } from "../../engine/testing/failpoint-script.ts";
import { smallRun } from "./small-run.ts";

const [directory = "", records, incarnation = "", pauseMs, script] = process.argv.slice(2);
let batches = 0;
await smallRun({
  directory,
  files: nodeFiles,
  failpoints: failpointScript(script, (ms) => sleep(ms)),
  records: Number(records),
  incarnation,
  onBatch: async () => {
    if (batches++ === 1) process.stdout.write("batch\n");
    await sleep(Number(pauseMs));
  },
});
process.stdout.write("done\n");
