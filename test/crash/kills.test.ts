import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { test } from "node:test";
import { killAndCompare } from "./kill-harness.ts";
import { projectRoot } from "./pipeline-process.ts";

const records = 6_000;

for (const mode of ["files", "embedded"] as const) {
  test(`D1 D2: after 10 kill -9 on ${mode}, every output equals an uninterrupted run's`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "kills-"));
    try {
      const input = join(folder, "orders.jsonl");
      makeOrders(input);
      const report = await killAndCompare({
        mode,
        kills: 10,
        seed: mode === "files" ? 1 : 2,
        input,
        folder,
        recordsPerEpoch: 250,
      });
      assert.ok(report.kills >= 10);
      assert.ok(report.commitsMin >= 20, `only ${report.commitsMin} commits`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

function makeOrders(path: string): void {
  const script = join(projectRoot, "test/oracle/generate-orders.mjs");
  execFileSync("sh", ["-c", `"${execPath}" "${script}" ${records} 5 > "${path}"`]);
}
