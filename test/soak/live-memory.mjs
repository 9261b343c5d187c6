// Loaded before the program in its process: every few seconds writes to descriptor 3 what it keeps in memory, in
// bytes, after a full collection. Needs --expose-gc.
import { writeSync } from "node:fs";
import process from "node:process";

const everyMs = 5000;
const timer = setInterval(() => {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  writeSync(3, `${heapUsed + external}\n`);
}, everyMs);
timer.unref();
