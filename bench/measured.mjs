// Runs whole processes and tells what they took, as Linux counts it.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const sampleEveryMs = 25;
const ticksPerSecond = 100;

export const root = join(import.meta.dirname, "..");
export const pipeline = join(root, "build/main.js");
export const ordersJob = join(root, "jobs/orders.yaml");
export const shared = join(root, "../shared/bench");

/** Ends the bench where the generator and the hand-written script are missing. */
export function requireShared() {
  if (existsSync(join(shared, "handwritten.mjs"))) return;
  console.error("bench: there is no ../shared/bench beside this checkout");
  process.exit(2);
}

/** CPU seconds, peak resident megabytes and megabytes sent to the disk of a live process, as /proc tells them. */
function usageOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    const cpu = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    // Of a process that is about to end these are gone: the sample before stands.
    const number = (file, name) =>
      Number(
        new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/${file}`, "utf8"))[1],
      );
    return {
      cpu,
      peak: number("status", "VmHWM") / 1024,
      written: number("io", "write_bytes") / 1e6,
    };
  } catch {
    return undefined;
  }
}

/** Runs `node ARGS` to its end; wall seconds include the start of the process. `output`: what it printed. */
export async function measured(args, cwd) {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let usage = { cpu: 0, peak: 0, written: 0 };
  const timer = setInterval(() => {
    usage = usageOf(child.pid) ?? usage;
  }, sampleEveryMs);
  let output = "";
  let complaint = "";
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (complaint += data));
  const status = await new Promise((done) => {
    child.on("close", done);
  });
  clearInterval(timer);
  if (status !== 0) throw new Error(`node ${args[0]} ended with ${status}\n${complaint}`);
  return { seconds: (performance.now() - startMs) / 1000, ...usage, output };
}

/** Syncs of files that `node ARGS` asks for; undefined without strace. */
export function syncsOf(args, cwd) {
  const trace = join(cwd, "syncs");
  const calls = ["-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o", trace];
  const run = spawnSync("strace", [...calls, process.execPath, ...args], { cwd, stdio: "ignore" });
  return run.status === 0
    ? readFileSync(trace, "utf8").match(/f(?:data)?sync\(/g)?.length
    : undefined;
}

export const median = (numbers) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
export const spread = (numbers) =>
  `${Math.min(...numbers).toFixed(1)}..${Math.max(...numbers).toFixed(1)}`;
export const count = (number) => Math.round(number).toLocaleString("en-US");
