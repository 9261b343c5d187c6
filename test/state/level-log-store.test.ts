import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Level } from "level";
import { LevelLogStore } from "../../engine/state/level-log-store.ts";
import { temporaryDirectory } from "./state-fixtures.ts";

/** Only a power loss would show a missing sync, and Level writes its files itself. */
test("every write asks Level for a sync of its own", async (t) => {
  const store = await LevelLogStore.open(temporaryDirectory(t), { createIfMissing: true });
  const put = mock.method(Level.prototype, "put");
  const batch = mock.method(Level.prototype, "batch");
  t.after(() => mock.restoreAll());
  await store.put(Buffer.from("a"), Buffer.from("1"));
  await store.deleteMany([Buffer.from("a"), Buffer.from("b")]);
  await store.close();
  const optionsOf = (calls: readonly { arguments: readonly unknown[] }[]): unknown[] =>
    calls.map((call) => call.arguments.at(-1));
  assert.deepEqual(optionsOf(put.mock.calls), [{ sync: true }]);
  assert.deepEqual(optionsOf(batch.mock.calls), [{ sync: true }]);
});
