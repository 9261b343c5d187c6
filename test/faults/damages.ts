import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { EngineError, exitCode } from "../../engine/core/errors.ts";
import type { FailpointName, Failpoints } from "../../engine/core/failpoints.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { seededRandom } from "../crash/random.ts";
import { FaultJob, isBeginningOf } from "./fault-job.ts";
import type { FaultPlace, Mode, View } from "./fault-job.ts";

/** Where the lives stop whose files are damaged then: each leaves other work for the next start. */
const stops: readonly (readonly [FailpointName, hit: number])[] = [
  ["commit.record.before", 3],
  ["commit.record.after", 3],
  ["commit.head.after", 4],
];

/** What nobody reads, or what the store makes anew; the inputs are the user's own. */
const untouched: ReadonlySet<string> = new Set(["LOCK", "LOG", "LOG.old", "lock", "in.jsonl"]);

type Damage = "flip" | "cut" | "zeros" | "delete";
const damages: readonly Damage[] = ["flip", "flip", "flip", "cut", "zeros", "delete"];
const sectorBytes = 512;

function stopAt([at, hit]: readonly [FailpointName, number]): Failpoints {
  let hits = 0;
  return {
    async hit(name) {
      if (name !== at) return;
      hits += 1;
      if (hits >= hit) throw Object.assign(new Error(`EIO: ${name}`), { code: "EIO" });
    },
  };
}

function placeAt(folder: string): FaultPlace {
  return { files: nodeFiles, folder };
}

/** Lives of the fault job on files of this machine, with Level, on what earlier ones left there and somebody damaged. */
export class DamageBench {
  readonly #job: FaultJob;
  readonly #folder: string;
  readonly #made: readonly string[];
  readonly #whole: View;

  private constructor(job: FaultJob, folder: string, made: readonly string[], whole: View) {
    this.#job = job;
    this.#folder = folder;
    this.#made = made;
    this.#whole = whole;
  }

  static async open(mode: Mode): Promise<DamageBench> {
    const job = new FaultJob(mode);
    const folder = mkdtempSync(join(tmpdir(), "damages-"));
    const made: string[] = [];
    for (const [index, stop] of stops.entries()) {
      const stopped = join(folder, `stopped-${index}`);
      await job.prepare(placeAt(stopped));
      const ending = await job.run(placeAt(stopped), {
        incarnation: "first",
        failpoints: stopAt(stop),
      });
      assert.equal(ending.kind, "stopped", stop.join(" "));
      made.push(stopped);
    }
    const whole = join(folder, "whole");
    await job.prepare(placeAt(whole));
    assert.equal((await job.run(placeAt(whole), { incarnation: "first" })).kind, "finished");
    made.push(whole);
    return new DamageBench(job, folder, made, await job.view(placeAt(whole)));
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * One damage to one file of the state directory or the topics folder, then a start. Outputs are equal in the end, or
   * somebody is told: the start, or the reader of a damaged topic. Throws if anything else became visible.
   */
  async meet(seed: number): Promise<string> {
    const random = seededRandom(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const folder = join(this.#folder, `life-${seed}`);
    cpSync(pick(this.#made), folder, { recursive: true });
    try {
      const what = this.#damage(folder, pick(damages), random, pick);
      return await this.#start(folder, what);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #damage(
    folder: string,
    damage: Damage,
    random: () => number,
    pick: <T>(list: readonly T[]) => T,
  ): string {
    const files = ["state", "topics"].flatMap((part) => {
      const root = join(folder, part);
      return readdirSync(folder).includes(part)
        ? readdirSync(root, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile() && !untouched.has(basename(entry.name)))
            .map((entry) => join(entry.parentPath, entry.name))
        : [];
    });
    const path = pick(files.toSorted());
    const bytes = readFileSync(path);
    const at = Math.floor(random() * bytes.length);
    const where = `${damage} of ${path.slice(folder.length + 1)} at ${at} of ${bytes.length}`;
    if (damage === "delete" || bytes.length === 0) rmSync(path);
    else if (damage === "cut") writeFileSync(path, bytes.subarray(0, at));
    else {
      if (damage === "zeros") bytes.fill(0, at, Math.min(at + sectorBytes, bytes.length));
      else bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      writeFileSync(path, bytes);
    }
    return where;
  }

  async #start(folder: string, what: string): Promise<string> {
    const ending = await this.#job.run(placeAt(folder), { incarnation: "second" });
    const view = await this.#view(folder);
    if (ending.kind === "finished") {
      if (view instanceof EngineError) return `finished; readers: ${view.code}`;
      assert.deepEqual(view, this.#whole, what);
      return "finished, equal";
    }
    assert.ok(ending.kind === "stopped", what);
    const { error } = ending;
    assert.ok(
      error.exit === exitCode.person || error.exit === exitCode.retry,
      `${what}: ${error.code} ${error.message}`,
    );
    const isExplained =
      error.exit === exitCode.person ? error.hint !== undefined : error.message.includes("/");
    assert.ok(isExplained, `${what}: ${error.code} ${error.message}`);
    assert.ok(view instanceof EngineError || isBeginningOf(view, this.#whole), what);
    return `exit ${error.exit} ${error.code}`;
  }

  async #view(folder: string): Promise<View | EngineError> {
    try {
      return await this.#job.view(placeAt(folder));
    } catch (error) {
      if (error instanceof EngineError) return error;
      throw error;
    }
  }
}
