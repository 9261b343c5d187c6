import type { Random } from "../../engine/connectors/generate/random.ts";
import type {
  DiskErrorCode,
  DiskOperation,
  DiskOperationKind,
  Verdict,
} from "../../engine/testing/disk-operations.ts";
import { diskError } from "../../engine/testing/disk-operations.ts";

/** What happens to one life of a job, each from that turn of the life on. */
export type Fault =
  | { readonly kind: "kill" | "power loss" | "stop" | "twin"; readonly turn: number }
  | {
      readonly kind: "call fails";
      readonly turn: number;
      readonly code: "EIO" | "ENOSPC";
      readonly effect: "before" | "torn" | "after";
      /** How many calls in a row. */
      readonly calls: number;
    }
  /** From here on the disk answers a sync, and keeps nothing by it, for these of the syncs. */
  | { readonly kind: "lying disk"; readonly turn: number; readonly odds: number }
  /** Operations on paths with this in them take very long. */
  | { readonly kind: "slow"; readonly turn: number; readonly place: string }
  | { readonly kind: "clock"; readonly turn: number; readonly ms: number };

function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[Math.floor(random() * values.length)] ?? values[0];
}

const hourMs = 3_600_000;

/** Faults of one life, of which at most one ends it on purpose. */
export function randomFaults(random: Random, turns: number): readonly Fault[] {
  const turn = (): number => Math.floor(random() * turns);
  const faults: Fault[] = [];
  if (random() < 0.3)
    faults.push({
      kind: "clock",
      turn: turn(),
      ms: pick(random, [-25 * hourMs, -hourMs, hourMs, 25 * hourMs]),
    });
  if (random() < 0.3)
    faults.push({
      kind: "slow",
      turn: turn(),
      place: pick(random, ["/out", "/topics", "/state", "outbox", "log"]),
    });
  if (random() < 0.2) faults.push({ kind: "twin", turn: turn() });
  const ending = random();
  if (ending < 0.3) faults.push({ kind: "kill", turn: turn() });
  else if (ending < 0.6) faults.push({ kind: "power loss", turn: turn() });
  else if (ending < 0.7) faults.push({ kind: "stop", turn: turn() });
  else {
    faults.push({
      kind: "call fails",
      turn: turn(),
      code: pick(random, ["EIO", "ENOSPC"]),
      effect: pick(random, ["before", "torn", "after"]),
      calls: pick(random, [1, 1, 2, Infinity]),
    });
  }
  return faults;
}

/** A disk that lies from some moment on, and a power loss that brings it to light. */
export function lyingDisk(random: Random, turns: number): readonly Fault[] {
  const endsAt = Math.floor(random() * turns);
  return [
    { kind: "lying disk", turn: Math.floor(random() * endsAt), odds: pick(random, [0.2, 0.7, 1]) },
    { kind: "power loss", turn: endsAt },
  ];
}

/** What a lie is told about. */
export const syncs: ReadonlySet<DiskOperationKind> = new Set([
  "sync",
  "syncDirectory",
  "store.sync",
]);

/** The calls of one life that fail. */
export class FailingCalls {
  readonly #fault: Fault & { readonly kind: "call fails" };
  #left: number;
  /** True once a call has failed. */
  met = false;

  constructor(fault: Fault & { readonly kind: "call fails" }) {
    this.#fault = fault;
    this.#left = fault.calls;
  }

  before(operation: DiskOperation, turn: number): Verdict {
    const { effect } = this.#fault;
    if (effect === "after" || !this.#hits(turn)) return undefined;
    const error = this.#error(operation, this.#fault.code);
    if (effect === "torn" && operation.kind === "write") return { torn: error };
    throw error;
  }

  after(operation: DiskOperation, turn: number): void {
    if (this.#fault.effect === "after" && this.#hits(turn)) {
      throw this.#error(operation, this.#fault.code);
    }
  }

  #hits(turn: number): boolean {
    if (turn < this.#fault.turn || this.#left <= 0) return false;
    this.#left -= 1;
    this.met = true;
    return true;
  }

  #error({ kind, path }: DiskOperation, code: DiskErrorCode): Error {
    return diskError(code, kind, path);
  }
}
