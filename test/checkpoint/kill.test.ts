import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import { readHead } from "../../engine/checkpoint/head.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { temporaryDirectory } from "../state/state-fixtures.ts";
import { smallRun, visible } from "./small-run.ts";

const records = 9100;
const child = fileURLToPath(new URL("small-run-child.ts", import.meta.url));

async function complete(directory: string, incarnation = "last"): Promise<void> {
  await smallRun({ directory, files: nodeFiles, failpoints: noFailpoints, records, incarnation });
}

async function assertAsUninterrupted(
  context: Parameters<typeof temporaryDirectory>[0],
  directory: string,
): Promise<void> {
  const untroubled = temporaryDirectory(context);
  await complete(untroubled);
  assert.deepEqual(await visible(nodeFiles, directory), await visible(nodeFiles, untroubled));
}

async function runChild(
  directory: string,
  incarnation: string,
  options: { failpoints?: string; killAfterMs?: number },
): Promise<void> {
  const pauseMs = options.killAfterMs === undefined ? 0 : 2;
  const process = spawn(
    globalThis.process.execPath,
    [
      "--import",
      "tsx",
      child,
      directory,
      String(records),
      incarnation,
      String(pauseMs),
      options.failpoints ?? "",
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let timer: NodeJS.Timeout | undefined;
  process.stdout.on("data", (said) => {
    if (options.killAfterMs === undefined || timer !== undefined || !String(said).includes("batch"))
      return;
    timer = setTimeout(() => process.kill("SIGKILL"), options.killAfterMs);
  });
  await once(process, "exit");
  clearTimeout(timer);
}

test("kill -9 at moments of its own choosing, in a row on one state, costs and doubles nothing", async (t) => {
  const directory = temporaryDirectory(t);
  let epoch = 0;
  for (let round = 0; round < 5; round++) {
    await runChild(directory, `run-${round}`, { killAfterMs: 5 + ((round * 37) % 60) });
    const head = await readHead(nodeFiles, `${directory}/state`);
    assert.ok(head !== undefined && head.epoch >= epoch);
    epoch = head.epoch;
  }
  await complete(directory);
  await assertAsUninterrupted(t, directory);
});

test("kill -9 at the steps that decide, in a row on one state, costs and doubles nothing", async (t) => {
  const directory = temporaryDirectory(t);
  const crashes: FailpointName[] = [
    "identity.write.before",
    "identity.write.after",
    "log.chunk.after",
    "outbox.rename.after",
    "commit.record.before",
    "commit.record.after",
    "commit.head.after",
    "file.publish.after",
  ];
  for (const [round, name] of crashes.entries()) {
    await runChild(directory, `run-${round}`, { failpoints: `${name}=crash` });
  }
  await complete(directory);
  await assertAsUninterrupted(t, directory);
});
