import assert from "node:assert/strict";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { EmbeddedTarget } from "../../engine/connectors/embedded/embedded-target.ts";
import type { TopicsFolder } from "../../engine/connectors/embedded/topics-folder.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import {
  consumeTexts,
  deliverEpochs,
  deliveredView,
  epochRecords,
  epochTopics,
  expectedView,
  outbox,
  permitFor,
  produce,
  record,
  temporaryFolder,
} from "./embedded-fixtures.ts";

const failpoints = noFailpoints;

function targetOf(folder: TopicsFolder): EmbeddedTarget {
  return new EmbeddedTarget(folder, 3, { failpoints });
}

test("topics that are missing are made, and their partitions told in the order asked for", async (t) => {
  const folder = await temporaryFolder(t);
  await produce(folder, "right", [record("a")], { partitions: 5 });
  const target = targetOf(folder);
  assert.deepEqual(await target.prepare(["left", "right", "left"]), [3, 5, 3]);
  await target.close();
});

test("an epoch is seen as a whole with its mark, and delivering it again changes nothing", async (t) => {
  const folder = await temporaryFolder(t);
  const target = targetOf(folder);
  await target.prepare(epochTopics);
  assert.equal(await target.inspect("job"), undefined);
  await target.begin("job", "first");
  for (const epoch of [1, 2]) {
    for (let again = 0; again < 3; again += 1) {
      await target.deliver(outbox(epochRecords(epoch)), permitFor(epoch, "first"));
      assert.deepEqual(await target.inspect("job"), permitFor(epoch, "first").mark);
    }
  }
  assert.deepEqual(await deliveredView(folder), expectedView(2));
  await target.close();
});

test("an epoch without records leaves its mark", async (t) => {
  const folder = await temporaryFolder(t);
  const target = targetOf(folder);
  await target.prepare(epochTopics);
  await target.begin("job", "first");
  await target.deliver(outbox(), permitFor(1, "first"));
  assert.equal((await target.inspect("job"))?.epoch, 1);
  assert.deepEqual(await deliveredView(folder), []);
  await target.close();
});

test("an epoch that does not go with what the topics hold is refused", async (t) => {
  const folder = await temporaryFolder(t);
  const target = targetOf(folder);
  await target.prepare(epochTopics);
  await target.begin("job", "first");
  await target.deliver(outbox(epochRecords(1)), permitFor(1, "first"));
  await target.deliver(outbox(epochRecords(2)), permitFor(2, "first"));
  for (const permit of [permitFor(2, "first", "other"), permitFor(1, "first")]) {
    await assert.rejects(target.deliver(outbox(epochRecords(2)), permit), {
      code: "SINK_DIVERGED",
      exit: 6,
    });
  }
  assert.deepEqual(await deliveredView(folder), expectedView(2));
  await target.close();
});

test("a newer session fences the older one, whose outputs never appear", async (t) => {
  const folder = await temporaryFolder(t);
  const older = targetOf(folder);
  const newer = targetOf(folder);
  await older.prepare(epochTopics);
  await older.begin("job", "older");
  await older.deliver(outbox(epochRecords(1)), permitFor(1, "older"));
  await newer.prepare(epochTopics);
  await newer.inspect("job");
  await newer.begin("job", "newer");
  await assert.rejects(older.deliver(outbox(epochRecords(2)), permitFor(2, "older")), {
    code: "SINK_FENCED",
    exit: 6,
  });
  assert.equal((await older.inspect("job"))?.incarnation, "newer");
  await newer.deliver(outbox(epochRecords(2)), permitFor(2, "newer"));
  assert.deepEqual(await deliveredView(folder), expectedView(2));
  await older.close();
  await newer.close();
});

test("a session that decided from what has changed since does not begin, and the twin goes on", async (t) => {
  const folder = await temporaryFolder(t);
  await deliverEpochs(folder, "first", 1, { failpoints });
  const twin = targetOf(folder);
  const late = targetOf(folder);
  for (const target of [twin, late]) {
    await target.prepare(epochTopics);
    await target.inspect("job");
  }
  await twin.begin("job", "twin");
  await assert.rejects(late.begin("job", "late"), { code: "SINK_FENCED" });
  await twin.deliver(outbox(epochRecords(2)), permitFor(2, "twin"));
  assert.deepEqual(await deliveredView(folder), expectedView(2));
  await twin.close();
  await late.close();
});

test("jobs that share a folder do not fence each other", async (t) => {
  const folder = await temporaryFolder(t);
  const ours = targetOf(folder);
  const other = targetOf(folder);
  await ours.prepare(epochTopics);
  await ours.begin("job", "ours");
  await other.prepare(["elsewhere"]);
  await other.begin("another job", "other");
  await ours.deliver(outbox(epochRecords(1)), permitFor(1, "ours"));
  assert.equal(await other.inspect("another job"), undefined);
  assert.deepEqual(await deliveredView(folder), expectedView(1));
  await ours.close();
  await other.close();
});

test("a folder that is deleted under a job stops it: later it is another one", async (t) => {
  const folder = await temporaryFolder(t);
  const target = targetOf(folder);
  await target.prepare(epochTopics);
  await target.begin("job", "first");
  await target.deliver(outbox(epochRecords(1)), permitFor(1, "first"));
  await rm(folder.directory, { recursive: true });
  const second = (): Promise<void> =>
    target.deliver(outbox(epochRecords(2)), permitFor(2, "first"));
  await assert.rejects(second(), { code: "TOPIC_MISSING", exit: 5 });
  for (const topic of epochTopics) await produce(folder, topic, []);
  await assert.rejects(second(), { code: "SINK_DIVERGED", exit: 6 });
  await target.close();
});

test("inspecting a folder that does not exist makes nothing", async (t) => {
  const folder = await temporaryFolder(t);
  const target = targetOf(folder);
  assert.equal(await target.inspect("job"), undefined);
  await assert.rejects(stat(folder.directory), { code: "ENOENT" });
  await target.close();
});

test("outputs that cannot be read leave nothing visible, and the next delivery is whole", async (t) => {
  const folder = await temporaryFolder(t);
  const target = targetOf(folder);
  await target.prepare(epochTopics);
  await target.begin("job", "first");
  const broken = {
    async *batches() {
      yield epochRecords(1).slice(0, 7);
      throw new Error("outbox is damaged");
    },
  };
  await assert.rejects(target.deliver(broken, permitFor(1, "first")), /outbox is damaged/);
  assert.deepEqual(await deliveredView(folder), []);
  await target.deliver(outbox(epochRecords(1)), permitFor(1, "first"));
  assert.deepEqual(await deliveredView(folder), expectedView(1));
  await target.close();
});

test("an epoch larger than the write buffers arrives whole and in order", async (t) => {
  const folder = await temporaryFolder(t);
  const target = targetOf(folder);
  await target.prepare(["left"]);
  await target.begin("job", "first");
  const records = Array.from({ length: 3000 }, (_, index) => ({
    topic: 0,
    partition: index % 3,
    key: null,
    value: Buffer.from(`${index} `.padEnd(index % 1000 === 0 ? 1_048_588 : 2000, "z")),
    timestampMs: index,
  }));
  await target.deliver(outbox(records.slice(0, 999), records.slice(999)), permitFor(1, "first"));
  const seen = (await consumeTexts(folder, "left")).map((text) => [
    parseInt(text, 10),
    text.length,
  ]);
  const expected = records.map(({ value }, index) => [index, value.length]);
  assert.deepEqual(
    seen,
    [0, 1, 2].flatMap((partition) => expected.filter((_, index) => index % 3 === partition)),
  );
  await target.close();
});

test("what a killed session left behind the committed ends is cut off when the next one begins", async (t) => {
  const folder = await temporaryFolder(t);
  await deliverEpochs(folder, "first", 1, { failpoints });
  const path = join(folder.directory, "1.left", "0.log");
  const { size } = await stat(path);
  const file = await folder.files.open(path, "readwrite");
  await file.write(Buffer.from("half an epoch"), size);
  await file.close();
  assert.deepEqual(await deliveredView(folder), expectedView(1));
  await deliverEpochs(folder, "second", 1, { failpoints });
  assert.equal((await stat(path)).size, size);
});
