import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import * as fc from "fast-check";
import { EngineError } from "../../engine/core/errors.ts";
import type { File, FileSystem } from "../../engine/core/file-system.ts";
import type { JsonObject, JsonValue } from "../../engine/core/json.ts";
import type { RawBatch } from "../../engine/core/record.ts";
import { FileSource, fileSource } from "../../engine/connectors/file/file-source.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { connectorContext } from "./connector-context.ts";
import { sourceConformance } from "./source-conformance.ts";
import type { ExpectedRow } from "./source-conformance.ts";

const directory = mkdtempSync(join(tmpdir(), "file-source-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const never = new AbortController().signal;
let written = 0;

function write(content: string | Buffer): string {
  written += 1;
  const path = join(directory, `input-${written}.jsonl`);
  writeFileSync(path, content);
  return path;
}

function sourceOf(
  path: string,
  options: { maxRecordBytes?: number; chunkBytes?: number } = {},
): FileSource {
  const { maxRecordBytes = 1 << 20, chunkBytes = 1 << 20 } = options;
  return new FileSource(path, connectorContext(directory, { maxRecordBytes }), { chunkBytes });
}

async function readAll(source: FileSource, positions?: readonly JsonValue[]): Promise<RawBatch[]> {
  await source.open(positions ?? (await source.resolveStart()));
  const batches: RawBatch[] = [];
  for (;;) {
    const batch = await source.poll(1000, never);
    if (batch === undefined) continue;
    batches.push(batch);
    if (batch.ended) break;
  }
  await source.close();
  return batches;
}

interface Row {
  readonly offset: number;
  readonly text: string;
}

function rows(batches: readonly RawBatch[]): Row[] {
  return batches.flatMap((batch) =>
    batch.offsets.map((offset, row) => ({
      offset,
      text: batch.bytes.toString("latin1", batch.starts[row], batch.ends[row]),
    })),
  );
}

/** The rules again, over the whole text at once. */
function expectedRows(text: string): Row[] {
  const found: Row[] = [];
  let offset = 0;
  for (const line of text.split("\n")) {
    if (/[^ \t\r]/.test(line)) found.push({ offset, text: line });
    offset += line.length + 1;
  }
  return found;
}

async function rejection(work: Promise<unknown>): Promise<EngineError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof EngineError, String(error));
    return error;
  }
  return assert.fail("it should have been refused");
}

/** The machine's files with another way to read. */
function filesReading(read: (file: File) => File["read"]): FileSystem {
  return {
    ...nodeFiles,
    async open(path, mode) {
      const file = await nodeFiles.open(path, mode);
      return {
        read: read(file),
        write: (bytes, position) => file.write(bytes, position),
        size: () => file.size(),
        truncate: (length) => file.truncate(length),
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

const conformanceLines = Array.from(
  { length: 2500 },
  (_, i) => `{"n":${i},"text":"${"é".repeat(i % 50)}"}`,
);
sourceConformance("a file source", async () => {
  const path = "conformance.jsonl";
  writeFileSync(join(directory, path), conformanceLines.join("\n \r\n"));
  return {
    create: () => fileSource.create({ path }, connectorContext(directory)),
    expected: [conformanceLines.map((value) => ({ value }))],
  };
});

const longLine = `{"text":"${"é".repeat(6000)}"}`;
sourceConformance("a file source with small chunks and long lines", async () => {
  const path = write(`{"a":1}\n${longLine}\n\n{"b":2}\r\n${longLine.repeat(3)}`);
  const oversized = (text: string): ExpectedRow => ({
    // 4096 bytes would end in the middle of a character.
    value: Buffer.from(text).subarray(0, 4095).toString(),
    oversized: { length: Buffer.byteLength(text), sha256: sha256(text) },
  });
  return {
    create: () => sourceOf(path, { maxRecordBytes: 5000, chunkBytes: 1024 }),
    expected: [
      [
        { value: '{"a":1}' },
        oversized(longLine),
        { value: '{"b":2}\r' },
        oversized(longLine.repeat(3)),
      ],
    ],
  };
});

sourceConformance("a file source without a byte", async () => {
  const path = write("");
  return { create: () => sourceOf(path), expected: [[]] };
});

describe("lines", () => {
  const cases: readonly (readonly [name: string, text: string])[] = [
    ["no bytes hold no record", ""],
    ["blank lines are no records", "\n \n\t\n\r\n \t\r \n"],
    ["the last newline is optional", '{"a":1}\n{"b":2}'],
    ["a blank unterminated end is no record", '{"a":1}\n \t'],
    ["a carriage return belongs to its line", '{"a":1}\r\n{"b":2}\r'],
    ["other control characters make a record", "\v\n\f\n\0\n"],
    ["a byte order mark is left to the intake", "\u00ef\u00bb\u00bf{}\n{}"],
  ];
  for (const [name, text] of cases) {
    for (const chunkBytes of [1, 3, 1 << 20]) {
      it(`${name} (read ${chunkBytes} at a time)`, async () => {
        const path = write(Buffer.from(text, "latin1"));
        const batches = await readAll(sourceOf(path, { chunkBytes }));
        assert.deepEqual(rows(batches), expectedRows(text));
        const last = batches.at(-1)!.resumeAt as JsonObject;
        assert.equal(last["offset"], text.length);
      });
    }
  }

  it("are the same whatever the chunk size, the cap and the bytes", async () => {
    const piece = fc.constantFrom(
      "\n",
      "\r",
      " ",
      "\t",
      "a",
      '{"x":1}',
      "\u00ff",
      "long".repeat(40),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 60 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 200 }),
        async (pieces, chunkBytes, maxRecordBytes) => {
          const text = pieces.join("");
          const path = write(Buffer.from(text, "latin1"));
          const batches = await readAll(sourceOf(path, { chunkBytes, maxRecordBytes }));
          const expected = expectedRows(text);
          // Below 4096 bytes the head is the whole line.
          assert.deepEqual(rows(batches), expected);
          const lengths = batches.flatMap((batch) =>
            batch.offsets.map((_, row) => batch.oversized?.get(row)?.length),
          );
          assert.deepEqual(
            lengths,
            expected.map((row) => (row.text.length > maxRecordBytes ? row.text.length : undefined)),
          );
        },
      ),
      { numRuns: 150, seed: 11 },
    );
  });

  it("beyond the cap pass by in bounded memory, with length and digest", async () => {
    const line = Buffer.alloc(40 << 20, "x");
    const path = write(Buffer.concat([Buffer.from("{}\n"), line, Buffer.from("\n{}\n")]));
    const memory = new Set<ArrayBufferLike>();
    const context = connectorContext(directory, {
      maxRecordBytes: 1 << 16,
      files: filesReading((file) => (into, position) => {
        memory.add(into.buffer);
        return file.read(into, position);
      }),
    });
    const source = new FileSource(path, context);
    await source.open(await source.resolveStart());
    const batches: RawBatch[] = [];
    while (batches.at(-1)?.ended !== true) {
      const batch = await source.poll(10, never);
      if (batch !== undefined) batches.push(batch);
    }
    await source.close();
    const found = batches.flatMap((batch) => [...(batch.oversized?.values() ?? [])]);
    assert.deepEqual(found, [
      { length: line.length, sha256: createHash("sha256").update(line).digest("hex") },
    ]);
    const long = batches.find((batch) => batch.oversized !== undefined)!;
    assert.equal(long.bytes.length, 4096);
    let bytes = 0;
    for (const one of memory) bytes += one.byteLength;
    assert.ok(bytes <= 4 << 20, `${bytes} bytes were read into`);
    assert.deepEqual(
      rows(batches).map((row) => row.offset),
      [0, 3, line.length + 4],
    );
  });

  it("beyond the cap that hold only blanks are no records", async () => {
    const path = write(`{}\n${" ".repeat(5000)}\n{}`);
    const found = rows(await readAll(sourceOf(path, { maxRecordBytes: 100, chunkBytes: 64 })));
    assert.deepEqual(found, [
      { offset: 0, text: "{}" },
      { offset: 5004, text: "{}" },
    ]);
  });
});

describe("an input that is not what it was", () => {
  const text = '{"a":1}\n{"b":2}\n{"c":3}';

  async function finished(path: string): Promise<readonly JsonValue[]> {
    return [(await readAll(sourceOf(path))).at(-1)!.resumeAt];
  }

  async function halfRead(path: string): Promise<readonly JsonValue[]> {
    const source = sourceOf(path);
    await source.open(await source.resolveStart());
    const batch = await source.poll(1, never);
    await source.close();
    return [batch!.resumeAt];
  }

  it("ends at once, without rows, when it was finished and nothing changed", async () => {
    const path = write(text);
    const position = await finished(path);
    const batches = await readAll(sourceOf(path), position);
    assert.deepEqual(rows(batches), []);
    assert.deepEqual(
      batches.map((batch) => batch.ended),
      [true],
    );
    assert.deepEqual([batches[0]!.resumeAt], position);
  });

  const changes: readonly (readonly [string, (path: string) => void])[] = [
    ["has grown", (path) => appendFileSync(path, "\n{}")],
    ["has grown by a newline", (path) => appendFileSync(path, "\n")],
    ["has become shorter", (path) => writeFileSync(path, text.slice(0, -1))],
    ["has changed in its last byte", (path) => writeFileSync(path, `${text.slice(0, -1)}]`)],
    ["has changed in its first byte", (path) => writeFileSync(path, `[${text.slice(1)}`)],
    ["is empty", (path) => writeFileSync(path, "")],
  ];
  for (const [name, change] of changes) {
    it(`is refused when it was finished and ${name}`, async () => {
      const path = write(text);
      const position = await finished(path);
      change(path);
      const error = await rejection(sourceOf(path).open(position));
      assert.equal(error.code, "INPUT_CHANGED");
      assert.equal(error.exit, 6);
    });
  }

  it("is refused when it changed before the position", async () => {
    const path = write(text);
    const position = await halfRead(path);
    writeFileSync(path, text.replace("1", "7"));
    assert.equal((await rejection(sourceOf(path).open(position))).code, "INPUT_CHANGED");
  });

  it("goes on when only what lies behind the position changed or grew", async () => {
    const path = write(text);
    const position = await halfRead(path);
    writeFileSync(path, '{"a":1}\n{"z":26}\n{"c":3}\n{"d":4}');
    const found = rows(await readAll(sourceOf(path), position));
    assert.deepEqual(
      found.map((row) => row.text),
      ['{"z":26}', '{"c":3}', '{"d":4}'],
    );
  });

  it("is refused when it becomes shorter while it is read", async () => {
    const path = write(`${text}\n`.repeat(100));
    const source = sourceOf(path, { chunkBytes: 64 });
    await source.open(await source.resolveStart());
    await source.poll(1, never);
    writeFileSync(path, text);
    const error = await rejection(
      (async () => {
        while ((await source.poll(10, never))?.ended !== true);
      })(),
    );
    assert.equal(error.code, "INPUT_CHANGED");
    await source.close();
  });

  it("is refused when the position is of another kind of system", async () => {
    const path = write(text);
    for (const position of [null, 7, { offset: 5 }, { index: 1, ended: false }, "x"]) {
      assert.equal((await rejection(sourceOf(path).open([position]))).code, "STATE_FOREIGN");
    }
  });
});

describe("an input that cannot be read", () => {
  it("is missing, a directory, or below a file", async () => {
    mkdirSync(join(directory, "folder"), { recursive: true });
    const file = write("{}");
    const cases = [
      [join(directory, "none.jsonl"), "INPUT_MISSING"],
      [join(directory, "folder"), "INPUT_UNREADABLE"],
      [join(file, "below.jsonl"), "INPUT_UNREADABLE"],
    ] as const;
    for (const [path, code] of cases) {
      for (const work of [
        sourceOf(path).resolveStart(),
        sourceOf(path).open([{ offset: 0, crc: 0, ended: false }]),
      ]) {
        const error = await rejection(work);
        assert.equal(error.code, code);
        assert.equal(error.exit, 5);
      }
    }
  });

  it("gives us no rights", async () => {
    const path = write("{}");
    const context = connectorContext(directory);
    const denied = Object.assign(new Error("permission denied"), { code: "EACCES" });
    const files = { ...context.files, open: () => Promise.reject(denied) };
    const error = await rejection(new FileSource(path, { ...context, files }).resolveStart());
    assert.equal(error.code, "INPUT_UNREADABLE");
    assert.match(error.message, /EACCES/);
  });

  it("fails while it is read", async () => {
    const path = write("{}\n");
    const broken = Object.assign(new Error("i/o error"), { code: "EIO" });
    const files = filesReading(() => () => Promise.reject(broken));
    const source = new FileSource(path, connectorContext(directory, { files }));
    await source.open(await source.resolveStart());
    assert.equal((await rejection(source.poll(1, never))).code, "INPUT_UNREADABLE");
    await source.close();
  });
});
