import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { killAndCompare } from "./kill-harness.ts";
import { makeOrders } from "./orders-outputs.ts";

const records = 6_000;

for (const mode of ["files", "embedded"] as const) {
  test(`D1 D2: after 10 kill -9 on ${mode}, every output equals an uninterrupted run's`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "kills-"));
    try {
      const input = join(folder, "orders.jsonl");
      makeOrders(input, records);
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
