import assert from "node:assert/strict";
import { exitCode } from "../../engine/core/errors.ts";
import { diskError } from "../../engine/testing/disk-operations.ts";
import type {
  DiskHook,
  DiskOperation,
  DiskOperationKind,
} from "../../engine/testing/disk-operations.ts";
import type { MemoryBench } from "./memory-bench.ts";

/** The call `at` of a run fails. */
export interface CallFault {
  readonly at: number;
  readonly code: "EIO" | "ENOSPC";
  /** `ever`: every later call that can fail so does as well. */
  readonly lasts: "once" | "ever";
  /** Whether the call has an effect all the same; a torn write has half of it. */
  readonly effect: "before" | "torn" | "after";
}

/** What takes room on the disk, or may only find out then that there is none. */
const needsSpace: ReadonlySet<DiskOperationKind> = new Set([
  "open",
  "makeDirectory",
  "rename",
  "syncDirectory",
  "write",
  "truncate",
  "sync",
  "store.open",
  "store.write",
  "store.sync",
  "store.compact",
]);

function canFail({ kind }: DiskOperation, { code, effect }: Omit<CallFault, "at">): boolean {
  if (effect === "torn" && kind !== "write") return false;
  return code === "EIO" || needsSpace.has(kind);
}

/** Every fault of this kind that a run without faults can meet. */
export function callFaults(
  journal: readonly DiskOperation[],
  kind: Omit<CallFault, "at">,
): readonly CallFault[] {
  return journal
    .filter((operation) => canFail(operation, kind))
    .map(({ n }) => ({ ...kind, at: n }));
}

export const faultKinds: readonly Omit<CallFault, "at">[] = (["EIO", "ENOSPC"] as const).flatMap(
  (code) =>
    (["once", "ever"] as const).flatMap((lasts) =>
      (["before", "torn", "after"] as const).map((effect) => ({ code, lasts, effect })),
    ),
);

function hookOf(fault: CallFault): DiskHook {
  const hits = (operation: DiskOperation): boolean =>
    (operation.n === fault.at || (fault.lasts === "ever" && operation.n > fault.at)) &&
    canFail(operation, fault);
  const errorOf = ({ kind, path }: DiskOperation): Error => diskError(fault.code, kind, path);
  if (fault.effect === "after") {
    return {
      after(operation) {
        if (hits(operation)) throw errorOf(operation);
      },
    };
  }
  return {
    before(operation) {
      if (!hits(operation)) return undefined;
      if (fault.effect === "torn") return { torn: errorOf(operation) };
      throw errorOf(operation);
    },
  };
}

/**
 * A life in which the call fails, then another one on what it left, and one on what a power loss would have left.
 * Gives how the first life ended; throws if it was neither the whole output nor an orderly stop, or if a later one
 * does not make up for it.
 */
export async function meetCallFault(bench: MemoryBench, fault: CallFault): Promise<string> {
  const disk = bench.fresh();
  const ending = await bench.live(disk, hookOf(fault));
  let how = "finished";
  if (ending.kind === "finished") await bench.checkWhole(disk);
  else {
    assert.equal(ending.kind, "stopped");
    const { error } = ending;
    how = error.code;
    assert.equal(error.exit, exitCode.retry, `${error.code} ${error.message}`);
    assert.match(error.message, /\/|in\.jsonl/, "the message names a path");
  }
  assert.equal(disk.holders.size, 0, "something is still held");
  await bench.checkVisible(disk);
  await bench.checkHeals(disk.crash());
  await bench.checkHeals(disk.powerLoss(fault.at));
  return how;
}
