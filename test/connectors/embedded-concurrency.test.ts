import assert from "node:assert/strict";
import { test } from "node:test";
import { EmbeddedSource } from "../../engine/connectors/embedded/embedded-source.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import {
  consumeTexts,
  deliveredView,
  expectedView,
  never,
  produce,
  temporaryFolder,
} from "./embedded-fixtures.ts";
import { startChild } from "./embedded-processes.ts";

test("a job, two producers, a consumer and a source work on one folder at once", async (t) => {
  const folder = await temporaryFolder(t);
  const appends = 40;
  await produce(folder, "input", [], { partitions: 3 });
  const children = [
    startChild(folder.directory, ["produce", "input", "a", `${appends}`]),
    startChild(folder.directory, ["produce", "input", "b", `${appends}`]),
    startChild(folder.directory, ["deliver", "first", "25"]),
    startChild(folder.directory, ["consume", "input", `${appends * 10}`]),
  ];
  t.after(() => children.forEach((child) => child.kill()));
  const source = new EmbeddedSource(folder, {
    topic: "input",
    start: "earliest",
    partitions: 3,
    maxRecordBytes: 1_048_576,
    failpoints: noFailpoints,
  });
  await source.open(await source.resolveStart(), { untilEnd: false });
  const polled: string[] = [];
  while (polled.length < appends * 10) {
    const batch = await source.poll(50, never);
    // Whatever a look at the topic shows meanwhile, appends are in it as a whole.
    const counts = new Map<string, number>();
    for (const text of await consumeTexts(folder, "input")) {
      const append = text.slice(0, text.lastIndexOf("/"));
      counts.set(append, (counts.get(append) ?? 0) + 1);
    }
    assert.ok([...counts.values()].every((count) => count === 5));
    for (const [row, start] of (batch?.starts ?? []).entries()) {
      const value = batch?.bytes.toString("utf8", start, batch.ends[row]);
      polled.push(`${batch?.partition}@${batch?.offsets[row]}=${value}`);
    }
  }
  await source.close();
  for (const child of children) assert.deepEqual(await child.ended, { code: 0, signal: null });

  const texts = polled.map((row) => row.slice(row.indexOf("=") + 1));
  const expected = ["a", "b"].flatMap((name) =>
    Array.from(
      { length: appends * 5 },
      (_, index) => `${name}/${Math.floor(index / 5)}/${index % 5}`,
    ),
  );
  assert.deepEqual(texts.toSorted(), expected.toSorted());
  assert.deepEqual(children[3]?.lines.toSorted(), polled.toSorted());
  assert.deepEqual(await deliveredView(folder), expectedView(25));
});
