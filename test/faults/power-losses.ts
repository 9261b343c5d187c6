import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
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
/** Turns of the event loop that an operation takes at most: some are slow, so that others overtake them. */
const slowTurns = 40;
/** Of the outer life, which waits at each moment until all that happens there is done. */
const outerLimitMs = 3_600_000;

/** One life on a disk whose operations take as long as the seed says, held at each of its moments for `look`. */
export async function atEachMoment(
  bench: MemoryBench,
  seed: number,
  look: (disk: MemoryDisk, moment: Moment) => Promise<void>,
): Promise<void> {
  const random = seededRandom(seed);
  const disk = bench.fresh();
  const ending = await bench.live(
    disk,
    {
      async before(operation) {
        await look(disk, { when: "before", operation });
        if (random() < 0.2) for (let left = random() * slowTurns; left > 0; left -= 1) await turn();
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
 * The power fails at this moment, or the process is killed, and then the power fails once more in the next life, at any
 * of its calls; then it stays. What readers may believe is right all the time, and in the end everything is there: the
 * disk keeps what was synced, so there is no reason to refuse either. Gives what happened.
 */
export async function meetPowerLoss(
  bench: MemoryBench,
  disk: MemoryDisk,
  seed: number,
): Promise<string> {
  const random = seededRandom(seed);
  const isKill = random() < 0.2;
  let image = isKill ? disk.crash() : disk.powerLoss(seed);
  let how = isKill ? "whole after a kill" : "whole after a power loss";
  await bench.checkVisible(image);
  if (random() < 0.4) {
    const cutAt = 1 + Math.floor(random() * recoveryCalls);
    let second: MemoryDisk | undefined;
    const life = image;
    const ending = await bench.live(life, {
      before({ n }) {
        if (n === cutAt) second = life.powerLoss(seed + 1);
        return undefined;
      },
    });
    if (ending.kind === "stopped") throw ending.error;
    if (second !== undefined) {
      how += " and a power loss in recovery";
      image = second;
      await bench.checkVisible(image);
    }
  }
  await bench.checkHeals(image);
  return how;
}
