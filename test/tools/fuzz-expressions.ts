import { mkdirSync, writeFileSync } from "node:fs";
import { added, coverageLines } from "../expression/coverage.ts";
import type { Coverage } from "../expression/coverage.ts";
import { fuzz } from "../expression/differential.ts";
import { shrunk } from "../expression/shrinking.ts";

/**
 * The compiler beside jsonata's interpreter on many pairs. What differs is shrunk and kept, to be replayed by the tests.
 * usage: npm run fuzz -- [PAIRS [SEED]]
 */
const pairs = Number(process.argv[2] ?? 1_000_000);
const firstSeed = Number(process.argv[3] ?? 1);
const perSeed = 50_000;
const folder = new URL("../expression/regressions/", import.meta.url);

const totals = new Map<string, number>();
const covered: Coverage = new Map();
for (let done = 0, seed = firstSeed; done < pairs; done += perSeed, seed++) {
  const { counts, differences, coverage } = await fuzz(seed, Math.min(perSeed, pairs - done));
  added(covered, coverage);
  for (const [name, count] of counts) totals.set(name, (totals.get(name) ?? 0) + count);
  console.log(`seed ${seed}: ${JSON.stringify(Object.fromEntries(counts))}`);
  for (const [index, difference] of differences.entries()) {
    const { source, document, detail } = await shrunk(difference);
    console.log(detail);
    mkdirSync(folder, { recursive: true });
    const file = new URL(`seed-${seed}-${index}.json`, folder);
    writeFileSync(file, `${JSON.stringify({ source, document }, null, 2)}\n`);
    process.exitCode = 1;
  }
}
for (const line of coverageLines(covered)) console.log(line);
console.log(`all: ${JSON.stringify(Object.fromEntries(totals))}`);
