import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { EngineError } from "../../engine/core/errors.ts";
import type { FailpointName, Failpoints } from "../../engine/core/failpoints.ts";
import type { File, FileSystem } from "../../engine/core/file-system.ts";
import { FileSink, fileSink } from "../../engine/connectors/file/file-sink.ts";
import { FileTail } from "../../engine/connectors/file/file-tail.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { connectorContext } from "./connector-context.ts";

const directory = mkdtempSync(join(tmpdir(), "file-sink-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const mark = { job: "orders", incarnation: "i1", epoch: 3, hash: "abc" };
let paths = 0;

function freshPath(): string {
  paths += 1;
  return join(directory, `${paths}`, "out.jsonl");
}

function sinkOf(
  path: string,
  changes: { files?: FileSystem; failpoints?: Failpoints } = {},
): FileSink {
  return new FileSink(path, connectorContext(directory, changes));
}

/** The machine's files, with what each call on an open file does first. */
function filesWith(before: (call: "write" | "truncate" | "sync") => Promise<void>): FileSystem {
  return {
    ...nodeFiles,
    async open(path, mode): Promise<File> {
      const file = await nodeFiles.open(path, mode);
      return {
        read: (into, position) => file.read(into, position),
        write: async (bytes, position) => {
          await before("write");
          await file.write(bytes, position);
        },
        size: () => file.size(),
        truncate: async (length) => {
          await before("truncate");
          await file.truncate(length);
        },
        sync: async () => {
          await before("sync");
          await file.sync();
        },
        close: () => file.close(),
      };
    },
  };
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

async function rejection(work: Promise<unknown>): Promise<EngineError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof EngineError, String(error));
    return error;
  }
  return assert.fail("it should have failed");
}

describe("a file sink", () => {
  it("makes the file and its folders for us alone, also if nothing is written", async () => {
    const path = join(dirname(freshPath()), "deep", "er", "out.jsonl");
    const sink = sinkOf(path);
    assert.deepEqual(await sink.inspect(), { length: undefined, mark: undefined });
    assert.throws(() => statSync(dirname(path)), "inspect touches nothing");
    await sink.open(0);
    assert.equal((await sink.flush()).length, 0);
    await sink.close();
    assert.equal(readFileSync(path, "utf8"), "");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
    assert.deepEqual(await sink.inspect(), { length: 0, mark: undefined });
  });

  it("appends lines in order and tells how long the file is", async () => {
    const path = freshPath();
    const sink = sinkOf(path);
    await sink.open(0);
    for (const line of ["a", "é", ""]) sink.append(line);
    assert.equal((await sink.flush()).length, 6);
    sink.append("b");
    assert.equal((await sink.flush()).length, 8);
    await sink.close();
    assert.equal(readFileSync(path, "utf8"), "a\né\n\nb\n");
  });

  it("goes on at the committed length and cuts off what lies behind it", async () => {
    const path = freshPath();
    mkdirSync(dirname(path));
    writeFileSync(path, "one\ntwo\nthree");
    const sink = sinkOf(path);
    assert.equal((await sink.inspect()).length, 13);
    await sink.open(8);
    sink.append("2+");
    assert.equal((await sink.flush()).length, 11);
    await sink.close();
    assert.equal(readFileSync(path, "utf8"), "one\ntwo\n2+\n");
  });

  it("starts empty where nothing was committed", async () => {
    const path = freshPath();
    mkdirSync(dirname(path));
    writeFileSync(path, "of an epoch that was given up\n");
    const sink = sinkOf(path);
    await sink.open(0);
    assert.equal((await sink.flush()).length, 0);
    await sink.close();
    assert.equal(readFileSync(path, "utf8"), "");
  });

  it("takes in what was written before a flush, and goes on meanwhile", async () => {
    const path = freshPath();
    let release = (): void => undefined;
    const disk = new Promise<void>((resolve) => {
      release = resolve;
    });
    const sink = sinkOf(path, {
      files: filesWith((call) => (call === "sync" ? disk : Promise.resolve())),
    });
    await sink.open(0);
    sink.append("of this epoch");
    const one = sink.flush();
    sink.append("of the next one");
    const both = sink.flush();
    release();
    const endOf = (text: string) => ({
      length: text.length,
      tail: [{ from: 0, to: text.length, crc32: crc32(text) }],
    });
    assert.deepEqual(await one, endOf("of this epoch\n"));
    assert.deepEqual(await both, endOf("of this epoch\nof the next one\n"));
    await sink.close();
  });

  it("knows whether it holds what was written last, and goes on from there", async () => {
    const path = freshPath();
    mkdirSync(dirname(path));
    writeFileSync(path, "one\ntwo\nthree");
    const tail = [{ from: 4, to: 8, crc32: crc32("two\n") }];
    const sink = sinkOf(path);
    assert.equal(await sink.holds(tail), true);
    assert.equal(await sink.holds([]), true);
    assert.equal(await sink.holds([{ from: 4, to: 14, crc32: crc32("two\nthree") }]), false);
    assert.equal(await sink.holds([...tail, { from: 8, to: 9, crc32: crc32("T") }]), false);
    await sink.open(8, tail);
    sink.append("3");
    const grown = [{ from: 4, to: 10, crc32: crc32("two\n3\n") }];
    assert.deepEqual(await sink.flush(), { length: 10, tail: grown });
    await sink.close();
  });

  it("covers the last of a long file in two segments", () => {
    const tail = new FileTail(0);
    const block = Buffer.alloc(8 << 20);
    const megabytes = [20, 20].map((blocks) => {
      for (let left = blocks; left > 0; left -= 1) tail.add(block);
      return tail.segments.map(({ from, to }) => [from >> 20, to >> 20]);
    });
    assert.deepEqual(megabytes, [
      [
        [0, 128],
        [128, 160],
      ],
      [
        [128, 256],
        [256, 320],
      ],
    ]);
    const [whole] = tail.segments;
    const zeros = Buffer.alloc(128 << 20);
    assert.equal(whole?.crc32, crc32(zeros));
  });

  it("refuses a file shorter than the committed length", async () => {
    const path = freshPath();
    mkdirSync(dirname(path));
    writeFileSync(path, "one\n");
    const error = await rejection(sinkOf(path).open(5));
    assert.equal(error.code, "OUTPUT_DAMAGED");
    assert.equal(error.exit, 6);
    assert.equal(readFileSync(path, "utf8"), "one\n");
  });

  it("publishes a marker that a later inspect reads back", async () => {
    const path = freshPath();
    const sink = sinkOf(path);
    await sink.open(0);
    sink.append("x");
    await sink.publish(mark, (await sink.flush()).length);
    await sink.close();
    assert.deepEqual(await sinkOf(path).inspect(), { length: 2, mark: { ...mark, length: 2 } });
    assert.deepEqual(JSON.parse(readFileSync(`${path}.committed`, "utf8")), { ...mark, length: 2 });
    assert.deepEqual(readdirSync(dirname(path)), ["out.jsonl", "out.jsonl.committed"]);
  });

  it("writes much more than it holds in memory, in order", async () => {
    const path = freshPath();
    let writing = 0;
    let pendingMax = 0;
    let handedOver = 0;
    let written = 0;
    const sink = sinkOf(path, {
      files: filesWith(async () => {
        writing += 1;
        assert.equal(writing, 1, "one write at a time");
        await new Promise((resolve) => setImmediate(resolve));
        writing -= 1;
        written += 1 << 20;
      }),
    });
    await sink.open(0);
    const lines = Array.from({ length: 1024 }, (_, i) => String(i).padStart(1023, "."));
    for (let i = 0; i < 40; i += 1) {
      for (const line of lines) sink.append(line);
      await sink.room();
      handedOver += 1 << 20;
      pendingMax = Math.max(pendingMax, handedOver - written);
    }
    assert.equal((await sink.flush()).length, 40 << 20);
    await sink.close();
    assert.ok(pendingMax <= 10 << 20, `${pendingMax} bytes were pending`);
    assert.equal(readFileSync(path, "utf8"), `${lines.join("\n")}\n`.repeat(40));
  });

  it("takes lines longer than a block, between short ones", async () => {
    const path = freshPath();
    const sink = sinkOf(path);
    const lines = ["first", "é".repeat(1 << 20), "second", "x".repeat(3 << 20), "third"];
    await sink.open(0);
    for (const line of lines) sink.append(line);
    const text = `${lines.join("\n")}\n`;
    assert.equal((await sink.flush()).length, Buffer.byteLength(text));
    await sink.close();
    assert.equal(readFileSync(path, "utf8"), text);
  });

  it("hits its failpoints around each durable step", async () => {
    const path = freshPath();
    const hits: FailpointName[] = [];
    const failpoints: Failpoints = {
      async hit(name) {
        hits.push(name);
      },
    };
    const first = sinkOf(path, { failpoints });
    await first.open(0);
    first.append("x");
    first.append("y");
    await first.publish(mark, (await first.flush()).length);
    await first.close();
    const second = sinkOf(path, { failpoints });
    await second.open(2);
    await second.close();
    const expected = ["file.flush", "file.publish", "recover.truncate"].flatMap((step) => [
      `${step}.before`,
      `${step}.after`,
    ]);
    assert.deepEqual(hits, expected);
    assert.equal(readFileSync(path, "utf8"), "x\n");
  });
});

describe("a file sink that cannot go on", () => {
  const markers: readonly (readonly [string, string])[] = [
    ["cut", '{"job":"orders","incarnat'],
    ["empty", ""],
    ["of something else", '{"version":2}'],
    ["not an object", "null"],
    ["with a negative length", JSON.stringify({ ...mark, length: -1 })],
    ["with a length that is text", JSON.stringify({ ...mark, length: "5" })],
  ];
  for (const [name, text] of markers) {
    it(`says so when the marker is ${name}`, async () => {
      const path = freshPath();
      mkdirSync(dirname(path));
      writeFileSync(`${path}.committed`, text);
      const error = await rejection(sinkOf(path).inspect());
      assert.equal(error.code, "OUTPUT_DAMAGED");
      assert.equal(error.exit, 6);
      assert.equal(readFileSync(`${path}.committed`, "utf8"), text);
    });
  }

  it("names path and bytes when the disk is full, and stays failed", async () => {
    const path = freshPath();
    let full = true;
    const files = filesWith((call) =>
      call === "write" && full ? Promise.reject(failure("ENOSPC")) : Promise.resolve(),
    );
    const sink = sinkOf(path, { files });
    await sink.open(0);
    sink.append("12345");
    const error = await rejection(sink.flush());
    assert.equal(error.code, "DISK_FULL");
    assert.equal(error.exit, 5);
    assert.ok(error.message.includes(path), error.message);
    assert.match(error.message, /6 bytes/);
    full = false;
    sink.append("x");
    assert.equal((await rejection(sink.room())).code, "DISK_FULL");
    assert.equal((await rejection(sink.flush())).code, "DISK_FULL");
    await sink.close();
    const again = sinkOf(path, { files });
    await again.open(0);
    again.append("12345");
    assert.equal((await again.flush()).length, 6);
    await again.close();
  });

  it("does not believe a sync that succeeds after one that failed", async () => {
    const path = freshPath();
    let syncs = 0;
    const files = filesWith((call) => {
      if (call === "sync") syncs += 1;
      return call === "sync" && syncs === 1 ? Promise.reject(failure("EIO")) : Promise.resolve();
    });
    const sink = sinkOf(path, { files });
    await sink.open(0);
    sink.append("x");
    const error = await rejection(sink.flush());
    assert.equal(error.code, "OUTPUT_UNWRITABLE");
    assert.equal((await rejection(sink.flush())).code, "OUTPUT_UNWRITABLE");
    await sink.close();
  });

  it("names a full disk and denied rights of the marker too", async () => {
    const path = freshPath();
    for (const [code, expected, advice] of [
      ["ENOSPC", "DISK_FULL", /free some space/],
      ["EDQUOT", "DISK_FULL", /free some space/],
      ["EACCES", "OUTPUT_UNWRITABLE", /read and write there/],
      ["EROFS", "OUTPUT_UNWRITABLE", /is read-only/],
      ["EFBIG", "OUTPUT_UNWRITABLE", /ulimit -f/],
      ["EIO", "OUTPUT_UNWRITABLE", /see to the disk/],
    ] as const) {
      const files = { ...nodeFiles, rename: () => Promise.reject(failure(code)) };
      const sink = sinkOf(path, { files });
      await sink.open(0);
      const error = await rejection(sink.publish(mark, 0));
      assert.equal(error.code, expected);
      assert.ok(error.message.includes(`${path}.committed`), error.message);
      assert.match(String(error.hint), advice);
      await sink.close();
    }
  });

  it("is a directory, lies below a file, or is not ours to write", async () => {
    const path = freshPath();
    mkdirSync(path, { recursive: true });
    for (const work of [sinkOf(path).inspect(), sinkOf(path).open(0)]) {
      assert.equal((await rejection(work)).code, "OUTPUT_UNWRITABLE");
    }
    const file = join(dirname(path), "file");
    writeFileSync(file, "");
    for (const work of [
      sinkOf(join(file, "a", "b")).inspect(),
      sinkOf(join(file, "a", "b")).open(0),
    ]) {
      assert.equal((await rejection(work)).code, "OUTPUT_UNWRITABLE");
    }
    const files = { ...nodeFiles, open: () => Promise.reject(failure("EACCES")) };
    assert.equal(
      (await rejection(sinkOf(freshPath(), { files }).open(0))).code,
      "OUTPUT_UNWRITABLE",
    );
  });

  it("has a path relative to the job's folder", async () => {
    const sink = fileSink.positioned!({ path: "named/out.jsonl" }, connectorContext(directory));
    await sink.open(0);
    await sink.close();
    assert.equal(sink.name, "named/out.jsonl");
    assert.equal(statSync(join(directory, "named", "out.jsonl")).size, 0);
  });
});
