// The orders job on embedded topics under a steady load, with a fault a minute: looks whether anything grows, and
// whether every record came out once. Event time keeps pace with the load; deduplication and windows are short.
// usage: npm run soak -- [MINUTES] [RECORDS_PER_SECOND] [--one-life]
// --one-life: only faults that the job survives, so that memory that leaks slowly is not freed by a restart.
import { spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { EmbeddedTopics } from "../../build/engine/connectors/embedded/embedded-topics.js";
import { nodeClock } from "../../build/engine/runtime/node-clock.js";
import { nodeFiles } from "../../build/engine/runtime/node-files.js";
import { slopeOf, slopeWithin } from "./slope.mjs";

const root = join(import.meta.dirname, "../..");
const program = join(root, "build/engine/cli/main.js");
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { "one-life": { type: "boolean", default: false } },
});
const [minutes = 20, rate = 20_000] = positionals.map(Number);
const sampleEveryMs = 2000;
const faultEveryMs = 60_000;
/** Of a life: until then it compiles and fills its caches. */
const warmUpMs = options["one-life"] ? 120_000 : 20_000;
const stoppedMs = 5000;
const growthMax = { memoryMbPer10Minutes: 1, files: 0.5, stateMbPer10Minutes: 1 };

const folder = mkdtempSync(join(tmpdir(), "soak-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

function changed(text, ...replacements) {
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`soak: the job has no "${from}" to replace`);
    text = text.replace(from, to);
  }
  return text;
}

mkdirSync(join(folder, "jobs"));
cpSync(join(root, "schemas"), join(folder, "schemas"), { recursive: true });
writeFileSync(join(folder, "package.json"), "{}");
const job = (name) => readFileSync(join(root, "jobs", name), "utf8");
writeFileSync(
  join(folder, "jobs/orders.yaml"),
  changed(
    job("orders.yaml"),
    ["ttl: 24h", "ttl: 20s"],
    ["size: 5m", "size: 5s"],
    ["max_out_of_orderness: 10m", "max_out_of_orderness: 5s"],
  ),
);
writeFileSync(
  join(folder, "jobs/send.yaml"),
  changed(
    job("send-test-orders.yaml"),
    ["seed: ${seed}", `seed: \${seed}\n    rate: ${rate}`],
    [
      "$index() / $param('count') * 10800000 - $uniform(0, 30000)",
      `$index() * ${1000 / rate} - $uniform(0, 3000)`,
    ],
  ),
);

/** A job that is started again whenever it ended. */
class Runner {
  lives = 0;
  #args;
  constructor(args) {
    this.#args = args;
  }
  start() {
    this.lives += 1;
    this.startedAt = performance.now();
    this.child = spawn(process.execPath, [program, "run", ...this.#args], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const child = this.child;
    let said = "";
    child.stderr.on("data", (text) => (said = (said + text).slice(-2000)));
    this.ended = new Promise((done) => {
      child.on("close", (exit, signal) => {
        this.over = true;
        done({ exit, signal, said });
      });
    });
    this.over = false;
  }
  async again(signal) {
    this.child.kill(signal);
    const end = await this.ended;
    if (signal === "SIGTERM" && end.exit !== 0 && end.exit !== 5)
      throw new Error(`exit ${end.exit}: ${end.said}`);
    this.start();
  }
}

const count = Math.floor(minutes * 60 * rate);
const producer = new Runner([
  "jobs/send.yaml",
  "--param",
  `count=${count}`,
  "--checkpoint-interval",
  "1s",
]);
const orders = new Runner(["jobs/orders.yaml", "--checkpoint-interval", "1s"]);

async function topicEnds() {
  const topics = new EmbeddedTopics({
    directory: join(folder, ".pipeline/topics"),
    files: nodeFiles,
    clock: nodeClock,
  });
  await topics.refresh();
  const ends = Object.fromEntries(
    topics.state
      .topics()
      .map(({ name, ends }) => [
        name.replace("ecommerce.orders.", ""),
        ends.reduce((sum, { offset }) => sum + offset, 0),
      ]),
  );
  await topics.close();
  return ends;
}

function bytesIn(directory) {
  let sum = 0;
  for (const name of readdirSync(directory, { recursive: true })) {
    try {
      sum += statSync(join(directory, name)).size;
    } catch {
      // It went between the two looks.
    }
  }
  return sum;
}

const samples = [];
function sample() {
  const { pid } = orders.child;
  try {
    const rss =
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
    const files = readdirSync(`/proc/${pid}/fd`).length;
    const state = bytesIn(join(folder, ".pipeline/state/orders")) / 2 ** 20;
    const lifeMs = performance.now() - orders.startedAt;
    if (rss > 0 && lifeMs > warmUpMs)
      samples.push({
        atMinutes: performance.now() / 60_000,
        life: orders.lives,
        rss,
        files,
        state,
      });
  } catch {
    // No process at this moment.
  }
}

const survived = {
  "stop and go on": async () => {
    orders.child.kill("SIGSTOP");
    await sleep(stoppedMs);
    orders.child.kill("SIGCONT");
  },
  "kill -9 of the producer": () => (producer.over ? undefined : producer.again("SIGKILL")),
};
const ending = {
  "kill -9": () => orders.again("SIGKILL"),
  SIGTERM: () => orders.again("SIGTERM"),
};
/** In turn. */
const faults = Object.entries(options["one-life"] ? survived : { ...ending, ...survived });

console.log(
  `soak: ${minutes} minutes at ${rate} records/s, a fault every ${faultEveryMs / 1000} s`,
);
producer.start();
await sleep(2000);
orders.start();
let faultAt = performance.now() + Math.min(faultEveryMs, minutes * 15_000);
const endAt = performance.now() + minutes * 60_000;
for (let fault = 0; performance.now() < endAt;) {
  await sleep(sampleEveryMs);
  sample();
  if (orders.over) throw new Error(`soak: the job ended: ${(await orders.ended).said}`);
  if (performance.now() < faultAt) continue;
  faultAt += Math.min(faultEveryMs, minutes * 15_000);
  const [name, act] = faults[fault++ % faults.length];
  const last = samples.at(-1);
  const at =
    last === undefined
      ? ""
      : `; ${last.rss.toFixed(0)} MB, ${last.files} files, state ${last.state.toFixed(1)} MB`;
  console.log(`${name}${at}; ${JSON.stringify(await topicEnds())}`);
  await act();
}
const sent = await producer.ended;
if (sent.exit !== 0) throw new Error(`soak: the producer ended with ${sent.exit}: ${sent.said}`);
orders.child.kill("SIGTERM");
await orders.ended;
const last = new Runner(["jobs/orders.yaml", "--until-end", "--close"]);
last.start();
const end = await last.ended;
if (end.exit !== 0) throw new Error(`soak: the last run ended with ${end.exit}: ${end.said}`);

let wrong = 0;
function check(what, ok) {
  if (!ok) wrong += 1;
  console.log(`${ok ? "ok   " : "WRONG"} ${what}`);
}
const ends = await topicEnds();
check(
  `${count} sent, ${ends.raw} in the input, ${ends.processed} processed + ${ends.dlq} rejected and duplicate`,
  ends.raw >= count && ends.processed + ends.dlq === ends.raw,
);
if (samples.length < 10) throw new Error("soak: too short for slopes");
const warmAtMinutes = samples[Math.floor(samples.length / 5)].atMinutes;
const steady = samples.filter(({ atMinutes }) => atMinutes >= warmAtMinutes);
for (const [name, unit, most] of [
  ["rss", "MB", growthMax.memoryMbPer10Minutes],
  ["files", "files", growthMax.files],
  ["state", "MB", growthMax.stateMbPer10Minutes],
]) {
  const points = steady.map((one) => [one.atMinutes / 10, one[name]]);
  const { slope, error } = slopeOf(points);
  const lives = new Map();
  for (const [index, { life }] of steady.entries()) {
    lives.set(life, [...(lives.get(life) ?? []), points[index]]);
  }
  const within = slopeWithin([...lives.values()]).slope.toFixed(2);
  // Growth that cannot be told from noise is none.
  check(
    `${name}: ${slope.toFixed(2)} +- ${error.toFixed(2)} ${unit} per 10 minutes, within a life ${within}; at most ${Math.max(...points.map(([, y]) => y)).toFixed(1)}`,
    slope - 2 * error <= most,
  );
}
process.exitCode = wrong === 0 ? 0 : 1;
