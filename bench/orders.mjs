// The orders job beside a hand-written, non-durable script of the same job, in alternation on the same orders: from
// file to files, and from embedded topics to embedded topics.
// usage: npm run bench [-- --orders N --rounds N --profile]
// --profile: one more run from file to files, under V8's profiler, tells where the time goes.
// Needs ../shared/bench (generator and script) beside the checkout, python3, and Linux; strace for the syncs.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  count,
  measured,
  median,
  ordersJob,
  pipeline,
  requireShared,
  shared,
  spread,
  syncsOf,
} from "./measured.mjs";
import { timeByPart } from "./profile.mjs";

const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "3000000" },
    rounds: { type: "string", default: "3" },
    profile: { type: "boolean", default: false },
  },
});
requireShared();

const folder = mkdtempSync(join(tmpdir(), "bench-"));
const inFolder = (name) => join(folder, name);
const input = inFolder("orders.jsonl");
const run = [pipeline, "run", ordersJob, "--state-dir", inFolder("state"), "--until-end"];
const files = [...run, "--input", `orders=${input}`, "--output-dir", inFolder("out")];
const topics = [...run, "--topics-dir", inFolder("topics"), "--close"];
const contestants = [
  {
    name: "handwritten, file to files",
    args: [join(shared, "handwritten.mjs"), input, inFolder("out")],
  },
  { name: "file to files, 1 s", args: [...files, "--checkpoint-interval", "1s"] },
  { name: "file to files, 60 s", args: [...files, "--checkpoint-interval", "60s"] },
  { name: "embedded topics, 1 s", args: [...topics, "--checkpoint-interval", "1s"] },
  { name: "embedded topics, 60 s", args: [...topics, "--checkpoint-interval", "60s"] },
];

function prepare() {
  for (const made of ["out", "state", "topics"]) {
    rmSync(inFolder(made), { recursive: true, force: true });
  }
  cpSync(inFolder("topics-before"), inFolder("topics"), { recursive: true });
  execFileSync("sync");
}

/** Of a profile, by its name: CPU.date.time.process.thread.number.cpuprofile. */
const threadOf = (profile) => Number(profile.split(".")[4]);

function progress(text) {
  process.stderr.write(process.stderr.isTTY ? `\r${text.padEnd(60)}\r` : `${text}\n`);
}

try {
  const orders = Number(values.orders);
  progress("generating orders");
  execFileSync("python3", [join(shared, "generate.py"), values.orders], {
    stdio: ["ignore", openSync(input, "w"), "inherit"],
  });
  const before = ["--topics-dir", inFolder("topics-before")];
  const produce = ["produce", "ecommerce.orders.raw", "--file", input, "--key", "order_id"];
  execFileSync(process.execPath, [pipeline, ...produce, ...before]);

  const runs = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const { name, args } of contestants) {
      progress(`round ${round}: ${name}`);
      prepare();
      runs.get(name).push(await measured(args, folder));
    }
  }
  const [yardstick] = runs.values();
  const yardstickSeconds = median(yardstick.map(({ seconds }) => seconds));
  console.log(`${count(orders)} orders, median of ${values.rounds} rounds`);
  for (const { name, args } of contestants) {
    const list = runs.get(name);
    const seconds = list.map((one) => one.seconds);
    const cpu = (median(list.map((one) => one.cpu)) / orders) * 1e6;
    prepare();
    progress(`syncs: ${name}`);
    const syncs = syncsOf(args, folder);
    console.log(
      `${name.padEnd(28)}${(yardstickSeconds / median(seconds)).toFixed(2)}x  ` +
        `${count(orders / median(seconds))} records/s (${median(seconds).toFixed(1)} s, ${spread(seconds)}), ` +
        `${cpu.toFixed(1)} us CPU per record, peak ${count(Math.max(...list.map((one) => one.peak)))} MB, ` +
        `${count(median(list.map((one) => one.written)))} MB written, ${syncs ?? "?"} syncs`,
    );
  }
  if (values.profile) {
    prepare();
    const profiles = inFolder("profiles");
    const profiling = ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
    await measured([...profiling, ...files, "--checkpoint-interval", "1s"], folder);
    const [state, second] = readdirSync(profiles)
      .toSorted((a, b) => threadOf(a) - threadOf(b))
      .map((profile) => timeByPart(join(profiles, profile)));
    console.log("\nmicroseconds per record, file to files: the state thread, the second thread");
    const perRecord = (microseconds = 0) => (microseconds / orders).toFixed(2).padStart(6);
    for (const [part, microseconds] of state) {
      console.log(
        `  ${part.padEnd(20)} ${perRecord(microseconds)} ${perRecord(second?.get(part))}`,
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
