// Loaded before the program in each thread of its process: every few seconds writes to descriptor 3 the thread's number
// and what it keeps in memory, in bytes, after a full collection. Needs --expose-gc.
import { writeSync } from "node:fs";
import process from "node:process";
import { threadId } from "node:worker_threads";

const everyMs = 5000;
const timer = setInterval(() => {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  writeSync(3, `${threadId} ${heapUsed + external}\n`);
}, everyMs);
timer.unref();
