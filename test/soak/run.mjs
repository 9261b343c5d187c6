// The orders job on embedded topics under a steady load, with a fault a minute: looks whether anything grows, and
// whether every record came out once. Event time keeps pace with the load; deduplication and windows are short.
// usage: npm run soak -- [MINUTES] [RECORDS_PER_SECOND] [--one-life]
// --one-life: only faults that the job survives, so that memory that leaks slowly is not freed by a restart: growth
// of what a life keeps is judged there, growth from life to life without it.
import { spawn } from "node:child_process";
import { once } from "node:events";
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
import { EmbeddedTopics } from "../../engine/connectors/embedded/embedded-topics.ts";
import { nodeClock } from "../../engine/runtime/node-clock.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { slopeOf, slopeWithin } from "./slope.mjs";
import { tally } from "./tally.mjs";

const root = join(import.meta.dirname, "../..");
const program = join(root, "build/main.js");
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
const partitionLog = /topics\/[^/]+\/[0-9]+\.log$/;
const busyMs = 10_000;
const foreignRecords = 1000;
/** Per 10 minutes. */
const growthMax = { live: 1, rss: 1, files: 0.5, state: 1, disk: 1 };
const units = { live: "MB", rss: "MB", files: "files", state: "MB", disk: "MB" };
const mib = 2 ** 20;
/** Of a key in the state log. */
const keyBytes = 16;

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
  #onLive;
  /** `onLive`: told what the process keeps in memory, in bytes. */
  constructor(args, onLive) {
    this.#args = args;
    this.#onLive = onLive;
  }
  start() {
    this.lives += 1;
    this.startedAt = performance.now();
    const watched = ["--expose-gc", "--import", join(import.meta.dirname, "live-memory.mjs")];
    const nodeArgs = this.#onLive === undefined ? [] : watched;
    const child = spawn(process.execPath, [...nodeArgs, program, "run", ...this.#args], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe", "pipe"],
    });
    this.child = child;
    /** By thread. */
    const kept = new Map();
    child.stdio[3].on("data", (text) => {
      for (const line of String(text).trim().split("\n")) {
        const [thread, bytes] = line.split(" ").map(Number);
        kept.set(thread, bytes);
      }
      this.#onLive?.([...kept.values()].reduce((sum, bytes) => sum + bytes, 0));
    });
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
    if (signal === "SIGTERM" && end.exit !== 0) throw new Error(`exit ${end.exit}: ${end.said}`);
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
const orders = new Runner(["jobs/orders.yaml", "--checkpoint-interval", "1s"], (bytes) =>
  keep({ live: bytes / mib }),
);
const topicsFolder = {
  directory: join(folder, ".pipeline/topics"),
  files: nodeFiles,
  clock: nodeClock,
};

async function topicEnds() {
  const topics = new EmbeddedTopics(topicsFolder);
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

/** Without the records of topics: those are kept for ever. */
function bytesIn(directory) {
  let sum = 0;
  for (const name of readdirSync(directory, { recursive: true })) {
    if (partitionLog.test(name)) continue;
    try {
      sum += statSync(join(directory, name)).size;
    } catch {
      // It went between the two looks.
    }
  }
  return sum;
}

const samples = [];
function keep(figures) {
  if (performance.now() - orders.startedAt < warmUpMs) return;
  samples.push({ atMinutes: performance.now() / 60_000, life: orders.lives, ...figures });
}

function sample() {
  const { pid } = orders.child;
  try {
    const rss =
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
    const files = readdirSync(`/proc/${pid}/fd`).length;
    const state = bytesIn(join(folder, ".pipeline/state/orders")) / mib;
    const disk = bytesIn(join(folder, ".pipeline")) / mib;
    if (rss > 0) keep({ rss, files, state, disk });
  } catch {
    // No process at this moment.
  }
}

/** A process of its own, to its end. */
async function ends(command, args, input = "") {
  const child = spawn(command, args, { cwd: folder, stdio: ["pipe", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => (said += text));
  child.stdin.end(input);
  const [exit] = await once(child, "close");
  return { exit, said };
}

let foreign = 0;
const survived = {
  "stop and go on": async () => {
    orders.child.kill("SIGSTOP");
    await sleep(stoppedMs);
    orders.child.kill("SIGCONT");
  },
  "kill -9 of the producer": () => (producer.over ? undefined : producer.again("SIGKILL")),
  "a second process on the state": async () => {
    const { exit, said } = await ends(process.execPath, [program, "run", "jobs/orders.yaml"]);
    if (exit !== 5 || !said.includes("STATE_LOCKED")) throw new Error(`exit ${exit}: ${said}`);
  },
  "another process writes to the input": async () => {
    const lines = Array.from({ length: foreignRecords }, () => {
      foreign += 1;
      return `{"order_id":"ORD-20250113-${count + foreign}"}\n`;
    });
    const args = [program, "produce", "ecommerce.orders.raw", "--key", "order_id"];
    const { exit, said } = await ends(process.execPath, args, lines.join(""));
    if (exit !== 0) throw new Error(`produce: exit ${exit}: ${said}`);
  },
  "a busy disk": async () => {
    const args = [`if=/dev/zero`, `of=${join(folder, "busy")}`, "bs=256k", "oflag=dsync"];
    await ends("timeout", [String(busyMs / 1000), "dd", ...args]);
    rmSync(join(folder, "busy"), { force: true });
  },
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
const startedMs = performance.now();
producer.start();
await sleep(2000);
orders.start();
let faultAt = performance.now() + Math.min(faultEveryMs, minutes * 15_000);
// A machine that cannot hold the rate takes longer.
for (let fault = 0; !producer.over;) {
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
const sentMinutes = (performance.now() - startedMs) / 60_000;
if (sent.exit !== 0) throw new Error(`soak: the producer ended with ${sent.exit}: ${sent.said}`);
orders.child.kill("SIGTERM");
const drained = await orders.ended;
if (drained.exit !== 0)
  throw new Error(`soak: the job ended with ${drained.exit}: ${drained.said}`);
const last = new Runner(["jobs/orders.yaml", "--until-end", "--close"]);
last.start();
const end = await last.ended;
if (end.exit !== 0) throw new Error(`soak: the last run ended with ${end.exit}: ${end.said}`);

let wrong = 0;
function check(what, ok) {
  if (!ok) wrong += 1;
  console.log(`${ok ? "ok   " : "WRONG"} ${what}`);
}
const topics = await topicEnds();
const all = count + foreign;
check(
  `${count} sent and ${foreign} of another process, in ${sentMinutes.toFixed(1)} minutes, ${topics.raw} in the input, ${topics.processed} processed + ${topics.dlq} rejected and duplicate`,
  topics.raw === all && topics.processed + topics.dlq === all,
);
const [raw, processed, dlq] = await Promise.all(
  ["raw", "processed", "dlq"].map((name) => tally(topicsFolder, `ecommerce.orders.${name}`, all)),
);
let different = 0;
let doubled = 0;
for (const [order, times] of raw.entries()) {
  if (processed[order] + dlq[order] !== times) different += 1;
  if (order > 0 && processed[order] > 1) doubled += 1;
}
check(
  `each order came out as often as it came in, but for ${different}; ${doubled} were processed twice`,
  different === 0 && doubled === 0,
);
if (samples.length < 10) throw new Error("soak: too short for slopes");
const mostState = Math.max(...samples.flatMap(({ state }) => state ?? []));
const allKeys = (topics.processed * keyBytes) / mib;
check(
  `state was never larger than ${mostState.toFixed(1)} MB; without expiry its keys alone take ${allKeys.toFixed(1)} MB`,
  mostState < allKeys,
);
const warmAtMinutes = samples[Math.floor(samples.length / 5)].atMinutes;
for (const [name, most] of Object.entries(growthMax)) {
  const steady = samples.filter((one) => one.atMinutes >= warmAtMinutes && name in one);
  const points = steady.map((one) => [one.atMinutes / 10, one[name]]);
  const { slope, error } = slopeOf(points);
  const lives = new Map();
  for (const [index, { life }] of steady.entries()) {
    lives.set(life, [...(lives.get(life) ?? []), points[index]]);
  }
  const within = slopeWithin([...lives.values()]).slope.toFixed(2);
  // Growth that cannot be told from noise is none, as long as the noise is small, or even with it there is none.
  const noise = Math.min(error, slope + 2 * error);
  check(
    `${name}: ${slope.toFixed(2)} +- ${error.toFixed(2)} ${units[name]} per 10 minutes, within a life ${within}; at most ${Math.max(...points.map(([, y]) => y)).toFixed(1)}`,
    slope - 2 * error <= most && noise <= most,
  );
}
process.exitCode = wrong === 0 ? 0 : 1;
