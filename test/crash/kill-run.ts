// The long version of kills.test.ts: prints the histogram of kills.
// usage: node --import tsx test/crash/kill-run.ts files|embedded KILLS SEED ORDERS.jsonl
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { argv } from "node:process";
import { killAndCompare, killsAfterCommit, killsInRecovery } from "./kill-harness.ts";
import { failpointsOf } from "./kill-points.ts";

const [mode, kills, seed, input] = argv.slice(2);
if ((mode !== "files" && mode !== "embedded") || input === undefined) {
  throw new Error("usage: kill-run.ts files|embedded KILLS SEED ORDERS.jsonl");
}
const folder = mkdtempSync(join(tmpdir(), "kill-run-"));
const report = await killAndCompare({
  mode,
  kills: Number(kills),
  seed: Number(seed),
  input: resolve(input),
  folder,
  recordsPerEpoch: 500,
});
for (const name of [...failpointsOf(mode), "random"]) {
  console.log(`${String(report.histogram.get(name) ?? 0).padStart(5)}  ${name}`);
}
console.log(
  `${report.kills} kills in ${report.rounds} rounds on ${mode}, at least ${report.commitsMin} commits each; ` +
    `${killsAfterCommit(report)} between commit and delivered, ${killsInRecovery(report)} in recovery; 0 differences`,
);
rmSync(folder, { recursive: true });
