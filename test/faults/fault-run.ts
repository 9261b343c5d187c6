// The whole campaigns of which the tests beside this file are samples: prints how the runs ended.
// usage: node --import tsx test/faults/fault-run.ts calls|losses|damages files|embedded [AMOUNT]
//   calls    every call of a run fails, in each way; AMOUNT: only every so many-th call
//   losses   the power fails at every moment of a run; in AMOUNT runs, each on a disk of another pace
//   damages  AMOUNT times a bit is flipped, or a file cut, zeroed in part or deleted, on a real disk, and the job started
import { argv, exit } from "node:process";
import { DamageBench } from "./damages.ts";
import { modes } from "./fault-job.ts";
import { MemoryBench } from "./memory-bench.ts";
import { callFaults, faultKinds, meetCallFault } from "./nth-call.ts";
import { atEachMoment, meetPowerLoss } from "./power-losses.ts";

const [campaign, modeText, amountText] = argv.slice(2);
const mode = modes.find((known) => known === modeText);
if (mode === undefined) {
  throw new Error("usage: fault-run.ts calls|losses|damages files|embedded [AMOUNT]");
}
const amount = Number(amountText ?? 1);
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
      if (fault.at % amount !== 0) continue;
      const place = bench.journal[fault.at - 1];
      await one(`${JSON.stringify(fault)} ${place?.kind} ${place?.path}`, () =>
        meetCallFault(bench, fault),
      );
    }
  }
}

if (campaign === "losses") {
  const bench = await MemoryBench.open(mode);
  for (let life = 0; life < amount; life += 1) {
    await atEachMoment(bench, life, async (disk, { when, operation }) => {
      const seed = operation.n * 1000 + life * 10 + (when === "before" ? 0 : 5);
      await one(`seed ${seed}, life ${life}, ${when} ${operation.kind} ${operation.path}`, () =>
        meetPowerLoss(bench, disk, seed),
      );
    });
  }
}

if (campaign === "damages") {
  const bench = await DamageBench.open(mode);
  for (let seed = 1; seed <= amount; seed += 1) await one(`seed ${seed}`, () => bench.meet(seed));
  bench.close();
}

for (const [how, count] of [...histogram].toSorted(([, a], [, b]) => b - a)) {
  console.log(`${String(count).padStart(7)}  ${how}`);
}
console.log(`${campaign} on ${mode}: ${total} runs, ${failures} wrong`);
exit(failures === 0 ? 0 : 1);
