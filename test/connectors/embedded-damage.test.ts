import assert from "node:assert/strict";
import { cp, open, readFile, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import type { TopicsFolder } from "../../engine/connectors/embedded/topics-folder.ts";
import { EngineError } from "../../engine/core/errors.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import {
  deliverEpochs,
  deliveredView,
  epochPartitions,
  expectedView,
  folderAt,
  temporaryFolder,
} from "./embedded-fixtures.ts";

const options = { failpoints: noFailpoints };

interface Journal {
  readonly folder: TopicsFolder;
  readonly path: string;
}

async function folderWith(
  t: Parameters<typeof temporaryFolder>[0],
  epochs: number,
): Promise<Journal> {
  const folder = await temporaryFolder(t);
  await deliverEpochs(folder, "first", epochs, options);
  return { folder, path: join(folder.directory, "journal") };
}

/** Where the newest entry of the journal starts. */
async function lastEntryStart(path: string): Promise<number> {
  return (await readFile(path)).lastIndexOf(Buffer.from("PEJ1", "latin1"));
}

test("a tail of the journal that was never synced is no entry, and the next writer cuts it", async (t) => {
  const { folder, path } = await folderWith(t, 3);
  const before = await readFile(path);
  const entryAt = await lastEntryStart(path);
  const last = before.subarray(entryAt, before.length - 16);
  const tails: readonly Buffer[] = [
    Buffer.from([1]),
    Buffer.alloc(5000),
    Buffer.from("P"),
    ...[1, 8, 11, 12, 40, last.length - 1].map((length) => last.subarray(0, length)),
    Buffer.concat([last.subarray(0, last.length - 20), Buffer.alloc(20)]),
    Buffer.concat([Buffer.alloc(12), last.subarray(12)]),
  ];
  for (const [index, tail] of tails.entries()) {
    await writeFile(path, Buffer.concat([before, tail]));
    assert.deepEqual(await deliveredView(folder), expectedView(3), `tail ${index}`);
    await deliverEpochs(folder, `life-${index}`, 4, options);
    assert.deepEqual(await deliveredView(folder), expectedView(4), `tail ${index}`);
    await rm(folder.directory, { recursive: true });
    await deliverEpochs(folder, "first", 3, options);
    assert.equal(await lastEntryStart(path), entryAt);
  }
});

test("an entry that lost its seal counts, and is sealed by the next writer", async (t) => {
  const { folder, path } = await folderWith(t, 2);
  const whole = await readFile(path);
  for (const lost of [16, 9, 1]) {
    await writeFile(path, whole.subarray(0, whole.length - lost));
    assert.deepEqual(await deliveredView(folder), expectedView(2));
  }
  await deliverEpochs(folder, "second", 3, options);
  assert.deepEqual(await deliveredView(folder), expectedView(3));
});

test("a journal that lost its newest entries is an earlier state, whole", async (t) => {
  const { folder, path } = await folderWith(t, 4);
  const whole = await readFile(path);
  const views = Array.from({ length: 5 }, (_, epochs) => JSON.stringify(expectedView(epochs)));
  for (let length = whole.length; length > 0; length -= 61) {
    await writeFile(path, whole.subarray(0, length));
    const view = await viewOf(folder);
    assert.ok(
      view === "TOPIC_DAMAGED" || view === "TOPIC_MISSING" || views.includes(view),
      `cut at ${length}`,
    );
  }
});

async function viewOf(folder: TopicsFolder): Promise<string> {
  try {
    return JSON.stringify(await deliveredView(folder));
  } catch (error) {
    if (error instanceof EngineError) return error.code;
    throw error;
  }
}

test("a flipped bit anywhere in the journal or a log is found, or changes nothing", async (t) => {
  const { folder } = await folderWith(t, 6);
  const expected = JSON.stringify(expectedView(6));
  const files = ["journal", ...(await logs(folder))];
  const sizes = await Promise.all(
    files.map(async (name) => (await stat(join(folder.directory, name))).size),
  );
  let found = 0;
  let equal = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: files.length * 2 - 1 }),
      fc.noBias(fc.integer({ min: 0, max: 99_999 })),
      fc.integer({ min: 0, max: 7 }),
      async (file, place, bit) => {
        // The journal matters most: every other flip goes there.
        const index = file < files.length ? 0 : file - files.length;
        const name = files[index] ?? "";
        const at = Math.floor(((sizes[index] ?? 0) * place) / 100_000);
        const undo = await flip(join(folder.directory, name), at, bit);
        const view = await viewOf(folder);
        await undo();
        if (view === expected) equal += 1;
        else if (view === "TOPIC_DAMAGED") found += 1;
        else assert.fail(`${name} byte ${at} bit ${bit}: ${view.slice(0, 80)}`);
      },
    ),
    { numRuns: 300, seed: 3 },
  );
  // Only the last seal and its like may be flipped without being found.
  assert.ok(found > 280 && equal < 20, `${found} found, ${equal} equal`);
});

async function logs(folder: TopicsFolder): Promise<string[]> {
  const names = await readdir(folder.directory);
  const topics = names.filter((name) => name.endsWith(".left") || name.endsWith(".right"));
  return topics.flatMap((name) =>
    Array.from({ length: epochPartitions }, (_, partition) => join(name, `${partition}.log`)),
  );
}

async function flip(path: string, at: number, bit: number): Promise<() => Promise<void>> {
  const byte = Buffer.alloc(1);
  const write = async (): Promise<void> => {
    const file = await open(path, "r+");
    await file.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ (1 << bit);
    await file.write(byte, 0, 1, at);
    await file.close();
  };
  await write();
  return write;
}

test("a flip in the last entry stops the next writer, who changes nothing", async (t) => {
  const { folder, path } = await folderWith(t, 3);
  const entryAt = await lastEntryStart(path);
  for (const at of [entryAt, entryAt + 5, entryAt + 9, entryAt + 30]) {
    const undo = await flip(path, at, 6);
    const before = await readFile(path);
    const message = new RegExp(`journal is damaged at byte ${entryAt}`);
    await assert.rejects(deliverEpochs(folder, "second", 4, options), (error) => {
      assert.ok(error instanceof EngineError);
      assert.deepEqual([error.code, error.exit], ["TOPIC_DAMAGED", 6]);
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(await readFile(path), before);
    await undo();
  }
  await deliverEpochs(folder, "second", 4, options);
  assert.deepEqual(await deliveredView(folder), expectedView(4));
});

test("a log that is cut or gone is damage, for readers and for the next session", async (t) => {
  const { folder } = await folderWith(t, 2);
  const copy = `${dirname(folder.directory)}/copy`;
  const log = join("1.left", "1.log");
  const hurts: readonly (readonly [string, (path: string) => Promise<void>])[] = [
    ["cut", (path) => truncate(path, 100)],
    ["gone", (path) => rm(path)],
    ["its directory is gone", (path) => rm(dirname(path), { recursive: true })],
  ];
  for (const [what, hurt] of hurts) {
    await cp(folder.directory, copy, { recursive: true });
    await hurt(join(copy, log));
    const named = { code: "TOPIC_DAMAGED", message: /[01]\.log is damaged at byte / };
    await assert.rejects(deliveredView(folderAt(copy)), named, what);
    await assert.rejects(deliverEpochs(folderAt(copy), "second", 3, options), named, what);
    await rm(copy, { recursive: true });
  }
});

test("a topic without records whose directory is gone is damage as well, not a disk to wait for", async (t) => {
  const { folder } = await folderWith(t, 0);
  await rm(join(folder.directory, "1.left"), { recursive: true });
  const named = { code: "TOPIC_DAMAGED", message: /1\.left.*its directory is missing/ };
  await assert.rejects(deliverEpochs(folder, "second", 1, options), named);
});

test("a journal that is gone while there are topics is damage, not an empty folder", async (t) => {
  const { folder, path } = await folderWith(t, 1);
  await rm(path);
  await assert.rejects(deliverEpochs(folder, "second", 2, options), { code: "TOPIC_DAMAGED" });
  await assert.rejects(stat(path), { code: "ENOENT" });
});
