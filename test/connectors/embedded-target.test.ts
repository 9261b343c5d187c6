import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { EmbeddedTarget } from "../../engine/connectors/embedded/embedded-target.ts";
import type { TopicsFolder } from "../../engine/connectors/embedded/topics-folder.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import {
  deliverEpochs,
  deliveredView,
  expectedView,
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

test("inspecting a folder that does not exist makes nothing", async (t) => {
  const folder = await temporaryFolder(t);
  const target = targetOf(folder);
  assert.equal(await target.inspect("job"), undefined);
  await assert.rejects(stat(folder.directory), { code: "ENOENT" });
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
