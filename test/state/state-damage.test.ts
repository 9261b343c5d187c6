import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { EngineError } from "../../engine/core/errors.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import { LevelLogStore } from "../../engine/state/level-log-store.ts";
import { StateLog } from "../../engine/state/state-log.ts";
import { jsonCodec, openState, temporaryDirectory } from "./state-fixtures.ts";

const hourMs = 3_600_000;
const settings = { ttlMs: 24 * hourMs, granularityMs: hourMs };
const keysPerEpoch = 5000;
const epochs = 3;

/** A log with keys and large windows in three epochs, and chunks of a fourth that was not committed. */
async function makeLog(directory: string): Promise<void> {
  const state = await openState(directory);
  const keys = state.backend.stepState("dedupe").timedKeySet("keys", settings);
  const windows = state.backend.stepState("by_region").windowStore("windows", jsonCodec);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let i = 0; i < keysPerEpoch; i++) keys.put(`${epoch}-${i}`, (epoch + (i % 3)) * hourMs);
    for (let i = 0; i < 900; i++) windows.put(i * 300_000, "us", { epoch, text: "x".repeat(120) });
    await state.commit();
  }
  for (let i = 0; i < keysPerEpoch; i++) keys.put(`uncommitted-${i}`, hourMs);
  await state.backend.settle();
  await state.close();
}

/** What the committed state says, as text. */
async function content(directory: string): Promise<string> {
  const state = await openState(directory, { keepUncommitted: true });
  try {
    const keys = state.backend.stepState("dedupe").timedKeySet("keys", settings);
    const windows = state.backend.stepState("by_region").windowStore("windows", jsonCodec);
    const times: (number | undefined)[] = [];
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let i = 0; i < keysPerEpoch; i++) times.push(keys.get(`${epoch}-${i}`));
    }
    const open = [...windows.starts()].map((startMs) => windows.entries(startMs));
    return JSON.stringify([state.log.newest?.epoch, keys.size, times, open]);
  } finally {
    await state.close();
  }
}

async function damagedCopy(
  t: TestContext,
  made: string,
  damage: (logDirectory: string) => Promise<void> | void,
): Promise<string> {
  const copy = temporaryDirectory(t);
  cpSync(join(made, "log"), join(copy, "log"), {
    recursive: true,
    filter: (path) => !path.endsWith("LOCK"),
  });
  await damage(join(copy, "log"));
  return copy;
}

/** Equal content, an older commit (noticed by the head), or a refusal that a person must look at; never anything else. */
async function assertEqualOrRefused(directory: string, expected: string): Promise<string> {
  try {
    const found = await content(directory);
    if (found === expected) return "equal";
    const [epoch] = JSON.parse(found) as [number | null];
    assert.ok((epoch ?? 0) < epochs, "the newest commit is served with another content");
    return "older";
  } catch (error) {
    assert.ok(error instanceof EngineError, String(error));
    assert.equal(error.exit, 6, error.message);
    return "refused";
  }
}

type Edit = (
  store: LevelLogStore,
  keys: { readonly chunks: Uint8Array[]; readonly commits: Uint8Array[] },
) => Promise<void>;

async function edit(directory: string, work: Edit): Promise<void> {
  const store = await LevelLogStore.open(directory, { createIfMissing: false });
  const chunks: Uint8Array[] = [];
  const commits: Uint8Array[] = [];
  for await (const { key } of store.entries()) {
    const sequence = new DataView(key.buffer, key.byteOffset).getUint32(8);
    (sequence === 0xffff_ffff ? commits : chunks).push(key.slice());
  }
  await work(store, { chunks, commits });
  await store.close();
}

function epochOf(key: Uint8Array): number {
  return Number(new DataView(key.buffer, key.byteOffset).getBigUint64(0));
}

async function flip(store: LevelLogStore, key: Uint8Array, at: number): Promise<void> {
  const value = (await store.get(key))?.slice();
  assert.ok(value !== undefined);
  const place = at < 0 ? value.length + at : at;
  value[place] = (value[place] ?? 0) ^ 0x10;
  await store.put(key, value);
}

const edits: readonly (readonly [string, "STATE_CORRUPT" | "equal", Edit])[] = [
  [
    "the first chunk is missing",
    "STATE_CORRUPT",
    (store, { chunks }) => store.deleteMany(chunks.slice(0, 1)),
  ],
  [
    "the last committed chunk is missing",
    "STATE_CORRUPT",
    (store, { chunks }) =>
      store.deleteMany(chunks.filter((key) => epochOf(key) === epochs).slice(-1)),
  ],
  [
    "a payload byte of a committed chunk is flipped",
    "STATE_CORRUPT",
    (store, { chunks }) => flip(store, chunks[0] ?? new Uint8Array(), 1000),
  ],
  [
    "the length of a committed chunk is flipped",
    "STATE_CORRUPT",
    (store, { chunks }) => flip(store, chunks[0] ?? new Uint8Array(), 5),
  ],
  [
    "the checksum of a committed chunk is flipped",
    "STATE_CORRUPT",
    (store, { chunks }) => flip(store, chunks[0] ?? new Uint8Array(), -1),
  ],
  [
    "the newest commit record is flipped",
    "STATE_CORRUPT",
    (store, { commits }) => flip(store, commits.at(-1) ?? new Uint8Array(), 40),
  ],
  [
    "an older commit record is flipped",
    "equal",
    (store, { commits }) => flip(store, commits[0] ?? new Uint8Array(), 40),
  ],
  [
    "a chunk of the uncommitted epoch is flipped",
    "equal",
    (store, { chunks }) => flip(store, chunks.at(-1) ?? new Uint8Array(), 100),
  ],
  [
    "a chunk of the uncommitted epoch is missing",
    "equal",
    (store, { chunks }) => store.deleteMany(chunks.slice(-1)),
  ],
  [
    "two chunks have changed places",
    "STATE_CORRUPT",
    async (store, { chunks }) => {
      const [one, other] = chunks;
      assert.ok(one !== undefined && other !== undefined);
      const values = [await store.get(one), await store.get(other)];
      await store.put(one, values[1] ?? new Uint8Array());
      await store.put(other, values[0] ?? new Uint8Array());
    },
  ],
  [
    "an uncommitted chunk has got into a committed epoch",
    "STATE_CORRUPT",
    async (store, { chunks }) => {
      const last = chunks.at(-1) ?? new Uint8Array();
      const value = (await store.get(last)) ?? new Uint8Array();
      const key = last.slice();
      new DataView(key.buffer).setBigUint64(0, 2n);
      new DataView(key.buffer).setUint32(8, 77);
      await store.put(key, value);
    },
  ],
  [
    "a key has a strange length",
    "STATE_CORRUPT",
    (store) => store.put(new Uint8Array([0, 0, 1]), new Uint8Array(3)),
  ],
];

test("holes and flips in the log are found by checksum, count and digest", async (t) => {
  const made = temporaryDirectory(t);
  await makeLog(made);
  const expected = await content(made);
  for (const [what, outcome, work] of edits) {
    const copy = await damagedCopy(t, made, (log) => edit(log, work));
    if (outcome === "equal") assert.equal(await content(copy), expected, what);
    else await assert.rejects(content(copy), { code: outcome }, what);
  }
});

test("a chunk that is there twice, the second time valid under its own key, is found by count", async (t) => {
  const made = temporaryDirectory(t);
  await makeLog(made);
  const copy = await damagedCopy(t, made, async (directory) => {
    // A run of another program version could write this; no CRC can tell.
    const store = await LevelLogStore.open(directory, { createIfMissing: false });
    const log = await StateLog.open(store, noFailpoints);
    for await (const chunk of log.committedChunks()) void chunk;
    await log.dropUncommitted();
    const other = await LevelLogStore.open(join(temporaryDirectory(t), "log"), {
      createIfMissing: true,
    });
    const forged = await StateLog.open(other, noFailpoints);
    for await (const chunk of forged.committedChunks()) void chunk;
    await forged.dropUncommitted();
    for (let i = 0; i < 9; i++) forged.append(1, new Uint8Array(8));
    await forged.closeEpoch();
    for await (const { key, value } of other.entries()) await store.put(key.slice(), value.slice());
    await forged.close();
    await log.close();
  });
  await assert.rejects(content(copy), { code: "STATE_CORRUPT" });
});

test("a flip, a cut or the loss of any file of the log is refused, or changes nothing", async (t) => {
  const made = temporaryDirectory(t);
  await makeLog(made);
  // Reopened and closed, so that tables, manifest and log all hold something.
  await openState(made, { keepUncommitted: true }).then((state) => state.close());
  const expected = await content(made);
  const outcomes = new Map<string, number>();
  const logDirectory = join(made, "log");
  const names = readdirSync(logDirectory).filter((name) => name !== "LOCK");
  assert.ok(names.some((name) => name.endsWith(".ldb") || name.endsWith(".log")));
  for (const name of names) {
    const size = statSync(join(logDirectory, name)).size;
    const damages: ((path: string) => void)[] = [(path) => rmSync(path)];
    if (size > 0)
      damages.push((path) => writeFileSync(path, readFileSync(path).subarray(0, size >> 1)));
    // Every region of the file: its start, its end, and places between them that no block boundary repeats.
    const places = Math.min(size, 24);
    for (let i = 0; i < places; i++) {
      const at = Math.floor((i * (size - 1)) / Math.max(1, places - 1));
      damages.push((path) => {
        const bytes = readFileSync(path);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8));
        writeFileSync(path, bytes);
      });
    }
    for (const damage of damages) {
      const copy = await damagedCopy(t, made, (log) => damage(join(log, name)));
      const outcome = await assertEqualOrRefused(copy, expected);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  }
  // The figures themselves depend on how Level lays out its files.
  assert.ok((outcomes.get("refused") ?? 0) > 0 && (outcomes.get("equal") ?? 0) > 0);
});
