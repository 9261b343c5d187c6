import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { EngineError } from "../../engine/core/errors.ts";
import type { FailpointName, Failpoints } from "../../engine/core/failpoints.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import type { FileSystem } from "../../engine/core/file-system.ts";
import type { OutboxFacts } from "../../engine/checkpoint/commit-record.ts";
import type { OutboxRecord } from "../../engine/checkpoint/delivery.ts";
import {
  OutboxFile,
  OutboxWriter,
  outboxBlocks,
  outboxPath,
  removeOutboxes,
} from "../../engine/checkpoint/outbox.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { temporaryDirectory } from "../state/state-fixtures.ts";

const topics = ["orders.processed", "orders.late"];

function stateDirectory(t: TestContext): string {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, "outbox"));
  return directory;
}

function writer(
  directory: string,
  epoch = 1,
  failpoints: Failpoints = noFailpoints,
  files = nodeFiles,
  blocks = outboxBlocks(),
): OutboxWriter {
  return new OutboxWriter({
    files,
    failpoints,
    directory,
    epoch,
    target: "embedded",
    topics,
    blocks,
  });
}

async function readAll(
  directory: string,
  epoch: number,
  facts: OutboxFacts,
  to = topics,
  blocks = outboxBlocks(),
): Promise<OutboxRecord[]> {
  const path = outboxPath(directory, epoch, "embedded");
  const records: OutboxRecord[] = [];
  for await (const batch of new OutboxFile(nodeFiles, path, facts, to, blocks).batches())
    for (const record of batch) records.push(copyOf(record));
  return records;
}

function copyOf(record: OutboxRecord): OutboxRecord {
  const { key, value } = record;
  return { ...record, key: key && Buffer.from(key), value: Buffer.from(value) };
}

test("records come back in order, byte for byte, of any size", async (t) => {
  const directory = stateDirectory(t);
  const outbox = writer(directory, 7);
  const written: {
    topic: number;
    partition: number;
    key: string | null;
    value: string;
    timestampMs: number;
  }[] = [];
  const sizes = [0, 1, 200, 70_000, 1_500_000, 3_000_000];
  for (let i = 0; i < 6000; i++) {
    const size = i % 1000 === 500 ? (sizes[(i / 1000) | 0] ?? 0) : (i * 7) % 400;
    written.push({
      topic: i % 2,
      partition: i % 5 === 0 ? 4_000_000_000 : i % 5,
      key: i % 3 === 0 ? null : i % 3 === 1 ? "" : `schlüssel-${i}-\u{1f600}`,
      value: "ü".repeat(size % 7) + "x".repeat(size),
      timestampMs: i % 4 === 0 ? -62_135_596_800_000 : 1_736_780_400_000 + i,
    });
  }
  for (const { topic, partition, key, value, timestampMs } of written) {
    outbox.append(topic, partition, key, value, timestampMs);
    await outbox.room();
  }
  const facts = await outbox.close();
  assert.equal(facts.records, written.length);
  assert.equal(readFileSync(outboxPath(directory, 7, "embedded")).length, facts.bytes);
  assert.deepEqual(readdirSync(join(directory, "outbox")), ["7.embedded"]);
  const read = await readAll(directory, 7, facts);
  assert.deepEqual(
    read.map((record) => ({
      ...record,
      key: record.key?.toString("utf8") ?? null,
      value: record.value.toString("utf8"),
    })),
    written.map(({ topic, partition, key, value, timestampMs }) => ({
      topic,
      partition,
      timestampMs,
      key,
      value,
    })),
  );
});

test("outboxes of two epochs are written and one is read at once with the same blocks", async (t) => {
  const directory = stateDirectory(t);
  const blocks = outboxBlocks();
  const values = (epoch: number) =>
    Array.from({ length: 40 }, (_, i) => `${epoch}:${i}:`.padEnd(150_000, String(epoch)));
  const write = async (epoch: number): Promise<OutboxFacts> => {
    const outbox = writer(directory, epoch, noFailpoints, nodeFiles, blocks);
    for (const value of values(epoch)) {
      outbox.append(0, 0, null, value, 0);
      await outbox.room();
    }
    return outbox.close();
  };
  const read = async (epoch: number, facts: OutboxFacts): Promise<readonly string[]> =>
    (await readAll(directory, epoch, facts, topics, blocks)).map(({ value }) => String(value));
  const first = await write(1);
  const [second, third, read1] = await Promise.all([write(2), write(3), read(1, first)]);
  assert.deepEqual(read1, values(1));
  assert.deepEqual(await read(2, second), values(2));
  assert.deepEqual(await read(3, third), values(3));
});

test("what an earlier attempt left in the unfinished file is gone", async (t) => {
  const directory = stateDirectory(t);
  writeFileSync(join(directory, "outbox", "unfinished.1.embedded"), "x".repeat(5000));
  const outbox = writer(directory);
  outbox.append(0, 0, "k", "v", 0);
  const facts = await outbox.close();
  assert.equal((await readAll(directory, 1, facts)).length, 1);
});

test("an epoch without records has no file", async (t) => {
  const directory = stateDirectory(t);
  const facts = await writer(directory).close();
  assert.equal(facts.records, 0);
  assert.deepEqual(readdirSync(join(directory, "outbox")), []);
  assert.deepEqual(await readAll(directory, 1, facts), []);
});

test("a missing, cut, longer or flipped outbox is refused before its first record", async (t) => {
  const directory = stateDirectory(t);
  const outbox = writer(directory);
  for (let i = 0; i < 50; i++) outbox.append(0, i, `key-${i}`, `{"n":${i}}`, i);
  const facts = await outbox.close();
  const path = outboxPath(directory, 1, "embedded");
  const whole = readFileSync(path);
  const damaged: Buffer[] = [whole.subarray(0, -1), Buffer.concat([whole, whole]), Buffer.alloc(0)];
  for (let at = 0; at < whole.length; at += 1) {
    const flipped = Buffer.from(whole);
    flipped[at] = (flipped[at] ?? 0) ^ 0x80;
    damaged.push(flipped);
  }
  for (const bytes of damaged) {
    writeFileSync(path, bytes);
    let given = 0;
    await assert.rejects(
      async () => {
        for await (const batch of new OutboxFile(nodeFiles, path, facts, topics).batches())
          given += batch.length;
      },
      { code: "STATE_CORRUPT" },
    );
    assert.equal(given, 0);
  }
  rmSync(path);
  await assert.rejects(readAll(directory, 1, facts), { code: "STATE_CORRUPT" });
});

test("topics are found by name, since another start may number them differently", async (t) => {
  const directory = stateDirectory(t);
  const outbox = writer(directory);
  outbox.append(1, 0, null, "late", 0);
  const facts = await outbox.close();
  const [record] = await readAll(directory, 1, facts, ["new", "orders.late", "orders.processed"]);
  assert.equal(record?.topic, 1);
  await assert.rejects(readAll(directory, 1, facts, ["orders.processed"]), (error: Error) => {
    assert.ok(error instanceof EngineError && error.code === "SINK_DIVERGED");
    assert.match(error.message, /orders\.late/);
    return true;
  });
});

test("failpoints are hit in order, and a failure at each leaves no finished outbox", async (t) => {
  const names: FailpointName[] = [];
  const recording: Failpoints = {
    hit: (name) => {
      names.push(name);
      return Promise.resolve();
    },
  };
  const directory = stateDirectory(t);
  const outbox = writer(directory, 1, recording);
  outbox.append(0, 0, "k", "v", 0);
  await outbox.close();
  assert.deepEqual(
    names,
    ["write", "sync", "rename"].flatMap((step) => [
      `outbox.${step}.before`,
      `outbox.${step}.after`,
    ]),
  );
  for (const name of names.slice(0, -1)) {
    const failing = stateDirectory(t);
    const broken = writer(failing, 1, {
      hit: (hit) =>
        hit === name
          ? Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" }))
          : Promise.resolve(),
    });
    broken.append(0, 0, "k", "v", 0);
    await assert.rejects(broken.close(), { code: "STATE_IO", exit: 5 });
    await broken.abandon();
    assert.equal(readdirSync(join(failing, "outbox")).includes("1.embedded"), false, name);
  }
});

test("its bytes are durable before it gets its name, its name before it counts", async (t) => {
  const calls: string[] = [];
  const noting: FileSystem = {
    ...nodeFiles,
    async open(path, mode) {
      const file = await nodeFiles.open(path, mode);
      return {
        read: (into, position) => file.read(into, position),
        write: (bytes, position) => {
          calls.push("write");
          return file.write(bytes, position);
        },
        size: () => file.size(),
        truncate: (length) => file.truncate(length),
        sync: () => {
          calls.push("sync");
          return file.sync();
        },
        close: () => file.close(),
      };
    },
    rename: (from, to) => {
      calls.push("rename");
      return nodeFiles.rename(from, to);
    },
    syncDirectory: (path) => {
      calls.push("sync of the folder");
      return nodeFiles.syncDirectory(path);
    },
  };
  const outbox = writer(stateDirectory(t), 1, noFailpoints, noting);
  outbox.append(0, 0, "k", "v", 0);
  await outbox.close();
  assert.deepEqual(calls, ["write", "sync", "rename", "sync of the folder"]);
});

test("a full disk is said by the next `room` and by `close`", async (t) => {
  const directory = stateDirectory(t);
  const full: FileSystem = {
    ...nodeFiles,
    async open(path, mode) {
      const file = await nodeFiles.open(path, mode);
      return {
        read: (into, position) => file.read(into, position),
        write: () => Promise.reject(Object.assign(new Error("no space left"), { code: "ENOSPC" })),
        size: () => file.size(),
        truncate: (length) => file.truncate(length),
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
  };
  const outbox = writer(directory, 1, noFailpoints, full);
  for (let i = 0; i < 40; i++) {
    outbox.append(0, 0, null, "x".repeat(300_000), 0);
    if (i < 12) continue;
    await assert.rejects(outbox.room(), { code: "DISK_FULL", exit: 5 });
  }
  await assert.rejects(outbox.close(), { code: "DISK_FULL" });
  await outbox.abandon();
});

test("older outboxes are removed by epoch, unfinished ones only at a start", async (t) => {
  const directory = stateDirectory(t);
  for (const name of [
    "8.embedded",
    "9.embedded",
    "9.kafka%3A9092",
    "10.embedded",
    "unfinished.10.embedded",
  ]) {
    writeFileSync(join(directory, "outbox", name), "x");
  }
  const left = (): string[] => readdirSync(join(directory, "outbox")).toSorted();
  await removeOutboxes(nodeFiles, noFailpoints, directory, { keepFromEpoch: 9, unfinished: false });
  assert.deepEqual(left(), [
    "10.embedded",
    "9.embedded",
    "9.kafka%3A9092",
    "unfinished.10.embedded",
  ]);
  await removeOutboxes(nodeFiles, noFailpoints, directory, { keepFromEpoch: 10, unfinished: true });
  assert.deepEqual(left(), ["10.embedded"]);
  assert.equal(outboxPath("/s", 9, "kafka:host/1"), "/s/outbox/9.kafka%3Ahost%2F1");
});
