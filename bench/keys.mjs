// The orders job on embedded topics with many dedup keys in its state, beside the same orders with none: throughput
// after the start, and how long a restart takes.
// usage: npm run bench -- keys [--keys N --orders N --rounds N]
// Needs ../shared/bench beside the checkout, python3, and about 1 KB of disk per key.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
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
} from "./measured.mjs";

const { values } = parseArgs({
  options: {
    keys: { type: "string", default: "10000000" },
    orders: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
  },
});
requireShared();
const keys = Number(values.keys);
const orders = Number(values.orders);

const folder = mkdtempSync(join(tmpdir(), "bench-keys-"));
const inFolder = (name) => join(folder, name);

/** Distinct orders: the first `keys` to one file, the rest to another. */
async function generate() {
  const generator = spawn(
    "python3",
    [join(shared, "generate.py"), String(keys + orders), "--clean"],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const first = createWriteStream(inFolder("first.jsonl"));
  const rest = createWriteStream(inFolder("rest.jsonl"));
  let lines = 0;
  for await (const line of createInterface({ input: generator.stdout })) {
    const file = lines++ < keys ? first : rest;
    if (!file.write(`${line}\n`)) await new Promise((done) => file.once("drain", done));
  }
  for (const file of [first, rest]) await new Promise((done) => file.end(done));
}

function produce(topics, file) {
  const args = ["produce", "ecommerce.orders.raw", "--key", "order_id", "--file", inFolder(file)];
  execFileSync(process.execPath, [pipeline, ...args, "--topics-dir", inFolder(topics)]);
}

/** Seconds of one run: until its first record, and from there to its end. */
async function run(topics, state) {
  const places = ["--topics-dir", inFolder(topics), "--state-dir", inFolder(state)];
  const how = ["--until-end", "--checkpoint-interval", "1s", "--format", "json"];
  const whole = await measured([pipeline, "run", ordersJob, ...places, ...how], folder);
  const { elapsedMs, records } = JSON.parse(whole.output);
  const seconds = elapsedMs / 1000;
  return { seconds, restart: whole.seconds - seconds, records, peak: whole.peak };
}

try {
  await generate();
  produce("many", "first.jsonl");
  await run("many", "state-many");
  produce("many", "rest.jsonl");
  produce("none", "rest.jsonl");
  const results = { many: [], none: [] };
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of ["none", "many"]) {
      for (const kind of [name, `state-${name}`]) {
        if (kind === "state-none") continue;
        cpSync(inFolder(kind), inFolder(`copy-${kind}`), { recursive: true });
      }
      execFileSync("sync");
      const result = await run(`copy-${name}`, `copy-state-${name}`);
      if (result.records !== orders) throw new Error(`${result.records} records were read`);
      results[name].push(result);
      for (const kind of [name, `state-${name}`]) {
        rmSync(inFolder(`copy-${kind}`), { recursive: true, force: true });
      }
    }
  }
  for (const [name, title] of [
    ["none", "no keys before"],
    ["many", `${count(keys)} keys before`],
  ]) {
    const list = results[name];
    console.log(
      `${title.padEnd(26)}${count(orders / median(list.map((one) => one.seconds)))} records/s, ` +
        `start ${median(list.map((one) => one.restart)).toFixed(2)} s, ` +
        `peak ${count(Math.max(...list.map((one) => one.peak)))} MB`,
    );
  }
  const seconds = (name) => median(results[name].map((one) => one.seconds));
  console.log(`with keys / without: ${(seconds("none") / seconds("many")).toFixed(2)}x`);
} finally {
  rmSync(folder, { recursive: true });
}
