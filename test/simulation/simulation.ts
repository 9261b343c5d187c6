import assert from "node:assert/strict";
import { recordRandom } from "../../engine/connectors/generate/random.ts";
import type { Random } from "../../engine/connectors/generate/random.ts";
import { EngineError, exitCode } from "../../engine/core/errors.ts";
import type { DiskOperationKind } from "../../engine/testing/disk-operations.ts";
import { MemoryDisk } from "../../engine/testing/memory-disk.ts";
import { MemoryFiles } from "../../engine/testing/memory-files.ts";
import { memoryLogStores } from "../../engine/testing/memory-log-store.ts";
import { MemoryProcess } from "../../engine/testing/memory-process.ts";
import { SeededSchedule } from "../../engine/testing/seeded-schedule.ts";
import { FaultJob } from "../faults/fault-job.ts";
import type { Ending, FaultPlace, View } from "../faults/fault-job.ts";
import { FailingCalls, lyingDisk, randomFaults, syncs } from "./fault-script.ts";
import type { Fault } from "./fault-script.ts";
import { randomJob } from "./random-job.ts";
import type { RandomJob } from "./random-job.ts";

/** Of seeds whose disk lies about syncs in the end. */
const liesOdds = 0.3;
const startMs = 1_750_000_000_000;
const folder = "/disk";
/** A seed goes on until it has met this many faults. */
const faultsMin = 5;
const livesMax = 60;
/** Of one life; far more than any needs. */
const turnsMax = 50_000;

/** What a seed met: faults by kind, and how its lives ended. */
export type Events = ReadonlyMap<string, number>;

const changes: ReadonlySet<DiskOperationKind> = new Set([
  "rename",
  "remove",
  "write",
  "truncate",
  "store.write",
]);

/**
 * One seed is one run: a random job, lives of it under a random schedule with at least five faults, then one without.
 * Throws if anything wrong is visible at any time, if a life stops without an orderly reason, or if the last one does
 * not make visible exactly what an uninterrupted run does.
 */
export async function simulate(seed: number): Promise<Events> {
  return new Simulation(seed).run();
}

class Simulation {
  readonly #seed: number;
  readonly #random: Random;
  readonly #job: RandomJob;
  readonly #threads: 1 | 2;
  readonly #runs: FaultJob;
  readonly #events = new Map<string, number>();
  #disk = new MemoryDisk();
  #nowMs = startMs;
  #lives = 0;
  #whole: View = {};

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = recordRandom(seed, 0, 1);
    this.#job = randomJob(recordRandom(seed, 0, 0));
    this.#threads = seed % 2 === 0 ? 1 : 2;
    this.#runs = new FaultJob(this.#job.shape);
  }

  async run(): Promise<Events> {
    await this.#runs.prepare(placeOn(new MemoryProcess(this.#disk)));
    this.#disk.settle();
    const turns = await this.#uninterrupted(this.#disk.crash());
    for (let life = 0; this.#met < faultsMin; life += 1) {
      assert.ok(life < livesMax, "too few faults were met");
      // Half of the faults come early, in recovery.
      const within = this.#random() < 0.5 ? turns : Math.min(turns, 80);
      await this.#faultyLife(randomFaults(this.#random, within));
      const view = await this.#view(this.#disk);
      assert.ok(this.#isPart(view), `life ${this.#lives}: something else is visible`);
    }
    if (this.#random() < liesOdds) return this.#lastLifeAfterLies(turns);
    const schedule = this.#schedule();
    const ending = await schedule.run(this.#live(new MemoryProcess(this.#disk), schedule), () =>
      this.#isEndless(schedule),
    );
    assert.ok(ending !== "given up");
    if (ending.kind === "stopped") throw ending.error;
    assert.equal(ending.kind, "finished");
    assert.deepEqual(this.#comparable(await this.#view(this.#disk)), this.#comparable(this.#whole));
    return this.#events;
  }

  /**
   * A disk that lied can lose anything, also what readers have seen. The next start makes everything visible as it
   * would have been, or notices at once or when it comes to it, and says so; or readers are told.
   */
  async #lastLifeAfterLies(turns: number): Promise<Events> {
    await this.#faultyLife(lyingDisk(this.#random, turns));
    const before = await this.#viewOrRefusal();
    const schedule = this.#schedule();
    const ending = await schedule.run(this.#live(new MemoryProcess(this.#disk), schedule), () =>
      this.#isEndless(schedule),
    );
    assert.ok(ending !== "given up" && ending.kind !== "drained");
    const after = await this.#viewOrRefusal();
    if (ending.kind === "stopped") {
      const { code, exit, message, hint } = ending.error;
      // Where a disk has lost all of a state, a start finds outputs that are none of its own.
      assert.ok(exit === exitCode.person || code === "OUTPUT_EXISTS", `${code} ${message}`);
      assert.notEqual(hint, undefined, `${code} ${message}`);
      if (after instanceof EngineError || !this.#isPart(after)) assert.deepEqual(after, before);
      this.#count(`life: after lies ${code}`);
    } else if (after instanceof EngineError) {
      assert.equal(after.exit, exitCode.person);
      this.#count(`life: after lies readers ${after.code}`);
    } else {
      assert.deepEqual(this.#comparable(after), this.#comparable(this.#whole));
      this.#count("life: after lies whole");
    }
    return this.#events;
  }

  async #viewOrRefusal(): Promise<View | EngineError> {
    try {
      return await this.#view(this.#disk);
    } catch (error) {
      if (error instanceof EngineError) return error;
      throw error;
    }
  }

  get #met(): number {
    let sum = 0;
    for (const [what, count] of this.#events) if (!what.startsWith("life: ")) sum += count;
    return sum;
  }

  /** Gives how many turns it took. */
  async #uninterrupted(disk: MemoryDisk): Promise<number> {
    const schedule = this.#schedule();
    const process = new MemoryProcess(disk, {
      before: () => schedule.turn().then(() => undefined),
    });
    const ending = await schedule.run(this.#live(process, schedule), () => false);
    assert.ok(ending !== "given up" && ending.kind === "finished", JSON.stringify(ending));
    this.#whole = await this.#view(disk);
    return schedule.turns;
  }

  async #faultyLife(faults: readonly Fault[]): Promise<void> {
    const schedule = this.#schedule();
    const stop = new AbortController();
    const waiting = [...faults].toSorted((a, b) => a.turn - b.turn);
    const failing = waiting.find((fault) => fault.kind === "call fails");
    const calls = failing === undefined ? undefined : new FailingCalls(failing);
    const processes: MemoryProcess[] = [];
    const lives: Promise<Ending>[] = [];
    let slowPlace: string | undefined;
    let lieOdds = 0;
    let cut: "kill" | "power loss" | undefined;
    const start = (): void => {
      const process = new MemoryProcess(this.#disk, {
        before: async (operation) => {
          await schedule.turn(
            slowPlace !== undefined && operation.path.includes(slowPlace) ? 30 : 0,
          );
          if (lieOdds > 0 && syncs.has(operation.kind) && this.#random() < lieOdds) return "lost";
          return calls?.before(operation, schedule.turns);
        },
        after: async (operation) => {
          if (this.#random() < 0.2) await schedule.turn();
          calls?.after(operation, schedule.turns);
        },
      });
      processes.push(process);
      lives.push(this.#live(process, schedule, stop.signal));
    };
    start();
    const ended = (async () => {
      // A twin may join meanwhile.
      for (let index = 0; index < lives.length; index += 1) await lives[index];
    })();
    await schedule.run(ended, (turn) => {
      while ((waiting[0]?.turn ?? Infinity) <= turn) {
        const fault = waiting.shift();
        if (fault === undefined || fault.kind === "call fails") continue;
        this.#count(fault.kind);
        if (fault.kind === "clock") schedule.jump(fault.ms);
        else if (fault.kind === "slow") slowPlace = fault.place;
        else if (fault.kind === "lying disk") lieOdds = fault.odds;
        else if (fault.kind === "stop") stop.abort();
        else if (fault.kind === "twin") start();
        else cut = fault.kind;
        if (cut !== undefined) return true;
      }
      return this.#isEndless(schedule);
    });
    this.#nowMs = schedule.nowMs();
    if (calls?.met === true) this.#count("call fails");
    if (cut !== undefined) {
      for (const process of processes) process.kill();
      this.#disk =
        cut === "kill" ? this.#disk.crash() : this.#disk.powerLoss(this.#seed * 100 + this.#lives);
      return;
    }
    assert.equal(this.#disk.holders.size, 0, "something is still held");
    for (const [index, life] of lives.entries()) {
      this.#judge(await life, processes[index], calls?.met === true, lives.length > 1);
    }
  }

  /** A life may only stop for a reason that it was given. */
  #judge(
    ending: Ending,
    process: MemoryProcess | undefined,
    callFailed: boolean,
    twins: boolean,
  ): void {
    if (ending.kind !== "stopped") {
      this.#count(`life: ${ending.kind}`);
      return;
    }
    const { error } = ending;
    this.#count(`life: ${error.code}`);
    if (error.code === "STATE_LOCKED" && twins) {
      const changed = process?.journal.filter(({ kind }) => changes.has(kind));
      assert.deepEqual(changed, [], "a process without the lock changes something");
      return;
    }
    if (!callFailed) throw error;
    assert.equal(error.exit, exitCode.retry, `${error.code} ${error.message}`);
  }

  #live(process: MemoryProcess, schedule: SeededSchedule, stop?: AbortSignal): Promise<Ending> {
    this.#lives += 1;
    const { batchSize, checkpointIntervalMs } = this.#job;
    return this.#runs.run(placeOn(process), {
      incarnation: `life-${this.#lives}`,
      clock: schedule,
      options: { batchSize, checkpointIntervalMs, threads: this.#threads },
      turn: () => schedule.turn(),
      ...(stop === undefined ? {} : { stop }),
    });
  }

  #schedule(): SeededSchedule {
    return new SeededSchedule(this.#random, this.#nowMs);
  }

  #isEndless({ turns }: SeededSchedule): boolean {
    if (turns > turnsMax) throw new Error("a life does not come to its end");
    return false;
  }

  #count(what: string): void {
    this.#events.set(what, (this.#events.get(what) ?? 0) + 1);
  }

  /** Readers work on a copy: what they do there changes nothing. */
  async #view(disk: MemoryDisk): Promise<View> {
    const view = await this.#runs.view(placeOn(new MemoryProcess(disk.crash())));
    const values: Record<string, string> = {};
    for (const [name, text] of Object.entries(view)) values[name] = withoutTimestamps(text);
    return values;
  }

  #isPart(view: View): boolean {
    return Object.entries(view).every(([name, text]) => {
      const whole = this.#whole[name] ?? "";
      if (text !== "" && !text.endsWith("\n")) return false;
      return this.#job.oneLane ? whole.startsWith(text) : isWithin(text, whole);
    });
  }

  #comparable(view: View): Readonly<Record<string, unknown>> {
    const texts = Object.entries(view).filter(([, text]) => text !== "");
    return Object.fromEntries(
      texts.map(([name, text]) => [name, this.#job.oneLane ? text : text.split("\n").toSorted()]),
    );
  }
}

function placeOn(process: MemoryProcess): FaultPlace {
  return { files: new MemoryFiles(process), openLogStore: memoryLogStores(process), folder };
}

/** Offsets and timestamps of topics: an error of a record without an event time has the time it was noticed. */
function withoutTimestamps(text: string): string {
  return text.replaceAll(/^[0-9]+ [0-9]+ /gm, "");
}

/** Every line of `part` is in `whole`, as often at least. */
function isWithin(part: string, whole: string): boolean {
  const left = new Map<string, number>();
  for (const line of whole.split("\n")) left.set(line, (left.get(line) ?? 0) + 1);
  return part.split("\n").every((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return line === "" || count > 0;
  });
}
