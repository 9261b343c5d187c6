import assert from "node:assert/strict";
import { test } from "node:test";
import { replaceFile } from "../../engine/core/durable-file.ts";
import type { DiskOperation } from "../../engine/testing/disk-operations.ts";
import { diskError } from "../../engine/testing/disk-operations.ts";
import { MemoryDisk } from "../../engine/testing/memory-disk.ts";
import { MemoryFiles } from "../../engine/testing/memory-files.ts";
import { MemoryProcess } from "../../engine/testing/memory-process.ts";

function processOn(disk: MemoryDisk): { process: MemoryProcess; files: MemoryFiles } {
  const process = new MemoryProcess(disk);
  return { process, files: new MemoryFiles(process) };
}

async function textOn(disk: MemoryDisk, path: string): Promise<string | undefined> {
  return (await processOn(disk).files.readFile(path))?.toString("latin1");
}

const missing = "(no file)";

/** What the path can hold after a power loss. */
async function losses(disk: MemoryDisk, path: string): Promise<readonly string[]> {
  const texts = new Set<string>();
  for (let seed = 0; seed < 300; seed += 1) {
    texts.add((await textOn(disk.powerLoss(seed), path)) ?? missing);
  }
  return [...texts].toSorted();
}

test("a kill loses nothing; a power loss leaves what was synced and any part of the rest", async () => {
  const disk = new MemoryDisk();
  const { files } = processOn(disk);
  const file = await files.open("/a", "create");
  await files.syncDirectory("/");
  await file.write(Buffer.from("base"), 0);
  await file.sync();
  await file.write(Buffer.from("xy"), 4);
  assert.equal(await textOn(disk.crash(), "/a"), "basexy");
  const seen = await losses(disk, "/a");
  for (const text of seen) assert.match(text, /^base(\0\0|x|xy)?$/);
  for (const text of ["base", "basex", "basexy", "base\0\0"]) assert.ok(seen.includes(text), text);
  await file.sync();
  assert.deepEqual(await losses(disk, "/a"), ["basexy"]);
  await file.truncate(2);
  assert.deepEqual(await losses(disk, "/a"), ["ba", "basexy"]);
});

test("a large write tears at sectors, and not only at its end", async () => {
  const disk = new MemoryDisk();
  const { files } = processOn(disk);
  const file = await files.open("/a", "create");
  await file.write(Buffer.alloc(4096, "o"), 0);
  disk.settle();
  await file.write(Buffer.alloc(4096, "n"), 0);
  const torn = (await losses(disk, "/a")).filter((text) => /^(?:n{512}|o{512})*$/.test(text));
  assert.ok(torn.some((text) => /no+n/.test(text)));
});

test("a name needs its directory synced: made, renamed and removed ones are lost or there", async () => {
  const disk = new MemoryDisk();
  const { files } = processOn(disk);
  await files.makeDirectory("/d");
  const file = await files.open("/d/a", "create");
  await file.write(Buffer.from("a"), 0);
  await file.sync();
  assert.deepEqual(await losses(disk, "/d/a"), [missing, "a"]);
  await files.syncDirectory("/d");
  // The directory itself is an entry of the one above it.
  assert.deepEqual(await losses(disk, "/d/a"), [missing, "a"]);
  await files.syncDirectory("/");
  assert.deepEqual(await losses(disk, "/d/a"), ["a"]);
  await files.rename("/d/a", "/d/b");
  assert.deepEqual(await losses(disk, "/d/b"), [missing, "a"]);
  await files.syncDirectory("/d");
  assert.deepEqual(await losses(disk, "/d/b"), ["a"]);
  assert.deepEqual(await losses(disk, "/d/a"), [missing]);
  await files.remove("/d");
  assert.deepEqual(await losses(disk, "/d/b"), [missing, "a"]);
  await files.syncDirectory("/");
  assert.deepEqual(await losses(disk, "/d/b"), [missing]);
});

test("a file that was replaced durably is the old one or the new one at every step, never less", async () => {
  const disk = new MemoryDisk();
  const { process, files } = processOn(disk);
  await replaceFile(files, "/head", Buffer.from("old"));
  const seen = new Set<string>();
  const look = async (): Promise<void> => {
    for (const text of await losses(disk, "/head")) seen.add(text);
  };
  process.hook = {
    async before() {
      await look();
    },
    after: look,
  };
  await replaceFile(files, "/head", Buffer.from("new"));
  assert.deepEqual([...seen].toSorted(), ["new", "old"]);
  assert.deepEqual(await losses(disk, "/head"), ["new"]);
});

test("an image is a disk of its own, and the same seed gives the same one", async () => {
  const disk = new MemoryDisk();
  const { files } = processOn(disk);
  const file = await files.open("/a", "create");
  await file.write(Buffer.alloc(2000, 1), 0);
  const image = disk.crash();
  await (await processOn(image).files.open("/b", "create")).close();
  await file.write(Buffer.alloc(2000, 2), 2000);
  assert.equal((await textOn(image, "/a"))?.length, 2000);
  assert.equal(await textOn(disk, "/b"), undefined);
  for (let seed = 0; seed < 50; seed += 1) {
    assert.equal(
      await textOn(disk.powerLoss(seed), "/a"),
      await textOn(disk.powerLoss(seed), "/a"),
    );
  }
  // A kill does not make durable what was not.
  assert.ok((await losses(image, "/a")).includes(missing));
});

test("the hook sees each operation before and after, and can fail, tear or lose it", async () => {
  const disk = new MemoryDisk();
  const { process, files } = processOn(disk);
  const seen: string[] = [];
  const tell = (when: string) => (operation: DiskOperation) => {
    seen.push(`${when} ${operation.n} ${operation.kind} ${operation.path}`);
    return undefined;
  };
  process.hook = { before: tell("before"), after: tell("after") };
  const file = await files.open("/a", "create");
  await file.write(Buffer.from("abcd"), 0);
  assert.deepEqual(seen, [
    "before 1 open /a",
    "after 1 open /a",
    "before 2 write /a",
    "after 2 write /a",
  ]);
  assert.deepEqual(process.journal[1], { n: 2, kind: "write", path: "/a", bytes: 4 });

  const full = diskError("ENOSPC", "write", "/a");
  process.hook = {
    before() {
      throw full;
    },
  };
  await assert.rejects(file.write(Buffer.from("1234"), 0), { code: "ENOSPC" });
  process.hook = { before: () => ({ torn: full }) };
  await assert.rejects(file.write(Buffer.from("56"), 0), { code: "ENOSPC" });
  process.hook = {
    after() {
      throw diskError("EIO", "write", "/a");
    },
  };
  await assert.rejects(file.write(Buffer.from("z"), 3), { code: "EIO" });
  process.hook = { before: ({ kind }) => (kind === "sync" ? "lost" : undefined) };
  await file.sync();
  assert.equal(await textOn(disk, "/a"), "5bcz");
  await files.syncDirectory("/");
  assert.ok((await losses(disk, "/a")).includes(""));
});

test("a directory is held by one process at a time, until it lets go or dies", async () => {
  const disk = new MemoryDisk();
  const first = processOn(disk);
  const second = processOn(disk);
  await first.files.makeDirectory("/d");
  const hold = await first.files.lockDirectory("/d");
  assert.notEqual(hold, undefined);
  assert.equal(await second.files.lockDirectory("/d"), undefined);
  assert.notEqual(await processOn(disk.crash()).files.lockDirectory("/d"), undefined);
  await hold?.release();
  assert.notEqual(await second.files.lockDirectory("/d"), undefined);
  second.process.kill();
  let answered = false;
  void second.files.stat("/d").then(() => (answered = true));
  assert.notEqual(await first.files.lockDirectory("/d"), undefined);
  assert.equal(answered, false);
});
