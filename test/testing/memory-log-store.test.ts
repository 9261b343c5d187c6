import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { LevelLogStore } from "../../engine/state/level-log-store.ts";
import { diskError } from "../../engine/testing/disk-operations.ts";
import { MemoryDisk } from "../../engine/testing/memory-disk.ts";
import { memoryLogStores } from "../../engine/testing/memory-log-store.ts";
import { MemoryProcess } from "../../engine/testing/memory-process.ts";
import { temporaryDirectory } from "../state/state-fixtures.ts";
import { logStoreContract } from "./log-store-contract.ts";

logStoreContract("Level", async (t) => ({
  open: (path, options) => LevelLogStore.open(path, options),
  path: join(temporaryDirectory(t), "log"),
}));

logStoreContract("the log in memory", async () => ({
  open: memoryLogStores(new MemoryProcess(new MemoryDisk())),
  path: "/log",
}));

const key = (text: string): Uint8Array => Buffer.from(text);

async function keysOn(disk: MemoryDisk): Promise<readonly string[]> {
  const open = memoryLogStores(new MemoryProcess(disk));
  const store = await open("/log", { createIfMissing: false });
  const keys: string[] = [];
  for await (const entry of store.entries()) keys.push(Buffer.from(entry.key).toString());
  return keys;
}

test("a write that has resolved survives a power loss; one under way may, whole or not at all", async () => {
  const disk = new MemoryDisk();
  const process = new MemoryProcess(disk);
  const store = await memoryLogStores(process)("/log", { createIfMissing: true });
  await store.put(key("1"), key("one"));
  await store.put(key("2"), key("two"));
  disk.settle();
  const seen = new Set<string>();
  let killed: readonly string[] = [];
  process.hook = {
    async before({ kind }) {
      if (kind !== "store.sync") return;
      for (let seed = 0; seed < 20; seed += 1) seen.add(String(await keysOn(disk.powerLoss(seed))));
      killed = await keysOn(disk.crash());
    },
  };
  await store.deleteMany([key("1"), key("2")]);
  assert.deepEqual([...seen].toSorted(), ["", "1,2"]);
  assert.deepEqual(killed, []);
  for (let seed = 0; seed < 20; seed += 1) assert.deepEqual(await keysOn(disk.powerLoss(seed)), []);
});

test("a log that a power loss hits before its first write may not open; afterwards it always does", async () => {
  const disk = new MemoryDisk();
  const store = await memoryLogStores(new MemoryProcess(disk))("/log", { createIfMissing: true });
  disk.root.sync();
  const outcomes = new Map<string, number>();
  const look = async (): Promise<void> => {
    for (let seed = 0; seed < 30; seed += 1) {
      const outcome = await keysOn(disk.powerLoss(seed)).then(
        String,
        (error: { code: string }) => error.code,
      );
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  };
  await look();
  assert.deepEqual([...outcomes.keys()].toSorted(), ["", "STATE_CORRUPT"]);
  outcomes.clear();
  await store.put(key("1"), key("one"));
  await look();
  assert.deepEqual([...outcomes], [["1", 30]]);
});

test("after a write that failed the store takes no more, whatever became of it", async () => {
  for (const [place, left] of [
    ["before", ["1"]],
    ["after", ["1", "2"]],
  ] as const) {
    const process = new MemoryProcess(new MemoryDisk());
    const store = await memoryLogStores(process)("/log", { createIfMissing: true });
    await store.put(key("1"), key("one"));
    process.hook = {
      [place]({ kind, path }: { kind: string; path: string }) {
        if (kind === "store.write") throw diskError("ENOSPC", "write", path);
      },
    };
    await assert.rejects(store.put(key("2"), key("two")), { code: "DISK_FULL" });
    process.hook = {};
    await assert.rejects(store.put(key("3"), key("three")), { code: "DISK_FULL" });
    assert.deepEqual(await keysOn(process.disk.crash()), left);
  }
});
