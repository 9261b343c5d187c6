import assert from "node:assert/strict";
import { exitCode } from "../../engine/core/errors.ts";
import type { DiskOperation } from "../../engine/testing/disk-operations.ts";
import type { MemoryDisk } from "../../engine/testing/memory-disk.ts";
import { seededRandom } from "../crash/random.ts";
import type { MemoryBench } from "./memory-bench.ts";

/** A moment of a run: before or after one of the things it asks the disk for. */
export interface Moment {
  readonly when: "before" | "after";
  readonly operation: DiskOperation;
}

/** Where a power loss during recovery is put: lives that only recover ask for fewer things than this. */
const recoveryCalls = 60;
/** Of the outer life, which waits at each moment until all that happens there is done. */
const outerLimitMs = 3_600_000;

/** One life, held at each of its moments for `look`. */
export async function atEachMoment(
  bench: MemoryBench,
  look: (disk: MemoryDisk, moment: Moment) => Promise<void>,
): Promise<void> {
  const disk = bench.fresh();
  const ending = await bench.live(
    disk,
    {
      async before(operation) {
        await look(disk, { when: "before", operation });
        return undefined;
      },
      after: (operation) => look(disk, { when: "after", operation }),
    },
    outerLimitMs,
  );
  assert.equal(ending.kind, "finished");
  await bench.checkWhole(disk);
}

/**
 * The power fails at this moment, and then once more in the next life, at any of its calls; then it stays. What
 * readers may believe is right all the time, and in the end everything is there. Gives how the last life ended; throws
 * if that was neither.
 */
export async function meetPowerLoss(
  bench: MemoryBench,
  disk: MemoryDisk,
  seed: number,
): Promise<string> {
  const random = seededRandom(seed);
  let image = disk.powerLoss(seed);
  let how = "whole after one power loss";
  await bench.checkVisible(image);
  if (random() < 0.4) {
    how = "whole after two power losses";
    const cutAt = 1 + Math.floor(random() * recoveryCalls);
    let second: MemoryDisk | undefined;
    const ending = await bench.live(image, {
      before({ n }) {
        if (n === cutAt) second = image.powerLoss(seed + 1);
        return undefined;
      },
    });
    if (ending.kind === "stopped") return refusal(bench, image, ending.error);
    image = second ?? image;
    await bench.checkVisible(image);
  }
  const ending = await bench.live(image);
  if (ending.kind === "stopped") return refusal(bench, image, ending.error);
  await bench.checkWhole(image);
  return how;
}

async function refusal(
  bench: MemoryBench,
  image: MemoryDisk,
  error: Error & {
    readonly code: string;
    readonly exit: number;
    readonly hint: string | undefined;
  },
): Promise<string> {
  assert.equal(error.exit, exitCode.person, error.stack);
  assert.notEqual(error.hint, undefined, `"${error.message}" does not say what to do`);
  await bench.checkVisible(image);
  return `refused: ${error.code} ${error.message}`;
}
