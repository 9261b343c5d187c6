import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { compareOn, compileBoth, fuzz } from "./differential.ts";

/** Another seed for a while: `FUZZ_SEED=7 node test/run.mjs differential`. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);

test("50,000 random pairs of expression and document give what jsonata gives", async (context) => {
  const { counts, differences } = await fuzz(seed, 50_000);
  context.diagnostic(`seed ${seed}: ${JSON.stringify(Object.fromEntries(counts))}`);
  assert.deepEqual(
    differences.map((each) => each.detail),
    [],
  );
  // What cannot be compared must stay rare, or the test would say little.
  assert.ok((counts.get("value") ?? 0) > 35_000 && (counts.get("error") ?? 0) > 5_000);
});

const folder = new URL("regressions/", import.meta.url);

test("what once differed agrees", async () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  assert.ok(files.length > 0);
  for (const file of files) {
    const { source, document } = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as {
      source: string;
      document: object;
    };
    const { kind, detail } = await compareOn(compileBoth(source), document);
    assert.notEqual(kind, "difference", `${file}: ${detail ?? ""}`);
  }
});
