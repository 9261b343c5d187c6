import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import type { JsonValue } from "../../engine/core/json.ts";
import { LevelLogStore } from "../../engine/state/level-log-store.ts";
import type { TimedKeySet } from "../../engine/state/state.ts";
import {
  dedupeLayout,
  jsonCodec,
  openState,
  temporaryDirectory,
  windowsLayout,
} from "./state-fixtures.ts";
import type { OpenedState } from "./state-fixtures.ts";

const hourMs = 3_600_000;
const settings = { ttlMs: 24 * hourMs, granularityMs: hourMs };

function keysOf(state: OpenedState, step = "dedupe", options = settings): TimedKeySet {
  return state.backend.stepState(step).timedKeySet("keys", options);
}

async function chunkCount(directory: string): Promise<number> {
  const store = await LevelLogStore.open(join(directory, "log"), { createIfMissing: false });
  let count = 0;
  for await (const { key } of store.entries()) {
    if (new DataView(key.buffer, key.byteOffset).getUint32(8) !== 0xffff_ffff) count++;
  }
  await store.close();
  return count;
}

test("keys and windows are the same after a restart", async (t) => {
  const directory = temporaryDirectory(t);
  let state = await openState(directory);
  const keys = keysOf(state);
  const windows = state.backend.stepState("by_region").windowStore("windows", jsonCodec);
  for (let i = 0; i < 10_000; i++) keys.put(`order-${i}`, (i % 30) * hourMs);
  windows.put(0, "us", { total: "12.00" });
  windows.put(300_000, "eu", { total: "7.5" });
  await state.commit();
  keys.put("order-1", 50 * hourMs);
  windows.put(0, "us", { total: "13.00" });
  windows.remove(300_000);
  await state.commit();
  await state.close();

  state = await openState(directory);
  const restored = keysOf(state);
  assert.equal(restored.size, 10_000);
  assert.equal(restored.get("order-1"), 50 * hourMs);
  for (let i = 2; i < 10_000; i++) assert.equal(restored.get(`order-${i}`), (i % 30) * hourMs);
  const again = state.backend.stepState("by_region").windowStore("windows", jsonCodec);
  assert.deepEqual([...again.starts()], [0]);
  assert.deepEqual(again.entries(0), [["us", { total: "13.00" }]]);
  assert.equal(again.size, 1);
  await state.close();
});

test("what was put after the last commit is gone after a restart", async (t) => {
  const directory = temporaryDirectory(t);
  let state = await openState(directory);
  const keys = keysOf(state);
  for (let i = 0; i < 5000; i++) keys.put(`kept-${i}`, hourMs);
  await state.commit();
  // More than one chunk, so that some are in the log already.
  for (let i = 0; i < 20_000; i++) keys.put(`lost-${i}`, hourMs);
  await state.backend.settle();
  await state.close();
  const chunksLeft = await chunkCount(directory);
  assert.ok(chunksLeft > 2);

  state = await openState(directory);
  assert.equal(keysOf(state).size, 5000);
  assert.equal(keysOf(state).get("lost-1"), undefined);
  keysOf(state).put("lost-1", 2 * hourMs);
  await state.commit();
  await state.close();
  assert.equal(await chunkCount(directory), 3);

  state = await openState(directory);
  assert.equal(keysOf(state).size, 5001);
  await state.close();
});

test("changes made while a commit is under way belong to the next epoch", async (t) => {
  const directory = temporaryDirectory(t);
  let state = await openState(directory);
  const keys = keysOf(state);
  keys.put("first", hourMs);
  const preparing = state.backend.prepareCommit(1);
  keys.put("second", hourMs);
  const states = await preparing;
  await state.log.commit(1, Buffer.from(JSON.stringify(states)));
  await state.close();

  state = await openState(directory);
  assert.equal(keysOf(state).get("first"), hourMs);
  assert.equal(keysOf(state).get("second"), undefined);
  await state.close();
});

test("chunks go when all their times have expired, one commit later, and stay gone", async (t) => {
  const directory = temporaryDirectory(t);
  let state = await openState(directory);
  let keys = keysOf(state);
  for (let day = 0; day < 10; day++) {
    for (let i = 0; i < 5000; i++) keys.put(`d${day}-${i}`, day * 24 * hourMs);
    keys.expire(day * 24 * hourMs);
    await state.commit();
  }
  assert.equal(keys.size, 5000);
  await state.close();
  assert.equal(await chunkCount(directory), 2);
  state = await openState(directory);
  keys = keysOf(state);
  assert.equal(keys.size, 5000);
  assert.equal(keys.get("d9-17"), 9 * 24 * hourMs);
  assert.equal(keys.get("d8-17"), undefined);
  await state.close();
});

test("a chunk that expired but was not removed before a kill is not taken up again", async (t) => {
  const directory = temporaryDirectory(t);
  let state = await openState(directory);
  const keys = keysOf(state);
  keys.put("old", hourMs);
  await state.commit();
  keys.put("new", 30 * hourMs);
  keys.expire(26 * hourMs);
  const states = await state.backend.prepareCommit(2);
  await state.log.commit(2, Buffer.from(JSON.stringify(states)));
  await state.close();
  assert.equal(await chunkCount(directory), 2);

  state = await openState(directory);
  assert.equal(keysOf(state).get("old"), undefined);
  assert.equal(keysOf(state).get("new"), 30 * hourMs);
  await state.close();
  assert.equal(await chunkCount(directory), 1);
});

test("a time far ahead does not keep the chunks of ordinary keys", async (t) => {
  const directory = temporaryDirectory(t);
  const year2099Ms = Date.UTC(2099, 0, 1);
  let state = await openState(directory);
  let keys = keysOf(state);
  for (let day = 1; day < 10; day++) {
    keys.expire(day * 24 * hourMs);
    for (let i = 0; i < 2000; i++) keys.put(`d${day}-${i}`, day * 24 * hourMs);
    keys.put(`far-${day}`, year2099Ms);
    await state.commit();
  }
  await state.close();
  // Two days of ordinary keys at most, and one small chunk per epoch for those of 2099.
  assert.ok((await chunkCount(directory)) <= 2 + 9);
  state = await openState(directory);
  keys = keysOf(state);
  for (let day = 1; day < 10; day++) assert.equal(keys.get(`far-${day}`), year2099Ms);
  await state.close();
});

test("a longer ttl keeps what is there and brings nothing back; a shorter one forgets sooner", async (t) => {
  const directory = temporaryDirectory(t);
  let state = await openState(directory);
  let keys = keysOf(state);
  keys.put("a", hourMs);
  keys.put("b", 10 * hourMs);
  keys.expire(26 * hourMs);
  assert.equal(keys.get("a"), undefined);
  await state.commit();
  await state.close();

  state = await openState(directory);
  keys = keysOf(state, "dedupe", { ttlMs: 48 * hourMs, granularityMs: 2 * hourMs });
  keys.expire(30 * hourMs);
  assert.equal(keys.get("a"), undefined);
  assert.equal(keys.get("b"), 10 * hourMs);
  await state.commit();
  await state.close();

  state = await openState(directory);
  keys = keysOf(state, "dedupe", { ttlMs: hourMs, granularityMs: 60_000 });
  assert.equal(keys.get("b"), 10 * hourMs);
  keys.expire(30 * hourMs);
  assert.equal(keys.get("b"), undefined);
  await state.close();
});

test("a put of an earlier or expired time changes nothing", async (t) => {
  const state = await openState(temporaryDirectory(t));
  const keys = keysOf(state);
  keys.put("a", 5 * hourMs);
  keys.put("a", 4 * hourMs);
  assert.equal(keys.get("a"), 5 * hourMs);
  keys.expire(29 * hourMs);
  assert.equal(keys.get("a"), undefined);
  keys.put("a", 3 * hourMs);
  assert.equal(keys.get("a"), undefined);
  assert.equal(keys.size, 0);
  await state.close();
});

test("the end of input forgets everything, also after a restart", async (t) => {
  const directory = temporaryDirectory(t);
  let state = await openState(directory);
  keysOf(state).put("a", hourMs);
  keysOf(state).expire(Infinity);
  await state.commit();
  await state.close();
  state = await openState(directory);
  assert.equal(keysOf(state).size, 0);
  await state.close();
});

for (const count of [1, 900, 3000]) {
  test(`${count} windows survive restarts and leave no old snapshot behind`, async (t) => {
    const directory = temporaryDirectory(t);
    const expected = new Map<string, JsonValue>();
    for (let round = 0; round < 3; round++) {
      const state = await openState(directory);
      const windows = state.backend.stepState("by_region").windowStore("windows", jsonCodec);
      assert.equal(windows.size, expected.size);
      for (const startMs of windows.starts()) {
        for (const [key, value] of windows.entries(startMs)) {
          assert.deepEqual(value, expected.get(`${startMs} ${key}`));
        }
      }
      for (let i = 0; i < count; i++) {
        const value = { round, text: `value ${i} \u2028 "quoted" ${"x".repeat(40)}` };
        windows.put(Math.floor(i / 5) * 300_000, `key-${i % 5}`, value);
        expected.set(`${Math.floor(i / 5) * 300_000} key-${i % 5}`, value);
      }
      await state.commit();
      await state.commit();
      await state.close();
    }
    const sizeKb = (count * 120) / 1024;
    assert.ok((await chunkCount(directory)) <= (sizeKb < 64 ? 0 : Math.ceil(sizeKb / 32)));
  });
}

test("entries of a window come in key order", async (t) => {
  const state = await openState(temporaryDirectory(t));
  const windows = state.backend.stepState("by_region").windowStore("windows", jsonCodec);
  for (const key of ["b", "a", "c"]) windows.put(0, key, key);
  assert.deepEqual(
    windows.entries(0).map(([key]) => key),
    ["a", "b", "c"],
  );
  assert.deepEqual(windows.entries(300_000), []);
  await state.close();
});

test("a renamed step carries its state over, also with its old name still in `was`", async (t) => {
  const directory = temporaryDirectory(t);
  let state = await openState(directory);
  keysOf(state).put("a", hourMs);
  await state.commit();
  await state.close();
  const layouts = [{ ...dedupeLayout, step: "unique", was: "dedupe" }, windowsLayout];
  for (let start = 0; start < 2; start++) {
    state = await openState(directory, { layouts });
    assert.equal(keysOf(state, "unique").get("a"), hourMs);
    assert.equal(state.backend.match.carried.get("unique"), start === 0 ? "dedupe" : "unique");
    await state.commit();
    await state.close();
  }
});

test("a reset drops one step's state, but only with the next commit", async (t) => {
  const directory = temporaryDirectory(t);
  let state = await openState(directory);
  keysOf(state).put("a", hourMs);
  state.backend.stepState("by_region").windowStore("windows", jsonCodec).put(0, "us", 1);
  await state.commit();
  await state.close();

  state = await openState(directory, { reset: ["dedupe"] });
  assert.equal(keysOf(state).get("a"), undefined);
  keysOf(state).put("b", hourMs);
  await state.close();

  state = await openState(directory);
  assert.equal(keysOf(state).get("a"), hourMs);
  assert.equal(keysOf(state).get("b"), undefined);
  await state.close();

  state = await openState(directory, { reset: ["dedupe"] });
  keysOf(state).put("c", hourMs);
  await state.commit();
  await state.close();
  assert.equal(await chunkCount(directory), 1);

  state = await openState(directory);
  assert.equal(keysOf(state).get("a"), undefined);
  assert.equal(keysOf(state).get("c"), hourMs);
  const windows = state.backend.stepState("by_region").windowStore("windows", jsonCodec);
  assert.equal(windows.get(0, "us"), 1);
  await state.close();
});

test("an older snapshot that a kill left behind is not taken up", async (t) => {
  const directory = temporaryDirectory(t);
  let state = await openState(directory);
  const windows = state.backend.stepState("by_region").windowStore("windows", jsonCodec);
  for (let i = 0; i < 2000; i++) windows.put(i, "us", "x".repeat(100));
  await state.commit();
  for (let i = 0; i < 1500; i++) windows.remove(i);
  for (let i = 1500; i < 2000; i++) windows.put(i, "us", "y".repeat(200));
  const states = await state.backend.prepareCommit(2);
  await state.log.commit(2, Buffer.from(JSON.stringify(states)));
  await state.close();
  assert.ok((await chunkCount(directory)) >= 4);

  state = await openState(directory);
  const restored = state.backend.stepState("by_region").windowStore("windows", jsonCodec);
  assert.equal(restored.size, 500);
  assert.equal(restored.get(1999, "us"), "y".repeat(200));
  await state.close();
  assert.equal(await chunkCount(directory), 2);
});

test("a commit waits for every chunk of its epoch, and fails with any of them", async (t) => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let state = await openState(temporaryDirectory(t), {
    failpoints: { hit: (name) => (name === "log.chunk.before" ? held : Promise.resolve()) },
  });
  keysOf(state).put("a", hourMs);
  let prepared = false;
  const preparing = state.backend.prepareCommit(1).then(() => (prepared = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(prepared, false);
  release();
  await preparing;
  await state.close();

  state = await openState(temporaryDirectory(t), {
    failpoints: {
      hit: (name) =>
        name === "log.chunk.before"
          ? Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" }))
          : Promise.resolve(),
    },
  });
  keysOf(state).put("a", hourMs);
  await assert.rejects(state.backend.prepareCommit(1), { code: "STATE_IO" });
  await assert.rejects(state.log.commit(1, new Uint8Array(1)), { code: "STATE_IO" });
  await assert.rejects(state.backend.settle(), { code: "STATE_IO" });
  await state.close();
});

test("chunk writes under way are bounded", async (t) => {
  let underWay = 0;
  let most = 0;
  const state = await openState(temporaryDirectory(t), {
    failpoints: {
      hit(name) {
        if (name === "log.chunk.before") most = Math.max(most, ++underWay);
        if (name === "log.chunk.after") underWay--;
        return Promise.resolve();
      },
    },
  });
  const keys = keysOf(state);
  for (let i = 0; i < 200_000; i++) {
    keys.put(`k${i}`, hourMs);
    if (i % 1000 === 999) await state.backend.settle();
  }
  await state.commit();
  assert.ok(most > 1 && most <= 9, `${most}`);
  await state.close();
});

test("an epoch out of order is our own mistake and refused", async (t) => {
  const state = await openState(temporaryDirectory(t));
  await assert.rejects(state.backend.prepareCommit(2), { code: "INTERNAL" });
  await state.backend.prepareCommit(1);
  await assert.rejects(state.log.commit(2, Buffer.from("{}")), { code: "INTERNAL" });
  await state.close();
});

test("nothing can be written before the leftovers of the last run are dropped", async (t) => {
  const directory = temporaryDirectory(t);
  const state = await openState(directory, { keepUncommitted: true });
  assert.throws(() => state.log.append(1, new Uint8Array(1)), { code: "INTERNAL" });
  await assert.rejects(state.log.commit(1, new Uint8Array(1)), { code: "INTERNAL" });
  await state.close();
});

type Step =
  | { readonly kind: "put"; readonly key: number; readonly hour: number }
  | { readonly kind: "expire"; readonly hour: number }
  | { readonly kind: "commit" }
  | { readonly kind: "restart" };

test("any order of puts, expiries, commits and kills leaves what the commits hold", async (t) => {
  const put = fc.record({
    kind: fc.constant("put" as const),
    key: fc.integer({ min: 0, max: 30 }),
    hour: fc.integer({ min: 0, max: 80 }),
  });
  const expire = fc.record({
    kind: fc.constant("expire" as const),
    hour: fc.integer({ min: 0, max: 100 }),
  });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 12, arbitrary: put },
    { weight: 2, arbitrary: expire },
    { weight: 3, arbitrary: fc.constant({ kind: "commit" as const }) },
    { weight: 2, arbitrary: fc.constant({ kind: "restart" as const }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const directory = temporaryDirectory(t);
      let state = await openState(directory);
      let keys = keysOf(state);
      let model = { times: new Map<number, number>(), cutoffMs: -Infinity };
      let committed = structuredClone(model);
      for (const next of [...steps, { kind: "restart" as const }]) {
        if (next.kind === "put") {
          const timeMs = next.hour * hourMs;
          keys.put(`k${next.key}`, timeMs);
          const heldMs = model.times.get(next.key) ?? -Infinity;
          if (timeMs > model.cutoffMs && timeMs > heldMs) model.times.set(next.key, timeMs);
        } else if (next.kind === "expire") {
          keys.expire(next.hour * hourMs);
          model.cutoffMs = Math.max(model.cutoffMs, next.hour * hourMs - settings.ttlMs);
          for (const [key, timeMs] of model.times) {
            if (timeMs <= model.cutoffMs) model.times.delete(key);
          }
        } else if (next.kind === "commit") {
          await state.commit();
          committed = structuredClone(model);
        } else {
          await state.close();
          state = await openState(directory);
          keys = keysOf(state);
          model = structuredClone(committed);
        }
        assert.equal(keys.size, model.times.size);
      }
      for (let key = 0; key <= 30; key++) {
        assert.equal(keys.get(`k${key}`), model.times.get(key));
      }
      await state.close();
    }),
    { seed: 7, numRuns: 25 },
  );
});
