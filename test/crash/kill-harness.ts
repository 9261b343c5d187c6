import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { failpointNames } from "../../engine/core/failpoints.ts";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import { pipeline, PipelineProcess, projectRoot } from "./pipeline-process.ts";
import { seededRandom } from "./random.ts";

/** `kafka`: on the cluster that KAFKA_BOOTSTRAP_SERVERS names. */
export type Mode = "files" | "embedded" | "kafka";

export interface KillOptions {
  readonly mode: Mode;
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
const topics = ["processed", "dlq", "aggregations", "late"] as const;
/** They tell when, not what: an epoch that is done again has new ones. */
const processingTimeFields = [
  "processed_at",
  "processing_duration_ms",
  "error_timestamp",
  "processing_timestamp_ms",
];

/** Failpoints between the durable commit record and the last act of its delivery. */
const afterCommit =
  /^(commit\.(record\.after|head)|file\.publish|embedded|kafka\.(join|produce|mark|end|answer)|outbox\.remove)/;
const inRecovery = /^(recover|identity|kafka\.(fence|settle|barrier))/;

export function killsAfterCommit({ histogram }: KillReport): number {
  return sum(histogram, (name) => afterCommit.test(name));
}

export function killsInRecovery({ histogram }: KillReport): number {
  return sum(histogram, (name) => inRecovery.test(name));
}

function sum(histogram: ReadonlyMap<string, number>, matches: (name: string) => boolean): number {
  return [...histogram].reduce((total, [name, count]) => total + (matches(name) ? count : 0), 0);
}

/** What must have happened before a place in recovery is passed at all: a crash that leaves work there. */
const preparedBy: Partial<Record<FailpointName, FailpointName>> = {
  "recover.chunks.before": "commit.record.before",
  "recover.chunks.after": "commit.record.before",
  "recover.deliver.before": "commit.record.after",
  "recover.deliver.after": "commit.record.after",
  "recover.embedded.before": "embedded.sync.after",
  "recover.embedded.after": "embedded.sync.after",
};

/** Failpoints that a run of this kind can pass. */
export function failpointsOf(mode: Mode): readonly FailpointName[] {
  const other = {
    files: /^(embedded|kafka|outbox|recover\.(embedded|deliver))/,
    embedded: /^(file|kafka)\./,
    kafka: /^(file\.|embedded|recover\.embedded)/,
  }[mode];
  return failpointNames.filter((name) => !other.test(name));
}

/** A copy of the orders job that commits every `recordsPerEpoch` records. */
function makeJob(folder: string, recordsPerEpoch: number): string {
  mkdirSync(join(folder, "jobs"), { recursive: true });
  cpSync(join(projectRoot, "schemas"), join(folder, "schemas"), { recursive: true });
  const spec = readFileSync(join(projectRoot, "jobs/orders.yaml"), "utf8");
  const often = spec.replace(
    /^checkpoint: .*$/m,
    `checkpoint: { interval: 60s, max_records: ${recordsPerEpoch} }`,
  );
  assert.notEqual(often, spec, "jobs/orders.yaml has no checkpoint line to replace");
  const job = join(folder, "jobs/orders.yaml");
  writeFileSync(job, often);
  writeFileSync(join(folder, "package.json"), "{}");
  return job;
}

/** The same job under a name and on topics of its own: a cluster is shared by all rounds. */
function makeKafkaJob(job: string, name: string): string {
  const spec = readFileSync(job, "utf8")
    .replace(/^name: orders$/m, `name: ${name}`)
    .replaceAll("ecommerce.orders.", `${name}.`)
    .replace(/^kafka:$/m, "kafka:\n  create_topics: true");
  const path = join(dirname(job), `${name}.yaml`);
  writeFileSync(path, spec);
  return path;
}

/** One life of a job's outputs: its own state, outputs and topics. */
class Round {
  readonly folder: string;
  readonly job: string;
  readonly #mode: Mode;
  readonly #input: string;
  readonly #topicPrefix: string;

  constructor(folder: string, mode: Mode, input: string, job: string) {
    this.folder = folder;
    this.#mode = mode;
    this.#input = input;
    const name = `${basename(dirname(folder))}_${basename(folder)}`.toLowerCase();
    const unique = name.replaceAll(/[^a-z0-9_]/g, "_").replace(/^(?=[^a-z])/, "j");
    this.job = mode === "kafka" ? makeKafkaJob(job, unique) : job;
    this.#topicPrefix = mode === "kafka" ? unique : "ecommerce.orders";
    mkdirSync(folder, { recursive: true });
  }

  async prepare(): Promise<void> {
    if (this.#mode === "files") return;
    if (this.#mode === "kafka") await this.#makeTopics();
    const { exit, stderr } = await pipeline(
      ["produce", `${this.#topicPrefix}.raw`, "--file", this.#input, "--key", "order_id"],
      { cwd: this.folder },
    );
    assert.equal(exit, 0, stderr);
  }

  /** A first look at the empty topics makes them; the rounds go on from its state. */
  async #makeTopics(): Promise<void> {
    const first = ["run", this.job, "--until-end", "--state-dir", "first"];
    const { exit, stderr } = await pipeline(first, { cwd: this.folder });
    assert.equal(exit, 0, stderr);
    renameSync(join(this.folder, "first"), join(this.folder, ".pipeline-state"));
  }

  get args(): readonly string[] {
    return this.#mode === "files"
      ? ["--input", `orders=${this.#input}`, "--output-dir", "out", "--until-end", ...smallBatches]
      : [
          "--until-end",
          "--close",
          ...smallBatches,
          ...(this.#mode === "kafka" ? ["--state-dir", ".pipeline-state"] : []),
        ];
  }

  /** All outputs, each line with its processing times removed; files in their order, topics sorted. */
  async outputs(): Promise<Record<string, readonly string[]>> {
    const outputs: Record<string, readonly string[]> = {};
    for (const topic of topics) {
      const lines = (await this.#read(topic)).split("\n").filter((line) => line !== "");
      const stripped = lines.map(withoutProcessingTime);
      outputs[topic] = this.#mode === "files" ? stripped : stripped.toSorted();
    }
    return outputs;
  }

  async #read(topic: string): Promise<string> {
    if (this.#mode === "files")
      return readFileSync(join(this.folder, `out/${topic}.jsonl`), "utf8");
    const { exit, stdout, stderr } = await pipeline(
      ["consume", `${this.#topicPrefix}.${topic}`, "--from-beginning", "--format", "value"],
      { cwd: this.folder },
    );
    assert.equal(exit, 0, stderr);
    return stdout;
  }
}

function withoutProcessingTime(line: string): string {
  const value = JSON.parse(line) as Record<string, unknown>;
  for (const field of processingTimeFields) delete value[field];
  return JSON.stringify(value);
}

/**
 * Kills the orders job again and again, at failpoints in turn and at random moments, restarts it until it reaches
 * its end, and compares every output with an uninterrupted run. Throws at the first difference.
 */
export async function killAndCompare(options: KillOptions): Promise<KillReport> {
  const random = seededRandom(options.seed);
  const job = makeJob(options.folder, options.recordsPerEpoch);
  const whole = new Round(join(options.folder, "whole"), options.mode, options.input, job);
  await whole.prepare();
  const reference = await pipeline(["run", whole.job, ...whole.args, "--format", "json"], {
    cwd: whole.folder,
  });
  assert.equal(reference.exit, 0, reference.stderr);
  const { elapsedMs } = JSON.parse(reference.stdout) as { elapsedMs: number };
  const expected = await whole.outputs();
  for (const topic of topics) assert.ok((expected[topic]?.length ?? 0) > 0, `${topic} is empty`);

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
        const depth =
          name !== undefined && inRecovery.test(name) ? 1 : 1 + Math.floor(random() * 4);
        const run = new PipelineProcess(["run", round.job, ...round.args, "--format", "json"], {
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
    const actual = await round.outputs();
    for (const topic of topics) {
      const lost = without(expected[topic] ?? [], actual[topic] ?? []);
      const extra = without(actual[topic] ?? [], expected[topic] ?? []);
      const where = `seed ${options.seed}, round ${rounds}: ${topic}`;
      assert.deepEqual({ lost, extra }, { lost: [], extra: [] }, where);
      assert.deepEqual(actual[topic], expected[topic], where);
    }
  }
  return { kills, rounds, commitsMin, histogram };
}

/** What of `lines` is not in `others`, each line as often as it is missing. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
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
