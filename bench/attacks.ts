import { readFileSync, writeFileSync } from "node:fs";
import { attacks, endOf } from "../test/expression/attacks.ts";

/**
 * What hostile expressions and records take: CPU time, and the memory beyond what the process held before. Each must
 * end within a second and 100 MB, as its reason says. `npm run bench -- attacks`. Linux only.
 */

const msMax = 1000;
const mbMax = 100;

/** Sets the peak of this process's resident memory back to what it holds now. */
function resetPeak(): void {
  globalThis.gc?.();
  writeFileSync("/proc/self/clear_refs", "5");
}

function peakMb(): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kilobytes) / 1024;
}

const figures = attacks.map(({ source, ends }) => {
  resetPeak();
  const before = peakMb();
  const start = process.cpuUsage();
  const end = endOf(source);
  const { user, system } = process.cpuUsage(start);
  if (end !== ends) throw new Error(`${source} ends as ${end}, not as ${ends}`);
  return { source, ends, ms: (user + system) / 1000, mb: peakMb() - before };
});

for (const [title, unit] of [
  ["slowest", "ms"],
  ["largest", "mb"],
] as const) {
  console.log(`the ${title} of ${figures.length} attacks`);
  for (const each of figures.toSorted((a, b) => b[unit] - a[unit]).slice(0, 10)) {
    const { ms, mb, ends, source } = each;
    const columns = [`${ms.toFixed(0)} ms`, `${mb.toFixed(0)} MB`, ends];
    console.log(`${columns.map((text) => text.padStart(14)).join("")}  ${source.slice(0, 90)}`);
  }
}
const slowest = Math.max(...figures.map((each) => each.ms));
const largest = Math.max(...figures.map((each) => each.mb));
const verdict = (held: boolean): string => (held ? "held" : "FAILED");
console.log(`slowest ${slowest.toFixed(0)} ms (at most ${msMax}): ${verdict(slowest <= msMax)}`);
console.log(`largest ${largest.toFixed(0)} MB (at most ${mbMax}): ${verdict(largest <= mbMax)}`);
if (slowest > msMax || largest > mbMax) process.exitCode = 1;
