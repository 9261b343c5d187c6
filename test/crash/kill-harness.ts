import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import { failpointsOf, isAfterCommit, isInRecovery, preparedBy } from "./kill-points.ts";
import { assertSameOutputs, comparableLine, makeOrdersJob, outputNames } from "./orders-outputs.ts";
import type { Outputs } from "./orders-outputs.ts";
import { pipeline, PipelineProcess } from "./pipeline-process.ts";
import { seededRandom } from "./random.ts";

export interface KillOptions {
  readonly mode: "files" | "embedded";
  /** Goes on with fresh rounds until this many processes were killed. */
  readonly kills: number;
  readonly seed: number;
  /** Orders, one a line. */
  readonly input: string;
  /** An empty folder. */
  readonly folder: string;
  readonly recordsPerEpoch: number;
}

export interface KillReport {
  readonly kills: number;
  readonly rounds: number;
  /** Commits of the rounds, smallest. */
  readonly commitsMin: number;
  /** By failpoint, or `random`. */
  readonly histogram: ReadonlyMap<string, number>;
}

/** An epoch closes between two batches. */
const smallBatches = ["--batch-size", "100"];

export function killsAfterCommit({ histogram }: KillReport): number {
  return sum(histogram, isAfterCommit);
}

export function killsInRecovery({ histogram }: KillReport): number {
  return sum(histogram, isInRecovery);
}

function sum(histogram: ReadonlyMap<string, number>, matches: (name: string) => boolean): number {
  return [...histogram].reduce((total, [name, count]) => total + (matches(name) ? count : 0), 0);
}

/** One life of a job's outputs: its own state, outputs and topics. */
class Round {
  readonly folder: string;
  readonly job: string;
  readonly #mode: KillOptions["mode"];
  readonly #input: string;

  constructor(folder: string, mode: KillOptions["mode"], input: string, job: string) {
    this.folder = folder;
    this.#mode = mode;
    this.#input = input;
    this.job = job;
    mkdirSync(folder, { recursive: true });
  }

  async prepare(): Promise<void> {
    if (this.#mode === "files") return;
    const { exit, stderr } = await pipeline(
      ["produce", "ecommerce.orders.raw", "--file", this.#input, "--key", "order_id"],
      { cwd: this.folder },
    );
    assert.equal(exit, 0, stderr);
  }

  get args(): readonly string[] {
    return this.#mode === "files"
      ? ["--input", `orders=${this.#input}`, "--output-dir", "out", "--until-end", ...smallBatches]
      : ["--until-end", "--close", ...smallBatches];
  }

  /** Files in their order, topics sorted. */
  async outputs(): Promise<Outputs> {
    const outputs: Record<string, readonly string[]> = {};
    for (const name of outputNames) {
      const lines = (await this.#read(name)).split("\n").filter((line) => line !== "");
      const comparable = lines.map(comparableLine);
      outputs[name] = this.#mode === "files" ? comparable : comparable.toSorted();
    }
    return outputs;
  }

  async #read(name: string): Promise<string> {
    if (this.#mode === "files") return readFileSync(join(this.folder, `out/${name}.jsonl`), "utf8");
    const { exit, stdout, stderr } = await pipeline(
      ["consume", `ecommerce.orders.${name}`, "--from-beginning", "--format", "value"],
      { cwd: this.folder },
    );
    assert.equal(exit, 0, stderr);
    return stdout;
  }
}

/**
 * Kills the orders job again and again, at failpoints in turn and at random moments, restarts it until it reaches
 * its end, and compares every output with an uninterrupted run. Throws at the first difference.
 */
export async function killAndCompare(options: KillOptions): Promise<KillReport> {
  const random = seededRandom(options.seed);
  const job = makeOrdersJob(options.folder, options.recordsPerEpoch);
  const whole = new Round(join(options.folder, "whole"), options.mode, options.input, job);
  await whole.prepare();
  const reference = await pipeline(["run", whole.job, ...whole.args, "--format", "json"], {
    cwd: whole.folder,
  });
  assert.equal(reference.exit, 0, reference.stderr);
  const { elapsedMs } = JSON.parse(reference.stdout) as { elapsedMs: number };
  const expected = await whole.outputs();
  for (const name of outputNames) assert.ok((expected[name]?.length ?? 0) > 0, `${name} is empty`);

  const histogram = new Map<string, number>();
  const points = failpointsOf(options.mode);
  const script: (FailpointName | "random")[] = [];
  let next = Math.floor(random() * points.length);
  /** Failpoints in turn, each after the crash it needs, and random moments in between. */
  const nextKill = (): FailpointName | "random" => {
    if (script.length === 0) {
      const point = points[next++ % points.length] as FailpointName;
      const before = preparedBy[point];
      script.push(...(before === undefined ? [] : [before]), point);
      if (random() < 0.4) script.push("random");
    }
    return script.shift() as FailpointName | "random";
  };
  let kills = 0;
  let rounds = 0;
  let commitsMin = Infinity;
  while (kills < options.kills) {
    rounds += 1;
    const round = new Round(
      join(options.folder, `round-${rounds}`),
      options.mode,
      options.input,
      job,
    );
    await round.prepare();
    const noise = options.mode === "embedded" ? new Noise(round.folder) : undefined;
    try {
      for (let attempt = 1; ; attempt++) {
        assert.ok(attempt < 400, `round ${rounds} does not come to its end`);
        // Once there were kills enough, the round is only brought to its end.
        const name = kills >= options.kills ? undefined : nextKill();
        const depth = name !== undefined && isInRecovery(name) ? 1 : 1 + Math.floor(random() * 4);
        // Lives with one thread and with two follow each other on the same state.
        const more = ["--threads", String(1 + (attempt % 2)), "--format", "json"];
        const run = new PipelineProcess(["run", round.job, ...round.args, ...more], {
          cwd: round.folder,
          ...(name === undefined || name === "random"
            ? {}
            : { failpoints: `${name}=crash@${depth}` }),
        });
        if (name === "random") {
          // The first part of a life is start and recovery.
          void wait(random() * (400 + elapsedMs)).then(() => run.kill("SIGKILL"));
        }
        const end = await run.ended;
        if (end.signal === "SIGKILL") {
          kills += 1;
          histogram.set(name ?? "", (histogram.get(name ?? "") ?? 0) + 1);
          continue;
        }
        assert.equal(end.exit, 0, `${name ?? "no kill"}: ${end.stderr}`);
        const { epoch } = JSON.parse(end.stdout) as { epoch: number };
        commitsMin = Math.min(commitsMin, epoch);
        break;
      }
    } finally {
      await noise?.stop();
    }
    const where = `seed ${options.seed}, round ${rounds}`;
    assertSameOutputs(await round.outputs(), expected, where);
  }
  return { kills, rounds, commitsMin, histogram };
}

/** Another process that writes to the same topics folder all the while. */
class Noise {
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(folder: string) {
    this.#done = this.#write(folder);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #write(folder: string): Promise<void> {
    for (let turn = 0; !this.#stopped && turn < 10_000; turn++) {
      const { exit, stderr } = await pipeline(["produce", "noise"], {
        cwd: folder,
        input: `{"turn":${turn}}\n`,
      });
      assert.equal(exit, 0, stderr);
      await wait(200);
    }
  }
}
