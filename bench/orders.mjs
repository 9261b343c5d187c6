// The orders job beside a hand-written, non-durable script of the same job, in alternation on one file.
// usage: npm run bench [-- --orders N --rounds N --interval 1s --profile]
// --profile: one more run, under V8's profiler, tells where the time goes.
// Needs ../shared/bench (generator and script) beside the checkout, python3, and Linux for CPU and memory.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { timeByPart } from "./profile.mjs";

const root = join(import.meta.dirname, "..");
const shared = join(root, "../shared/bench");
const sampleEveryMs = 25;
const ticksPerSecond = 100;

const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
    interval: { type: "string", default: "1s" },
    profile: { type: "boolean", default: false },
  },
});
if (!existsSync(join(shared, "handwritten.mjs"))) {
  console.error("bench: there is no ../shared/bench beside this checkout");
  process.exit(2);
}

/** CPU seconds and peak resident megabytes of a live process, as /proc tells them. */
function usageOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    const cpu = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0;
    return { cpu, peak: Number(peak) / 1024 };
  } catch {
    return undefined;
  }
}

/** Runs `node ARGS` to its end; wall seconds include the start of the process. */
async function measured(args, cwd) {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
  let usage = { cpu: 0, peak: 0 };
  const timer = setInterval(() => {
    usage = usageOf(child.pid) ?? usage;
  }, sampleEveryMs);
  child.stdout.resume();
  const status = await new Promise((done) => {
    child.on("close", done);
  });
  clearInterval(timer);
  if (status !== 0) throw new Error(`node ${args[0]} ended with ${status}`);
  return { seconds: (performance.now() - startMs) / 1000, ...usage };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const spread = (numbers) =>
  `${Math.min(...numbers).toFixed(1)}..${Math.max(...numbers).toFixed(1)}`;

const folder = mkdtempSync(join(tmpdir(), "bench-"));
try {
  const orders = Number(values.orders);
  const input = join(folder, "orders.jsonl");
  execFileSync("python3", [join(shared, "generate.py"), values.orders], {
    stdio: ["ignore", openSync(input, "w"), "inherit"],
  });
  const contestants = {
    handwritten: (round) => [join(shared, "handwritten.mjs"), input, join(folder, `hand-${round}`)],
    pipeline: (round) => [
      join(root, "build/engine/cli/main.js"),
      "run",
      join(root, "jobs/orders.yaml"),
      "--input",
      `orders=${input}`,
      "--output-dir",
      join(folder, `out-${round}`),
      "--state-dir",
      join(folder, `state-${round}`),
      "--until-end",
      "--checkpoint-interval",
      values.interval,
    ],
  };
  const runs = { handwritten: [], pipeline: [] };
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const [name, args] of Object.entries(contestants)) {
      runs[name].push(await measured(args(round), folder));
    }
    for (const made of [`hand-${round}`, `out-${round}`, `state-${round}`]) {
      rmSync(join(folder, made), { recursive: true });
    }
  }
  for (const [name, list] of Object.entries(runs)) {
    const seconds = list.map((run) => run.seconds);
    const cpu = (median(list.map((run) => run.cpu)) / orders) * 1e6;
    console.log(
      `${name.padEnd(12)} ${Math.round(orders / median(seconds)).toLocaleString("en-US")} records/s ` +
        `(${median(seconds).toFixed(1)} s, ${spread(seconds)}), ${cpu.toFixed(1)} us CPU per record, ` +
        `peak ${Math.round(Math.max(...list.map((run) => run.peak)))} MB`,
    );
  }
  const ratio =
    median(runs.handwritten.map((run) => run.seconds)) /
    median(runs.pipeline.map((run) => run.seconds));
  console.log(`pipeline / handwritten: ${ratio.toFixed(2)}x, checkpoints every ${values.interval}`);
  if (values.profile) {
    const profiles = join(folder, "profiles");
    const profiling = ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
    await measured([...profiling, ...contestants.pipeline("profiled")], folder);
    const [profile] = readdirSync(profiles);
    console.log("\nmicroseconds of the state thread per record");
    for (const [part, microseconds] of timeByPart(join(profiles, profile))) {
      console.log(`  ${part.padEnd(20)} ${(microseconds / orders).toFixed(2)}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
