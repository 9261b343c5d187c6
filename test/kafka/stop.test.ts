import assert from "node:assert/strict";
import { test } from "node:test";
import { ElapsingClock } from "./elapsing-clock.ts";
import { clusterAt } from "./test-cluster.ts";

test("P1: a cluster out of reach is not waited for as long once everything is to stop", async () => {
  for (const [stopped, leastMs, mostMs] of [
    [true, 10_000, 20_000],
    [false, 120_000, 130_000],
  ] as const) {
    const clock = new ElapsingClock();
    const startMs = clock.nowMs();
    const stop = stopped ? AbortSignal.abort() : new AbortController().signal;
    const cluster = clusterAt("127.0.0.1:1", {}, { clock, stop });
    await assert.rejects(
      cluster.repeated("looking", () => cluster.metadata([])),
      { code: "KAFKA_UNREACHABLE", exit: 5 },
    );
    const waitedMs = clock.nowMs() - startMs;
    assert.ok(waitedMs >= leastMs && waitedMs < mostMs, `${waitedMs} ms`);
    cluster.close();
  }
});
