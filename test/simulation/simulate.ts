// Simulated runs, one for each seed, until one goes wrong.
// usage: npm run simulate -- [COUNT] [FIRST_SEED]
import { argv, exit } from "node:process";
import { simulate } from "./simulation.ts";

const count = Number(argv[2] ?? 1000);
const first = Number(argv[3] ?? 1);
if (!Number.isSafeInteger(count) || !Number.isSafeInteger(first)) {
  throw new Error("usage: npm run simulate -- [COUNT] [FIRST_SEED]");
}
const progressEvery = 1000;
const totals = new Map<string, number>();
let wrong = 0;
let faultsLeast = Infinity;
let faultsAll = 0;
const startedAt = performance.now();
for (let seed = first; seed < first + count; seed += 1) {
  try {
    let faults = 0;
    for (const [what, times] of await simulate(seed)) {
      totals.set(what, (totals.get(what) ?? 0) + times);
      if (!what.startsWith("life: ")) faults += times;
    }
    faultsLeast = Math.min(faultsLeast, faults);
    faultsAll += faults;
  } catch (error) {
    wrong += 1;
    console.log(`seed ${seed}: ${error instanceof Error ? (error.stack ?? "") : String(error)}`);
    console.log(`again: npm run simulate -- 1 ${seed}`);
    if (wrong >= 10) break;
  }
  const done = seed - first + 1;
  if (done % progressEvery === 0 && done < count) console.log(`${done} seeds, ${wrong} wrong`);
}
for (const [what, times] of [...totals].toSorted(([, a], [, b]) => b - a)) {
  console.log(`${String(times).padStart(8)}  ${what}`);
}
console.log(`${faultsAll} faults, at least ${faultsLeast} a seed`);
const seconds = (performance.now() - startedAt) / 1000;
console.log(`${count} seeds, ${wrong} wrong; ${((seconds * 1000) / count).toFixed(1)} ms a seed`);
exit(wrong === 0 ? 0 : 1);
