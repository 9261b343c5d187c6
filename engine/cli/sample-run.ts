import { mkdir, readdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { cwd, stderr } from "node:process";
import process from "node:process";
import { exitCode } from "../core/errors.ts";
import type { Plan } from "../plan/plan.ts";
import type { RunOptions } from "../runtime/run.ts";
import { defaultThreads } from "./host.ts";
import { loadJob } from "./load-job.ts";
import { print } from "./output.ts";
import { runToExit } from "./run-command.ts";

/** The built program lies in a folder of it. */
const project = resolve(import.meta.dirname, "..");

/** A folder that no earlier run has used: `.pipeline/sample/1`, `2`, ... */
async function freshRunFolder(): Promise<string> {
  const parent = join(project, ".pipeline", "sample");
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const last = Math.max(0, ...(await readdir(parent)).map(Number).filter(Number.isInteger));
  const folder = join(parent, String(last + 1));
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

function planOf(job: string): Plan {
  const { plan, findings } = loadJob({ job: join(project, "jobs", job) });
  if (plan === undefined) {
    throw new Error(`${job}: ${findings.map(({ message }) => message).join("; ")}`);
  }
  return plan;
}

function optionsFor(plan: Plan, folder: string, close: boolean): RunOptions {
  return {
    stateDirectory: join(folder, "state", plan.job),
    topicsDirectory: join(folder, "topics"),
    untilEnd: true,
    close,
    overwrite: false,
    jobPaths: [],
    reset: [],
    checkpointIntervalMs: plan.checkpoint.intervalMs,
    batchSize: 1000,
    threads: defaultThreads(),
  };
}

/** `npm start`: makes sample orders in an embedded topic, then runs the orders job on them to the end. */
async function main(): Promise<number> {
  const folder = await freshRunFolder();
  for (const [job, close] of [
    ["send-test-orders.yaml", false],
    ["orders.yaml", true],
  ] as const) {
    await print(`\n> jobs/${job}\n`);
    const plan = planOf(job);
    const exit = await runToExit(plan, optionsFor(plan, folder, close), "pretty");
    if (exit !== exitCode.ok) return exit;
  }
  const topics = relative(cwd(), join(folder, "topics"));
  await print(
    `\nOutputs are topics in ${topics}. Look at one with\n` +
      `  npx pipeline consume ecommerce.orders.aggregations --from-beginning --topics-dir ${topics}\n`,
  );
  return exitCode.ok;
}

try {
  process.exitCode = await main();
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = exitCode.bug;
}
