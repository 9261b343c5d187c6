import assert from "node:assert/strict";
import { test } from "node:test";
import type { TopicsFolder } from "../../engine/connectors/embedded/topics-folder.ts";
import { MemoryDisk } from "../../engine/testing/memory-disk.ts";
import { MemoryFiles } from "../../engine/testing/memory-files.ts";
import { MemoryProcess } from "../../engine/testing/memory-process.ts";
import { consumeTexts, machineClock, produce, record } from "./embedded-fixtures.ts";

const directory = "/disk/topics";
const imagesEach = 40;
/** After these there is something else to lose. */
const changes: ReadonlySet<string> = new Set(["makeDirectory", "write", "sync"]);

function folderOf(process: MemoryProcess): TopicsFolder {
  return { directory, files: new MemoryFiles(process), clock: machineClock };
}

/** Ends the process when it has renamed the journal into its place, and not synced the directory. */
function killedAtRename(disk: MemoryDisk): { process: MemoryProcess; killed: Promise<void> } {
  const process = new MemoryProcess(disk);
  const killed = new Promise<void>((resolve) => {
    process.hook = {
      after({ kind }) {
        if (kind !== "rename") return undefined;
        process.kill();
        resolve();
        return new Promise(() => {});
      },
    };
  });
  return { process, killed };
}

async function readable(disk: MemoryDisk, because: string): Promise<readonly string[]> {
  const folder = folderOf(new MemoryProcess(disk));
  try {
    await produce(folder, "orders", [record("after")]);
    return (await consumeTexts(folder, "orders")).filter((text) => text !== "after");
  } catch (error) {
    throw new Error(because, { cause: error });
  }
}

void test("a writer makes durable the journal that a killed one has left, before anything depends on it", async () => {
  for (const before of ["nothing", "a long journal"]) {
    const disk = new MemoryDisk();
    const first = folderOf(new MemoryProcess(disk));
    await first.files.makeDirectory("/disk");
    disk.settle();
    const kept: string[] = [];
    if (before !== "nothing") {
      await produce(first, "orders", [record("kept")]);
      kept.push("kept");
    }
    const { process, killed } = killedAtRename(disk);
    // With a limit of one byte the journal is replaced after the records of the killed one are in it.
    void produce(folderOf(process), "orders", [record("killed")], { journalBytesMax: 1 });
    await killed;
    if (before !== "nothing") kept.push("killed");

    const next = new MemoryProcess(disk);
    const images: { image: MemoryDisk; because: string; acknowledged: readonly string[] }[] = [];
    next.hook = {
      after({ n, kind, path }) {
        if (!changes.has(kind)) return;
        for (let seed = 0; seed < imagesEach; seed += 1) {
          const because = `${before}, operation ${n}: ${kind} ${path}, seed ${seed}`;
          images.push({ image: disk.powerLoss(seed), because, acknowledged: [...kept] });
        }
      },
    };
    for (const text of ["one", "two"]) {
      await produce(folderOf(next), "orders", [record(text)]);
      kept.push(text);
    }
    assert.ok(images.length > 500);
    for (const { image, because, acknowledged } of images) {
      const found = await readable(image, because);
      const missing = acknowledged.filter((text) => !found.includes(text));
      assert.deepEqual(missing, [], because);
    }
  }
});
