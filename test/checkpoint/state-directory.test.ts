import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { genesisHash } from "../../engine/checkpoint/commit-record.ts";
import type { Identity } from "../../engine/checkpoint/identity.ts";
import { readHead } from "../../engine/checkpoint/head.ts";
import { sealText } from "../../engine/checkpoint/sealed-file.ts";
import { StateDirectory } from "../../engine/checkpoint/state-directory.ts";
import { EngineError } from "../../engine/core/errors.ts";
import type { FailpointName, Failpoints } from "../../engine/core/failpoints.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { StateBackend } from "../../engine/state/state-backend.ts";
import { hashSeed, temporaryDirectory } from "../state/state-fixtures.ts";
import { smallRun, visible } from "./small-run.ts";

const identity: Identity = {
  formatVersion: 1,
  job: "orders",
  layout: [],
  outputs: {},
  startPositions: { orders: [0] },
  hashSeed,
  incarnations: ["one"],
};

function open(path: string, failpoints: Failpoints = noFailpoints): Promise<StateDirectory> {
  const owner = { pid: process.pid, host: "here", bootId: "boot", job: "orders" };
  return StateDirectory.open({ files: nodeFiles, failpoints, path, owner });
}

async function commitOnce(directory: StateDirectory): Promise<void> {
  const backend = await StateBackend.open({
    log: directory.log,
    layouts: [],
    committed: directory.newest?.states,
    hashSeed,
    reset: [],
  });
  await directory.settle(null);
  const states = await backend.prepareCommit(directory.log.epoch);
  await directory.commit(
    {
      positions: {},
      clocks: {},
      states,
      files: {},
      outboxes: {},
      layoutHash: "",
      counters: 1,
      finished: false,
    },
    { keys: 0 },
  );
}

test("a fresh directory has no identity; a created one keeps it, its head and its commits", async (t) => {
  const path = join(temporaryDirectory(t), "deep", "state");
  let directory = await open(path);
  assert.equal(directory.identity, undefined);
  assert.throws(() => directory.log, { code: "INTERNAL" });
  await directory.create(identity);
  assert.deepEqual(directory.head, { epoch: 0, hash: genesisHash, summary: null });
  await assert.rejects(directory.create(identity), { code: "INTERNAL" });
  await commitOnce(directory);
  await directory.close();
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(join(path, "identity")).mode & 0o777, 0o600);

  directory = await open(path);
  assert.deepEqual(directory.identity, identity);
  assert.equal(directory.newest?.epoch, 1);
  assert.equal(directory.head?.hash, directory.newest?.hash);
  const later = { ...identity, incarnations: ["one", "two"] };
  await directory.updateIdentity(later);
  await directory.close();
  directory = await open(path);
  assert.deepEqual(directory.identity, later);
  await directory.close();
});

test("the directory is locked while it is open, and free afterwards, also after a refused opening", async (t) => {
  const path = temporaryDirectory(t);
  const directory = await open(path);
  await assert.rejects(open(path), { code: "STATE_LOCKED", exit: 5 });
  await directory.create(identity);
  await directory.close();
  writeFileSync(join(path, "identity"), "{}");
  await assert.rejects(open(path), { code: "STATE_CORRUPT" });
  await assert.rejects(open(path), { code: "STATE_CORRUPT" });
});

test("a first start that died before the identity leaves a fresh directory", async (t) => {
  for (const name of [
    "commit.head.before",
    "commit.head.after",
    "identity.write.before",
  ] as FailpointName[]) {
    const path = temporaryDirectory(t);
    const dying = await open(path, {
      hit: (at) => (at === name ? Promise.reject(new Error("died")) : Promise.resolve()),
    });
    await assert.rejects(dying.create(identity), /died/);
    await dying.close();
    const directory = await open(path);
    assert.equal(directory.identity, undefined);
    await directory.create(identity);
    await commitOnce(directory);
    await directory.close();
  }
});

test("the head is written again if the log was one epoch ahead of it", async (t) => {
  const path = temporaryDirectory(t);
  let directory = await open(path);
  await directory.create(identity);
  await directory.close();
  directory = await open(path, {
    hit: (at) =>
      at === "commit.head.before" ? Promise.reject(new Error("died")) : Promise.resolve(),
  });
  await assert.rejects(commitOnce(directory), /died/);
  await directory.close();
  assert.equal((await readHead(nodeFiles, path))?.epoch, 0);
  // Twice: were the head not written at the start, the log would now be two ahead of it.
  let heads = 0;
  directory = await open(path, {
    hit: (at) =>
      at === "commit.head.before" && ++heads === 2
        ? Promise.reject(new Error("died"))
        : Promise.resolve(),
  });
  assert.equal(directory.newest?.epoch, 1);
  await assert.rejects(commitOnce(directory), /died/);
  await directory.close();
  assert.equal((await readHead(nodeFiles, path))?.epoch, 1);
  directory = await open(path);
  await commitOnce(directory);
  assert.equal(directory.newest?.epoch, 3);
  await directory.close();
  assert.equal((await readHead(nodeFiles, path))?.epoch, 3);
});

test("state of a newer release is refused as such", async (t) => {
  const path = temporaryDirectory(t);
  writeFileSync(join(path, "identity"), sealText({ ...identity, formatVersion: 2 }));
  await assert.rejects(open(path), (error: Error) => {
    assert.ok(error instanceof EngineError && error.code === "STATE_TOO_NEW" && error.exit === 6);
    assert.match(error.message, /format is 2/);
    return true;
  });
});

test("committed work without its identity file is not taken for a fresh directory", async (t) => {
  const path = temporaryDirectory(t);
  const directory = await open(path);
  await directory.create(identity);
  await commitOnce(directory);
  await directory.close();
  rmSync(join(path, "identity"));
  await assert.rejects(open(path), { code: "STATE_CORRUPT" });
});

test("a log that is lost before the first commit is made anew, later it is not", async (t) => {
  const path = temporaryDirectory(t);
  let directory = await open(path);
  await directory.create(identity);
  await directory.close();
  for (const name of readdirSync(join(path, "log"))) {
    if (name.startsWith("MANIFEST")) rmSync(join(path, "log", name));
  }
  directory = await open(path);
  await commitOnce(directory);
  await directory.close();
  rmSync(join(path, "log"), { recursive: true });
  await assert.rejects(open(path), { code: "STATE_CORRUPT" });
  assert.equal(existsSync(join(path, "log", "CURRENT")), false);
});

/** Files below `folder`, without Level's own LOCK and log texts. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) =>
      statSync(join(folder, name)).isFile() && !name.endsWith("LOCK") && !/LOG(\.old)?$/.test(name),
  );
}

function copyOf(t: TestContext, directory: string): string {
  const copy = temporaryDirectory(t);
  cpSync(directory, copy, { recursive: true, filter: (path) => !path.endsWith("LOCK") });
  // The outputs' paths are part of the state: the damaged copy takes the place of the original.
  return copy;
}

test("the loss, cut or flip of any file of the state stops the job or changes nothing", async (t) => {
  const directory = temporaryDirectory(t);
  const run = (at: string, incarnation: string, failpoints = noFailpoints): Promise<void> =>
    smallRun({ directory: at, files: nodeFiles, failpoints, records: 3500, incarnation });
  const untroubled = temporaryDirectory(t);
  await run(untroubled, "whole");
  const expected = await visible(nodeFiles, untroubled);
  // Stopped after a decision and before its delivery: everything in the directory is still needed.
  let commits = 0;
  await assert.rejects(
    run(directory, "one", {
      hit: (at) =>
        at === "commit.head.after" && ++commits === 4
          ? Promise.reject(new Error("died"))
          : Promise.resolve(),
    }),
    /died/,
  );
  const original = copyOf(t, directory);
  const outcomes = new Map<string, number>();
  for (const name of filesBelow(join(original, "state"))) {
    const size = statSync(join(original, "state", name)).size;
    const whole = readFileSync(join(original, "state", name));
    const damages: ((path: string) => void)[] = [(path) => rmSync(path)];
    if (size > 0) damages.push((path) => writeFileSync(path, whole.subarray(0, size >> 1)));
    for (let i = 0; i < Math.min(size, 6); i++) {
      const flipped = Buffer.from(whole);
      const place = Math.floor((i * (size - 1)) / 5);
      flipped[place] = (flipped[place] ?? 0) ^ (1 << i);
      damages.push((path) => writeFileSync(path, flipped));
    }
    for (const [index, damage] of damages.entries()) {
      rmSync(directory, { recursive: true });
      cpSync(original, directory, { recursive: true });
      damage(join(directory, "state", name));
      let outcome = "equal";
      try {
        await run(directory, "two");
        assert.deepEqual(await visible(nodeFiles, directory), expected, `${name} ${index}`);
      } catch (error) {
        assert.ok(error instanceof EngineError, `${name} ${index}: ${String(error)}`);
        assert.equal(error.exit, 6, `${name}: ${error.message}`);
        outcome = "refused";
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  }
  assert.ok((outcomes.get("refused") ?? 0) > 10 && (outcomes.get("equal") ?? 0) > 0);
});
