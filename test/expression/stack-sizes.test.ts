import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { promisify } from "node:util";
import { languageAttacks } from "./attacks.ts";

const run = promisify(execFile);

/** How each attack ends in a process whose stack has this many kB. */
async function endings(stackKb: number): Promise<readonly string[]> {
  const script = fileURLToPath(new URL("attack-endings.ts", import.meta.url));
  const flags = [`--stack-size=${stackKb}`, ...process.execArgv, script];
  const { stdout } = await run(process.execPath, flags, { maxBuffer: 10_000_000 });
  return JSON.parse(stdout) as string[];
}

test("attacks end the same way, to the letter, on a small stack and on a large one", async () => {
  const [small, large] = await Promise.all([endings(300), endings(4000)]);
  assert.equal(small?.length, languageAttacks.length);
  assert.deepEqual(small, large);
});
