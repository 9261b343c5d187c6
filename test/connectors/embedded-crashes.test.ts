import assert from "node:assert/strict";
import { test } from "node:test";
import { EmbeddedTopics } from "../../engine/connectors/embedded/embedded-topics.ts";
import type { TopicsFolder } from "../../engine/connectors/embedded/topics-folder.ts";
import { failpointNames, noFailpoints } from "../../engine/core/failpoints.ts";
import {
  deliverEpochs,
  deliveredView,
  expectedView,
  machineClock,
  temporaryFolder,
} from "./embedded-fixtures.ts";
import { startChild } from "./embedded-processes.ts";

async function heldEpoch(folder: TopicsFolder): Promise<number> {
  const topics = new EmbeddedTopics(folder);
  await topics.refresh();
  const epoch = topics.state.mark("job")?.epoch ?? 0;
  await topics.close();
  return epoch;
}

/** What is visible is exactly the epochs up to the mark, however the writer died. */
async function assertWhole(folder: TopicsFolder, because: string): Promise<number> {
  const epoch = await heldEpoch(folder);
  // Before the first epoch there may be no topics yet.
  if (epoch > 0) assert.deepEqual(await deliveredView(folder), expectedView(epoch), because);
  return epoch;
}

const names = failpointNames.filter((name) => /^embedded\.|^recover\.embedded/u.test(name));

test("a session killed at any of its durable steps leaves whole epochs, and the next one goes on", async (t) => {
  assert.equal(names.length, 8);
  // The second hit: an epoch is there already. A session begins once in its life.
  const runs = names.map((name) => `${name}=crash${name.startsWith("recover") ? "" : "@2"}`);
  const check = async (failpoint: string): Promise<void> => {
    const folder = await temporaryFolder(t);
    if (failpoint.startsWith("recover")) {
      await deliverEpochs(folder, "before", 1, { failpoints: noFailpoints });
    }
    const { signal } = await startChild(folder.directory, ["deliver", "first", "3"], failpoint)
      .ended;
    assert.equal(signal, "SIGKILL", failpoint);
    const epoch = await assertWhole(folder, failpoint);
    assert.equal(epoch, failpoint.startsWith("embedded.journal.after") ? 2 : 1, failpoint);
    await deliverEpochs(folder, "second", 4, { failpoints: noFailpoints });
    assert.deepEqual(await deliveredView(folder), expectedView(4), failpoint);
  };
  while (runs.length > 0) await Promise.all(runs.splice(0, 2).map(check));
});

test("a session killed again and again at any moment never shows half an epoch", async (t) => {
  const folder = await temporaryFolder(t);
  let last = 0;
  for (let life = 0; life < 8; life += 1) {
    const child = startChild(folder.directory, ["deliver", `life-${life}`, "100000"]);
    t.after(() => child.kill());
    await child.ready;
    // Looks at it while it works, then kills it: at another place of its work each time.
    for (let look = 0; look < 2; look += 1) {
      await machineClock.sleep(20 + ((life * 37 + look * 7) % 90));
      last = await liveLook(folder, last);
    }
    child.kill();
    assert.equal((await child.ended).signal, "SIGKILL");
    const epoch = await assertWhole(folder, `life ${life}`);
    assert.ok(epoch >= last, `epoch ${epoch} after ${last}`);
    last = epoch;
  }
  await deliverEpochs(folder, "last", last + 2, { failpoints: noFailpoints });
  assert.deepEqual(await deliveredView(folder), expectedView(last + 2));
});

/** Under a live writer the topics move on between two looks: one look at each must hold whole epochs in order. */
async function liveLook(folder: TopicsFolder, before: number): Promise<number> {
  const epoch = await heldEpoch(folder);
  assert.ok(epoch >= before);
  if (epoch === 0) return 0;
  const view = await deliveredView(folder);
  const left = view.filter((line) => line.startsWith("left/"));
  const shown = Math.max(...left.map((line) => Number(/=([0-9]+)\//u.exec(line)?.[1])));
  assert.ok(shown >= epoch);
  assert.deepEqual(
    left,
    expectedView(shown).filter((line) => line.startsWith("left/")),
  );
  return epoch;
}
