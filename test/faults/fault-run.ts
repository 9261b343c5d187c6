// The whole campaigns of which the tests beside this file are samples: prints how the runs ended.
// usage: node --import tsx test/faults/fault-run.ts calls|losses|damage files|embedded [EVERY]
import { argv, exit } from "node:process";
import { modes } from "./fault-job.ts";
import { MemoryBench } from "./memory-bench.ts";
import { callFaults, faultKinds, meetCallFault } from "./nth-call.ts";

const [campaign, modeText, everyText] = argv.slice(2);
const mode = modes.find((known) => known === modeText);
if (mode === undefined) {
  throw new Error("usage: fault-run.ts calls|losses|damage files|embedded [EVERY]");
}
const every = Number(everyText ?? 1);
let failures = 0;
let total = 0;
const histogram = new Map<string, number>();

async function one(label: string, work: () => Promise<string>): Promise<void> {
  let how: string;
  try {
    how = await work();
  } catch (error) {
    failures += 1;
    how = "DIFFERENCE";
    console.log(`${label}: ${error instanceof Error ? (error.stack ?? "") : String(error)}`);
  }
  total += 1;
  histogram.set(how, (histogram.get(how) ?? 0) + 1);
}

if (campaign === "calls") {
  const bench = await MemoryBench.open(mode);
  for (const kind of faultKinds) {
    for (const fault of callFaults(bench.journal, kind)) {
      if (fault.at % every !== 0) continue;
      const place = bench.journal[fault.at - 1];
      await one(`${JSON.stringify(fault)} ${place?.kind} ${place?.path}`, () =>
        meetCallFault(bench, fault),
      );
    }
  }
}

for (const [how, count] of [...histogram].toSorted(([, a], [, b]) => b - a)) {
  console.log(`${String(count).padStart(7)}  ${how}`);
}
console.log(`${campaign} on ${mode}: ${total} runs, ${failures} wrong`);
exit(failures === 0 ? 0 : 1);
