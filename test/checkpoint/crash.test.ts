import assert from "node:assert/strict";
import { test } from "node:test";
import { failpointNames, noFailpoints } from "../../engine/core/failpoints.ts";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import { EngineError } from "../../engine/core/errors.ts";
import type { FileSystem } from "../../engine/core/file-system.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { temporaryDirectory } from "../state/state-fixtures.ts";
import { smallRun, visible } from "./small-run.ts";

const records = 4200;

async function complete(directory: string, incarnation = "last"): Promise<void> {
  await smallRun({ directory, files: nodeFiles, failpoints: noFailpoints, records, incarnation });
}

/** Output of a run that nothing interrupted; made once. */
let whole: Promise<{ file: string; target: string }> | undefined;
function uninterrupted(
  context: Parameters<typeof temporaryDirectory>[0],
): NonNullable<typeof whole> {
  return (whole ??= (async () => {
    const directory = temporaryDirectory(context);
    await complete(directory);
    const shown = await visible(nodeFiles, directory);
    assert.ok(shown.file.length > 30_000 && shown.target.length > 30_000);
    assert.match(shown.file, /window 0 all 1000\n/);
    return shown;
  })());
}

test("a finished run that is started again changes nothing", async (t) => {
  const directory = temporaryDirectory(t);
  await complete(directory, "first");
  const before = await visible(nodeFiles, directory);
  await complete(directory, "second");
  assert.deepEqual(await visible(nodeFiles, directory), before);
  assert.deepEqual(before, await uninterrupted(t));
});

/** Durable steps of the small run; the embedded broker and Kafka have their own tests. */
const steps = failpointNames.filter(
  (name) =>
    !name.startsWith("embedded.") &&
    !name.startsWith("kafka.") &&
    !name.startsWith("recover.embedded") &&
    !name.startsWith("recover.deliver"),
);

test("an I/O error at any durable step is undone by the restart", async (t) => {
  const expected = await uninterrupted(t);
  const failed: FailpointName[] = [];
  for (const [index, name] of steps.entries()) {
    const directory = temporaryDirectory(t);
    // Recovery has steps of its own: first leave it chunks to drop and a file to cut.
    let commits = 0;
    await assert.rejects(
      smallRun({
        directory,
        files: nodeFiles,
        failpoints: {
          hit: (at) =>
            at === "commit.record.before" && ++commits === 3
              ? Promise.reject(new Error("stop"))
              : Promise.resolve(),
        },
        records,
        incarnation: "zero",
      }),
      /stop/,
    );
    const comesOnce = name.startsWith("identity.") || name.startsWith("recover.");
    let hitsLeft = comesOnce || index % 4 < 2 ? 1 : 2;
    const run = smallRun({
      directory,
      files: nodeFiles,
      failpoints: {
        hit: (at) =>
          at === name && --hitsLeft === 0
            ? Promise.reject(Object.assign(new Error(`EIO: ${at}`), { code: "EIO" }))
            : Promise.resolve(),
      },
      records,
      incarnation: "one",
    });
    await run.then(
      () => undefined,
      () => failed.push(name),
    );
    await complete(directory);
    assert.deepEqual(await visible(nodeFiles, directory), expected, name);
  }
  assert.deepEqual(failed, steps);
});

test("the failure of any file call stops the run, and the restart ends where an untroubled run ends", async (t) => {
  const expected = await uninterrupted(t);
  let calls = 0;
  let failAt = Infinity;
  let forEver = false;
  const call = <T>(work: () => Promise<T>): Promise<T> => {
    calls++;
    if (calls === failAt || (forEver && calls > failAt)) {
      return Promise.reject(Object.assign(new Error("EIO: i/o error"), { code: "EIO" }));
    }
    return work();
  };
  const failing: FileSystem = {
    ...nodeFiles,
    rename: (from, to) => call(() => nodeFiles.rename(from, to)),
    remove: (path) => call(() => nodeFiles.remove(path)),
    syncDirectory: (path) => call(() => nodeFiles.syncDirectory(path)),
    readFile: (path) => call(() => nodeFiles.readFile(path)),
    open: (path, mode) =>
      call(async () => {
        const file = await nodeFiles.open(path, mode);
        return {
          read: (into, at) => call(() => file.read(into, at)),
          write: (bytes, at) => call(() => file.write(bytes, at)),
          truncate: (length) => call(() => file.truncate(length)),
          sync: () => call(() => file.sync()),
          size: () => file.size(),
          close: () => file.close(),
        };
      }),
  };
  const attempt = (directory: string): Promise<void> =>
    smallRun({
      directory,
      files: failing,
      failpoints: noFailpoints,
      records: 2500,
      incarnation: "one",
    });
  await attempt(temporaryDirectory(t));
  const callsOfAll = calls;
  for (let at = 1; at <= callsOfAll; at += 13) {
    const directory = temporaryDirectory(t);
    calls = 0;
    failAt = at;
    forEver = at % 2 === 0;
    await attempt(directory).catch((error: unknown) => {
      assert.ok(error instanceof Error);
      if (error instanceof EngineError)
        assert.ok(error.exit === 5 || error.exit === 6, error.message);
    });
    failAt = Infinity;
    await complete(directory);
    assert.deepEqual(await visible(nodeFiles, directory), expected, `call ${at}`);
  }
});
