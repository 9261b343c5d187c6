import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LogAppender } from "../../engine/connectors/embedded/log-appender.ts";
import type { ChunkPacker } from "../../engine/connectors/embedded/log-format.ts";
import type { TopicFacts } from "../../engine/connectors/embedded/topics-state.ts";
import { temporaryDirectory } from "../state/state-fixtures.ts";
import { folderAt, record } from "./embedded-fixtures.ts";

const partitions = 90;

test("packers keep their buffers from append to append, but not of ever so many partitions", async (t) => {
  const folder = folderAt(temporaryDirectory(t));
  mkdirSync(join(folder.directory, "wide"));
  const ends = Array.from({ length: partitions }, () => ({ offset: 0, bytes: 0 }));
  const topic: TopicFacts = { name: "wide", id: "1", directory: "wide", ends };
  const packers = new Map<string, ChunkPacker>();
  const value = record("x".repeat(400_000));
  const append = async (to: number): Promise<void> => {
    const appender = new LogAppender(folder, packers);
    for (let partition = 0; partition < to; partition += 1) {
      await appender.add([{ ...value, topic, partition }]);
    }
    await appender.flush();
    await appender.close();
    assert.equal(appender.ends().length, to);
  };
  await append(2);
  const [first] = packers.values();
  await append(partitions);
  assert.equal([...packers.values()][0], first);
  const keptBytes = [...packers.values()].reduce((sum, { capacity }) => sum + capacity, 0);
  assert.ok(keptBytes > 8 * 2 ** 20 && keptBytes <= 32 * 2 ** 20, String(keptBytes));
});
