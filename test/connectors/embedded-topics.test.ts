import assert from "node:assert/strict";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import type { RawBatch } from "../../engine/core/record.ts";
import type { JsonObject, JsonValue } from "../../engine/core/json.ts";
import { TOMBSTONE } from "../../engine/core/record.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import { EmbeddedSource } from "../../engine/connectors/embedded/embedded-source.ts";
import { EmbeddedTopics } from "../../engine/connectors/embedded/embedded-topics.ts";
import { TopicReader } from "../../engine/connectors/embedded/topic-reader.ts";
import { TopicWriter } from "../../engine/connectors/embedded/topic-writer.ts";
import type { TopicsFolder } from "../../engine/connectors/embedded/topics-folder.ts";
import { topicNameFault } from "../../engine/connectors/embedded/topic-name.ts";
import {
  consume,
  consumeTexts,
  never,
  produce,
  record,
  temporaryFolder,
} from "./embedded-fixtures.ts";

function sourceOf(
  folder: TopicsFolder,
  options: { start?: "earliest" | "latest"; maxRecordBytes?: number; partitions?: number } = {},
): EmbeddedSource {
  return new EmbeddedSource(folder, {
    topic: "orders",
    start: options.start ?? "earliest",
    partitions: options.partitions ?? 2,
    maxRecordBytes: options.maxRecordBytes ?? 1_048_576,
    failpoints: noFailpoints,
  });
}

function rowTexts(batch: RawBatch): readonly string[] {
  return batch.starts.map((start, row) => {
    const end = batch.ends[row] ?? 0;
    const text = end === TOMBSTONE ? "(none)" : batch.bytes.toString("utf8", start, end);
    return `${batch.partition}@${batch.offsets[row]}=${text}`;
  });
}

/** Polls until all partitions have ended; gives the rows and the last position of each partition. */
async function readToEnd(
  source: EmbeddedSource,
  maxRecords: number,
): Promise<{ rows: string[]; positions: Map<number, JsonValue>; ended: number[] }> {
  const rows: string[] = [];
  const ended: number[] = [];
  const positions = new Map<number, JsonValue>();
  for (;;) {
    const batch = await source.poll(maxRecords, never);
    if (batch === undefined) return { rows, positions, ended };
    assert.ok(batch.starts.length <= maxRecords);
    rows.push(...rowTexts(batch));
    positions.set(batch.partition, batch.resumeAt);
    if (batch.ended) ended.push(batch.partition);
  }
}

test("keys, values, timestamps and offsets come back as they were written", async (t) => {
  const folder = await temporaryFolder(t);
  await produce(folder, "orders", [record("a", "k", 17), record("", "", -5)], { partitions: 1 });
  await produce(folder, "orders", [
    { key: Buffer.from([0, 255]), value: null, timestampMs: 253_402_300_799_999 },
    record("b"),
  ]);
  const seen = await consume(folder, "orders");
  assert.deepEqual(
    seen.map(({ offset, timestampMs, key, value }) => [
      offset,
      timestampMs,
      key?.toString("hex") ?? null,
      value?.toString() ?? null,
    ]),
    [
      [0, 17, "6b", "a"],
      [1, -5, "", ""],
      [2, 253_402_300_799_999, "00ff", null],
      [3, 0, null, "b"],
    ],
  );
});

test("a key goes to the partition that Kafka's Java client chooses", async (t) => {
  const folder = await temporaryFolder(t);
  // Reference values of org.apache.kafka.common.utils.Utils.murmur2, from Kafka's own tests.
  const javaHashes: readonly (readonly [string, number])[] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ];
  await produce(
    folder,
    "orders",
    javaHashes.map(([key]) => record(key, key)),
    { partitions: 7 },
  );
  for (const { key, partition } of await consume(folder, "orders")) {
    const hash = javaHashes.find(([text]) => text === String(key))?.[1] ?? Number.NaN;
    assert.equal(partition, (hash & 0x7fffffff) % 7, String(key));
  }
});

test("records without a key take turns, also from one append to the next", async (t) => {
  const folder = await temporaryFolder(t);
  for (const text of ["a", "b", "c", "d", "e"]) await produce(folder, "orders", [record(text)]);
  const seen = await consume(folder, "orders");
  assert.deepEqual(
    seen.map(({ partition, value }) => `${partition}${String(value)}`),
    ["0a", "0e", "1b", "2c", "3d"],
  );
});

test("a topic is made once, with the number of partitions of its maker", async (t) => {
  const folder = await temporaryFolder(t);
  await produce(folder, "orders", [], { partitions: 3 });
  await produce(folder, "orders", [record("a")], { partitions: 9 });
  await produce(folder, "journal", [record("b")]);
  const topics = new EmbeddedTopics(folder);
  assert.deepEqual(
    (await topics.list()).map(({ name, ends }) => [name, ends.length, ends[0]?.offset]),
    [
      ["journal", 4, 1],
      ["orders", 3, 1],
    ],
  );
  await assert.rejects(topics.topic("order"), {
    code: "TOPIC_MISSING",
    hint: "Did you mean orders?",
  });
  await topics.close();
});

test("looking at a folder that does not exist makes nothing", async (t) => {
  const folder = await temporaryFolder(t);
  const topics = new EmbeddedTopics(folder);
  assert.deepEqual(await topics.list(), []);
  const source = sourceOf(folder, { start: "latest" });
  assert.equal((await source.resolveStart()).length, 2);
  await assert.rejects(stat(folder.directory), { code: "ENOENT" });
});

test("topic names follow Kafka's rules", () => {
  for (const legal of ["a", "A.b_c-9", "...", "x".repeat(249), "journal"]) {
    assert.equal(topicNameFault(legal), undefined, legal);
  }
  for (const illegal of ["", ".", "..", "a/b", "a b", "ä", "x".repeat(250), "a\n", "a\0", "../x"]) {
    assert.notEqual(topicNameFault(illegal), undefined, JSON.stringify(illegal));
  }
});

test("the longest topic name fits the file system", async (t) => {
  const folder = await temporaryFolder(t);
  const name = "x".repeat(249);
  await produce(folder, name, [record("a")]);
  assert.deepEqual(await consumeTexts(folder, name), ["a"]);
});

test("an illegal name and a value over the broker's limit are refused before anything is written", async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(produce(folder, "a/b", [record("a")]), { code: "USAGE" });
  const large = { key: null, value: Buffer.alloc(1_048_589), timestampMs: 0 };
  await assert.rejects(produce(folder, "orders", [record("a"), large]), { code: "USAGE" });
  await assert.rejects(consume(folder, "orders"), { code: "TOPIC_MISSING" });
});

test("a source gives the same rows for any batch size and any place it is stopped and resumed", async (t) => {
  const folder = await temporaryFolder(t);
  const writer = new TopicWriter(folder, "orders", { failpoints: noFailpoints, partitions: 2 });
  const random = fc.sample(fc.integer({ min: 0, max: 3000 }), { numRuns: 400, seed: 11 });
  // Appends of different sizes: chunks of one record, and several chunks in one append.
  for (let from = 0, size = 1; from < random.length; from += size, size = (size * 2) % 131) {
    const values = random.slice(from, from + size);
    await writer.append(
      values.map((length, index) => record(`${from + index} ${"v".repeat(length)}`)),
    );
  }
  await writer.close();

  const whole = sourceOf(folder);
  const start = await whole.resolveStart();
  await whole.open(start, { untilEnd: true });
  assert.deepEqual(whole.lag(), { amount: 400, unit: "records" });
  const expected = await readToEnd(whole, 100_000);
  assert.deepEqual(whole.lag(), { amount: 0, unit: "records" });
  assert.deepEqual(new Set(expected.ended), new Set([0, 1]));
  assert.equal(expected.rows.length, 400);
  await whole.close();

  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 5 }),
      async (sizes) => {
        const positions = [...start];
        const rows: string[] = [];
        for (let life = 0; rows.length < 400; life += 1) {
          const source = sourceOf(folder);
          await source.open(positions, { untilEnd: true });
          for (const size of sizes) {
            let batch = await source.poll(size + life, never);
            // A partition that was read to its end before says so first.
            while (batch?.starts.length === 0) batch = await source.poll(size + life, never);
            if (batch === undefined) break;
            rows.push(...rowTexts(batch));
            // As it comes back from the commit record.
            positions[batch.partition] = structuredClone(batch.resumeAt);
          }
          await source.close();
        }
        assert.deepEqual(rows.toSorted(), expected.rows.toSorted());
        for (const partition of ["0@", "1@"]) {
          const ours = (row: string): boolean => row.startsWith(partition);
          assert.deepEqual(rows.filter(ours), expected.rows.filter(ours));
        }
      },
    ),
    { numRuns: 15, seed: 7 },
  );
});

test("bytes of a batch stay until it is released, however many others are by then", async (t) => {
  const folder = await temporaryFolder(t);
  const values = Array.from({ length: 20_000 }, (_, index) =>
    record(`${index} ${"x".repeat(900)}`),
  );
  await produce(folder, "orders", values, { partitions: 2 });
  const source = sourceOf(folder);
  await source.open(await source.resolveStart(), { untilEnd: true });
  const rows: string[] = [];
  const pieces = new Set<ArrayBufferLike>();
  const places = new Set<number>();
  const waiting: RawBatch[] = [];
  let polled = 0;
  for (let batch; (batch = await source.poll(100, never)) !== undefined; polled += 1) {
    pieces.add(batch.bytes.buffer);
    places.add(batch.bytes.byteOffset);
    waiting.push(batch);
    // In any order.
    const done = polled % 5 === 4 ? waiting.splice(polled % 3, 5) : [];
    for (const one of done) {
      rows.push(...rowTexts(one));
      one.release?.();
    }
  }
  for (const one of waiting) rows.push(...rowTexts(one));
  const expected = values.map(({ value }, index) => `${index % 2}@${index >> 1}=${String(value)}`);
  assert.deepEqual(rows.toSorted(), expected.toSorted());
  assert.equal(pieces.size, 1);
  assert.ok(places.size < 12, `${places.size} places for 18 MB`);
  await source.close();
});

test("a partition that was read to its end keeps no block, however many there are", async (t) => {
  const folder = await temporaryFolder(t);
  const partitions = 40;
  await produce(folder, "orders", [], { partitions });
  const source = sourceOf(folder, { partitions });
  await source.open(await source.resolveStart(), { untilEnd: false });
  const pieces = new Set<ArrayBufferLike>();
  for (let round = 0; round < 3; round += 1) {
    const values = Array.from({ length: partitions }, (_, index) => record(`${round} ${index}`));
    await produce(folder, "orders", values);
    for (let left = partitions; left > 0;) {
      const batch = await source.poll(100, never);
      assert.ok(batch !== undefined);
      pieces.add(batch.bytes.buffer);
      left -= batch.starts.length;
      batch.release?.();
    }
  }
  assert.equal(pieces.size, 1);
  await source.close();
});

test("latest is fixed by resolveStart, earliest begins at the beginning", async (t) => {
  const folder = await temporaryFolder(t);
  await produce(folder, "orders", [record("a"), record("b"), record("c")], { partitions: 2 });
  const latest = sourceOf(folder, { start: "latest" });
  const positions = await latest.resolveStart();
  await produce(folder, "orders", [record("d"), record("e")]);
  await latest.open(positions, { untilEnd: true });
  assert.deepEqual((await readToEnd(latest, 10)).rows.toSorted(), ["0@2=e", "1@1=d"]);
  await latest.close();
  const earliest = sourceOf(folder);
  await earliest.open(await earliest.resolveStart(), { untilEnd: true });
  assert.equal((await readToEnd(earliest, 10)).rows.length, 5);
  await earliest.close();
});

test("a source of a topic that does not exist makes it and reads what comes", async (t) => {
  const folder = await temporaryFolder(t);
  const source = sourceOf(folder, { start: "latest", partitions: 3 });
  const positions = await source.resolveStart();
  assert.equal(source.partitions, 3);
  await source.open(positions, { untilEnd: false });
  assert.equal(await source.poll(10, never), undefined);
  await produce(folder, "orders", [record("a", "k", 99)], { partitions: 8 });
  const batch = await source.poll(10, never);
  assert.deepEqual(batch?.timestampsMs, [99]);
  assert.equal(batch?.ended, false);
  await source.close();
});

test("what was appended but never journaled is no record, for followers neither", async (t) => {
  const folder = await temporaryFolder(t);
  await produce(folder, "orders", [record("seen")], { partitions: 1 });
  const failpoints = {
    hit: (name: string) =>
      name === "embedded.journal.before" ? Promise.reject(new Error("killed")) : Promise.resolve(),
  };
  await assert.rejects(produce(folder, "orders", [record("unseen")], { failpoints }));
  for (const untilEnd of [true, false]) {
    const source = sourceOf(folder);
    await source.open(await source.resolveStart(), { untilEnd });
    const first = await source.poll(10, never);
    assert.deepEqual(first && rowTexts(first), ["0@0=seen"]);
    assert.equal(await source.poll(10, never), undefined);
    await source.close();
  }
  assert.deepEqual(await consumeTexts(folder, "orders"), ["seen"]);
});

test("until the end means the end as it was at open", async (t) => {
  const folder = await temporaryFolder(t);
  await produce(folder, "orders", [record("a"), record("b"), record("c")], { partitions: 2 });
  const source = sourceOf(folder);
  await source.open(await source.resolveStart(), { untilEnd: true });
  await produce(folder, "orders", [record("d"), record("e")]);
  const { rows, ended } = await readToEnd(source, 10);
  assert.deepEqual(rows.toSorted(), ["0@0=a", "0@1=c", "1@0=b"]);
  assert.deepEqual(new Set(ended), new Set([0, 1]));
  assert.equal(await source.poll(10, never), undefined);
  await source.close();
});

test("partitions without records end with an empty batch", async (t) => {
  const folder = await temporaryFolder(t);
  await produce(folder, "orders", [], { partitions: 2 });
  const source = sourceOf(folder);
  await source.open(await source.resolveStart(), { untilEnd: true });
  assert.deepEqual(await readToEnd(source, 10).then(({ rows, ended }) => [rows, ended]), [
    [],
    [0, 1],
  ]);
  await source.close();
});

test("a record over the cap comes as its head with length and digest; its neighbours are whole", async (t) => {
  const folder = await temporaryFolder(t);
  const large = "y".repeat(10_000);
  await produce(folder, "orders", [record("a"), record(large), record("b")], { partitions: 1 });
  const source = sourceOf(folder, { maxRecordBytes: 9999 });
  await source.open(await source.resolveStart(), { untilEnd: true });
  const batch = await source.poll(10, never);
  assert.ok(batch);
  assert.deepEqual(rowTexts(batch), ["0@0=a", `0@1=${"y".repeat(4096)}`, "0@2=b"]);
  assert.deepEqual(
    [...(batch.oversized ?? [])],
    [
      [
        1,
        {
          length: 10_000,
          sha256: "ee495583da3837270125e8dc70ccec871677b7c6ce9f8920560f6a6bf6b80c31",
        },
      ],
    ],
  );
  await source.close();
});

test("a position that the topic no longer has is refused, and nothing is made", async (t) => {
  const folder = await temporaryFolder(t);
  await produce(folder, "orders", [record("a"), record("b"), record("c")], { partitions: 2 });
  const source = sourceOf(folder);
  await source.open(await source.resolveStart(), { untilEnd: true });
  const { positions } = await readToEnd(source, 10);
  await source.close();
  const saved = [positions.get(0) ?? null, positions.get(1) ?? null];
  const at = (change: JsonObject): JsonValue[] => [
    Object.assign({}, saved[0], change),
    saved[1] ?? null,
  ];
  const refusals: readonly (readonly [readonly JsonValue[], string])[] = [
    [at({ offset: 3 }), "INPUT_CHANGED"],
    [at({ byte: 1000 }), "INPUT_CHANGED"],
    [at({ offset: 1 }), "INPUT_CHANGED"],
    [at({ topic: "another" }), "INPUT_CHANGED"],
    [[saved[0] ?? null], "INPUT_CHANGED"],
    [[{ offset: 0, crc: 0, ended: false }, saved[1] ?? null], "STATE_FOREIGN"],
  ];
  for (const [wanted, code] of refusals) {
    const other = sourceOf(folder);
    await assert.rejects(other.open(wanted, { untilEnd: true }), { code }, JSON.stringify(wanted));
    await other.close();
  }

  await rm(folder.directory, { recursive: true });
  const gone = sourceOf(folder);
  await assert.rejects(gone.open(saved, { untilEnd: false }), { code: "INPUT_CHANGED" });
  await assert.rejects(stat(folder.directory), { code: "ENOENT" });

  await produce(folder, "orders", [record("a"), record("b"), record("c")], { partitions: 2 });
  await assert.rejects(gone.open(saved, { untilEnd: false }), { code: "INPUT_CHANGED", exit: 6 });
  await gone.close();
});

test("a topic that is deleted, or deleted and made again, stops whoever reads it", async (t) => {
  const folder = await temporaryFolder(t);
  await produce(folder, "orders", [record("a")], { partitions: 2 });
  for (const makeAgain of [false, true]) {
    const source = sourceOf(folder);
    await source.open(await source.resolveStart(), { untilEnd: false });
    assert.ok(await source.poll(10, never));
    const reader = new TopicReader(folder, "orders");
    await reader.open("end");
    await rm(folder.directory, { recursive: true });
    if (makeAgain) await produce(folder, "orders", [record("a")], { partitions: 2 });
    await assert.rejects(source.poll(10, never), { code: "INPUT_CHANGED" });
    await assert.rejects(reader.records({ follow: true }, never).next(), { code: "INPUT_CHANGED" });
    await source.close();
    await reader.close();
    if (!makeAgain) await produce(folder, "orders", [record("a")], { partitions: 2 });
  }
});

test("a follower sees appends as they come, each whole, until it is told to stop", async (t) => {
  const folder = await temporaryFolder(t);
  await produce(folder, "orders", [record("before")], { partitions: 2 });
  const reader = new TopicReader(folder, "orders");
  await reader.open("end");
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const records of reader.records({ follow: true }, stop.signal)) {
      seen.push(...records.map(({ value }) => String(value)));
      if (seen.length === 9) stop.abort();
    }
  })();
  for (const text of ["a", "b", "c"]) {
    await produce(folder, "orders", [record(`${text}1`), record(`${text}2`), record(`${text}3`)]);
  }
  await following;
  assert.deepEqual(seen.toSorted(), ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3"]);
  await reader.close();
});

test("the journal is replaced by a short one under live readers, who miss and repeat nothing", async (t) => {
  const folder = await temporaryFolder(t);
  const options = { failpoints: noFailpoints, journalBytesMax: 600, partitions: 2 };
  await produce(folder, "orders", [], options);
  const source = sourceOf(folder);
  await source.open(await source.resolveStart(), { untilEnd: false });
  const writers = [1, 2].map(() => new TopicWriter(folder, "orders", options));
  const rows: string[] = [];
  const inodes = new Set<number>();
  for (let index = 0; index < 60; index += 1) {
    await writers[index % 2]?.append([record(`${index}`)]);
    inodes.add((await stat(join(folder.directory, "journal"))).ino);
    // The reader falls behind by several replacements at times.
    if (index % 7 !== 0) continue;
    for (let batch; (batch = await source.poll(5, never)) !== undefined;)
      rows.push(...rowTexts(batch));
  }
  for (let batch; (batch = await source.poll(5, never)) !== undefined;)
    rows.push(...rowTexts(batch));
  assert.ok(inodes.size > 3, `${inodes.size} journals`);
  assert.ok((await stat(join(folder.directory, "journal"))).size < 2000);
  const expected = Array.from({ length: 60 }, (_, index) => `${index % 2}@${index >> 1}=${index}`);
  assert.deepEqual(rows.toSorted(), expected.toSorted());
  assert.equal((await consumeTexts(folder, "orders")).length, 60);
  for (const writer of writers) await writer.close();
  await source.close();
});

test("appends of one writer that are not awaited keep their order", async (t) => {
  const folder = await temporaryFolder(t);
  const writer = new TopicWriter(folder, "orders", { failpoints: noFailpoints, partitions: 1 });
  await Promise.all(["a", "b", "c", "d"].map((text) => writer.append([record(text)])));
  await writer.close();
  assert.deepEqual(await consumeTexts(folder, "orders"), ["a", "b", "c", "d"]);
});
