import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";
import { extname } from "node:path";
import { env, pid } from "node:process";
import type { Failpoints } from "../core/failpoints.ts";
import { nodeClock } from "../runtime/node-clock.ts";
import { nodeIntakeWorker } from "../runtime/node-intake-worker.ts";
import type { RunOptions, RunPorts } from "../runtime/run.ts";
import { failpointScript } from "../testing/failpoint-script.ts";

/** Changes with each boot of the machine; empty where the system does not tell. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

/** This machine and process, as runs name them. */
export function host(): RunPorts["host"] {
  return { name: hostname(), pid, bootId: bootId() };
}

export const newIncarnation = (): string => randomUUID();
export const newHashSeed = (): string => randomBytes(16).toString("hex");

/** Failpoints as the environment asks for them: for tests of crashes, nothing otherwise. */
export function failpoints(): Failpoints {
  return failpointScript(env["PIPELINE_FAILPOINTS"], (ms) => nodeClock.sleep(ms));
}

/** Beside this file, and in the language that this file runs in. */
const intakeThread = new URL(`intake-thread${extname(import.meta.url)}`, import.meta.url);

export const startIntakeWorker = nodeIntakeWorker(intakeThread);

/** A second thread of its own accord only where the machine has a core for it. */
export function defaultThreads(): RunOptions["threads"] {
  return availableParallelism() > 1 ? "auto" : 1;
}
