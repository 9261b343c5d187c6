import assert from "node:assert/strict";
import type { DiskHook, DiskOperation } from "../../engine/testing/disk-operations.ts";
import { MemoryDisk } from "../../engine/testing/memory-disk.ts";
import { MemoryFiles } from "../../engine/testing/memory-files.ts";
import { memoryLogStores } from "../../engine/testing/memory-log-store.ts";
import { MemoryProcess } from "../../engine/testing/memory-process.ts";
import { FaultJob, isBeginningOf } from "./fault-job.ts";
import type { Ending, FaultPlace, Mode, View } from "./fault-job.ts";

const folder = "/disk";
const commitsMin = 5;
/** A life takes some tens of milliseconds, on a busy machine some seconds. */
const hangsAfterMs = 300_000;

function placeOn(process: MemoryProcess): FaultPlace {
  return { files: new MemoryFiles(process), openLogStore: memoryLogStores(process), folder };
}

/** Lives of the fault job on disks in memory. */
export class MemoryBench {
  /** What an uninterrupted run makes visible. */
  readonly whole: View;
  /** What an uninterrupted run asks the disk for. */
  readonly journal: readonly DiskOperation[];
  readonly #job: FaultJob;
  readonly #input: MemoryDisk;
  #lives = 0;

  private constructor(
    job: FaultJob,
    input: MemoryDisk,
    whole: View,
    journal: readonly DiskOperation[],
  ) {
    this.#job = job;
    this.#input = input;
    this.whole = whole;
    this.journal = journal;
  }

  static async open(mode: Mode): Promise<MemoryBench> {
    const job = new FaultJob(mode);
    const input = new MemoryDisk();
    await job.prepare(placeOn(new MemoryProcess(input)));
    input.settle();
    const process = new MemoryProcess(input.crash());
    const ending = await job.run(placeOn(process), { incarnation: "whole" });
    assert.equal(ending.kind, "finished");
    assert.ok(ending.kind === "finished" && ending.epoch >= commitsMin);
    const journal = [...process.journal];
    return new MemoryBench(job, input, await job.view(placeOn(process)), journal);
  }

  /** A disk on which the job has its input and has never run. */
  fresh(): MemoryDisk {
    return this.#input.crash();
  }

  /** One life of the job on this disk. */
  async live(
    disk: MemoryDisk,
    hook: DiskHook = {},
    limitMs: number = hangsAfterMs,
  ): Promise<Ending> {
    this.#lives += 1;
    const place = placeOn(new MemoryProcess(disk, hook));
    let timer: NodeJS.Timeout | undefined;
    const hangs = new Promise<never>((_, fail) => {
      timer = setTimeout(() => fail(new Error("the run hangs")), limitMs);
    });
    try {
      return await Promise.race([
        this.#job.run(place, { incarnation: `life-${this.#lives}` }),
        hangs,
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What a reader may believe on this disk is right, as far as it goes. */
  async checkVisible(disk: MemoryDisk): Promise<void> {
    const view = await this.#viewOf(disk);
    if (!isBeginningOf(view, this.whole))
      assert.deepEqual(view, this.whole, "something else is visible");
  }

  /** Another life on this disk reaches the end, and everything is visible then, once. */
  async checkHeals(disk: MemoryDisk): Promise<void> {
    const ending = await this.live(disk);
    if (ending.kind === "stopped") throw ending.error;
    assert.equal(ending.kind, "finished");
    await this.checkWhole(disk);
  }

  async checkWhole(disk: MemoryDisk): Promise<void> {
    assert.deepEqual(await this.#viewOf(disk), this.whole);
  }

  /** Readers work on a copy: what they do there changes nothing. */
  #viewOf(disk: MemoryDisk): Promise<View> {
    return this.#job.view(placeOn(new MemoryProcess(disk.crash())));
  }
}
