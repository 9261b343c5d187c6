import assert from "node:assert/strict";
import { test } from "node:test";
import {
  array,
  assert as assertProperty,
  constantFrom,
  integer,
  nat,
  option,
  property,
  record,
  string,
  uint8Array,
} from "fast-check";
import { decodeRows, headersOf, readBatches } from "../../engine/connectors/kafka/batch-decoder.ts";
import type { RecordBatch } from "../../engine/connectors/kafka/batch-decoder.ts";
import { BatchEncoder, noProducer } from "../../engine/connectors/kafka/batch-encoder.ts";
import type { BatchRecord } from "../../engine/connectors/kafka/batch-encoder.ts";
import { attribute, headerField } from "../../engine/connectors/kafka/batch-format.ts";
import { CommittedFilter } from "../../engine/connectors/kafka/committed-rows.ts";
import { FetchBuffer, keyOf, valueOf } from "../../engine/connectors/kafka/fetch-buffer.ts";
import { decompressSnappy } from "../../engine/connectors/kafka/snappy.ts";
import { crc32c } from "../../engine/core/crc32c.ts";

const where = "orders/0";

function encode(records: readonly BatchRecord[], producer = noProducer): Buffer {
  const encoder = new BatchEncoder();
  for (const record of records) encoder.append(record);
  return encoder.finish(producer);
}

function at(
  batch: Buffer,
  offset: number,
  attributes = batch.readInt16BE(headerField.attributes),
): Buffer {
  batch.writeBigInt64BE(BigInt(offset), headerField.baseOffset);
  batch.writeInt16BE(attributes, headerField.attributes);
  batch.writeUInt32BE(crc32c(batch.subarray(headerField.attributes)), headerField.crc);
  return batch;
}

/** Data or a marker of a producer, at an offset. */
function data(offset: number, producerId: number, key: string | Buffer, value: string): Buffer {
  const producer = { producerId, producerEpoch: 0, baseSequence: 0, transactional: true };
  return at(
    encode([{ key: Buffer.from(key), value: Buffer.from(value), timestampMs: 5 }], producer),
    offset,
  );
}

function marker(offset: number, producerId: number, outcome: "abort" | "commit"): Buffer {
  const key = Buffer.from([0, 0, 0, outcome === "commit" ? 1 : 0]);
  return at(
    data(offset, producerId, key, "\0\0\0\0\0\0"),
    offset,
    attribute.control | attribute.transactional,
  );
}

const field = option(uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)));
const records = array(
  record({
    key: field,
    value: field,
    timestampMs: integer({ min: -1, max: 4_000_000_000_000 }),
    headers: array(record({ name: string({ maxLength: 9 }), value: field }), {
      maxLength: 3,
    }),
  }),
  { minLength: 1, maxLength: 40 },
);

test("what was encoded is decoded: keys, values, times, headers, in every codec that Node has", () => {
  const codecs =
    process.versions.node >= "22.15"
      ? (["none", "gzip", "zstd"] as const)
      : (["none", "gzip"] as const);
  assertProperty(
    property(records, constantFrom(...codecs), nat(2 ** 40), (input, codec, offset) => {
      const encoder = new BatchEncoder();
      for (const record of input) encoder.append(record);
      const batch = at(encoder.finish(noProducer, codec), offset);
      const [read] = [...readBatches(batch, where)] as [RecordBatch];
      assert.equal(read.lastOffset, offset + input.length - 1);
      const rows = decodeRows(read, where);
      const full = { ...rows, nextOffset: 0 };
      const output = rows.offsets.map((rowOffset, row) => {
        assert.equal(rowOffset, offset + row);
        return {
          key: keyOf(full, row),
          value: valueOf(full, row),
          timestampMs: rows.timestampsMs[row],
          headers: headersOf(rows, row),
        };
      });
      assert.deepEqual(
        output,
        input.map((one) => ({ ...one, headers: one.headers.map((header) => ({ ...header })) })),
      );
    }),
    { numRuns: 300, seed: 4 },
  );
});

test("I14: a record is the same whatever its headers: none, without value, binary, repeated, huge", () => {
  const plain = { key: Buffer.from("k"), value: Buffer.from('{"n":1}'), timestampMs: 7 };
  const header = (name: string, value: Buffer | null) => ({ name, value });
  const every = [
    [header("trace", null)],
    [header("", Buffer.from([0, 255, 254, 10]))],
    [header("twice", Buffer.from("a")), header("twice", Buffer.from("b"))],
    [header("huge", Buffer.alloc(900_000, 1))],
    Array.from({ length: 1_000 }, (_, index) => header(`h-${index}`, Buffer.from("v"))),
  ];
  for (const headers of every) {
    const encoder = new BatchEncoder();
    encoder.append({ ...plain, headers });
    encoder.append(plain);
    const [read] = [...readBatches(at(encoder.finish(noProducer, "none"), 5), where)] as [
      RecordBatch,
    ];
    const rows = decodeRows(read, where);
    const full = { ...rows, nextOffset: 0 };
    for (const row of [0, 1]) {
      assert.deepEqual(valueOf(full, row), plain.value);
      assert.deepEqual(keyOf(full, row), plain.key);
      assert.equal(rows.timestampsMs[row], 7);
      assert.equal(rows.offsets[row], 5 + row);
    }
    assert.deepEqual(headersOf(rows, 0), headers);
    assert.deepEqual(headersOf(rows, 1), []);
  }
});

test("I17: a flipped bit in a batch stops the reading and names the offset", () => {
  const batch = at(encode([{ key: null, value: Buffer.from("{}"), timestampMs: 1 }]), 77);
  for (let byte = headerField.attributes; byte < batch.length; byte += 1) {
    const damaged = Buffer.from(batch);
    damaged[byte] = damaged[byte]! ^ 4;
    assert.throws(() => [...readBatches(damaged, where)], {
      code: "INPUT_UNDECODABLE",
      exit: 6,
      message: /orders\/0: the batch at offset 77/,
    });
  }
});

test("I17: a codec that cannot be read stops the reading and is named", () => {
  const batch = at(encode([{ key: null, value: Buffer.from("{}"), timestampMs: 1 }]), 5, 3);
  const [read] = [...readBatches(batch, where)] as [RecordBatch];
  assert.throws(() => decodeRows(read, where), {
    code: "INPUT_UNDECODABLE",
    message: /offset 5.*lz4/,
  });
});

test("a batch that is cut off at the end of an answer is left for the next one", () => {
  const whole = data(0, 1, "a", "A");
  const cut = data(1, 1, "b", "B").subarray(0, 65);
  assert.equal([...readBatches(Buffer.concat([whole, cut]), where)].length, 1);
});

function committed(
  batches: readonly Buffer[],
  aborted: { producerId: number; firstOffset: number }[],
): string[] {
  const filter = new CommittedFilter(aborted, where);
  const values: string[] = [];
  for (const batch of readBatches(Buffer.concat(batches), where)) {
    if (!filter.accepts(batch)) continue;
    const rows = { ...decodeRows(batch, where), nextOffset: 0 };
    for (const row of rows.offsets.keys()) values.push(String(valueOf(rows, row)));
  }
  return values;
}

test("of overlapping aborted transactions nothing comes through, in whatever order they are listed", () => {
  const batches = [
    data(0, 1, "k", "A1"),
    data(1, 3, "k", "C1"),
    data(2, 2, "k", "B1"),
    marker(3, 2, "abort"),
    data(4, 1, "k", "A2"),
    marker(5, 1, "abort"),
    data(6, 1, "k", "A3"),
    marker(7, 1, "commit"),
    marker(8, 3, "commit"),
  ];
  const byEnd = [
    { producerId: 2, firstOffset: 2 },
    { producerId: 1, firstOffset: 0 },
  ];
  assert.deepEqual(committed(batches, byEnd), ["C1", "A3"]);
  assert.deepEqual(committed(batches, byEnd.toReversed()), ["C1", "A3"]);
});

test("a key of four zero bytes in an aborted transaction is no marker", () => {
  const batches = [
    data(0, 1, "k", "D1"),
    data(1, 1, Buffer.alloc(4), "D2"),
    data(2, 1, "k", "D3"),
    marker(3, 1, "abort"),
    data(4, 2, "k", "E1"),
    marker(5, 2, "commit"),
  ];
  assert.deepEqual(committed(batches, [{ producerId: 1, firstOffset: 0 }]), ["E1"]);
});

test("a fetch buffer gives rows up to a limit and goes on behind what is no data", () => {
  const buffer = new FetchBuffer(where, 0);
  const part = {
    topicId: "",
    partition: 0,
    error: 0,
    highWatermark: 9,
    lastStableOffset: 9,
    logStartOffset: 0,
    aborted: [],
  };
  const answer = [
    data(0, 1, "k", "a"),
    data(1, 1, "k", "b"),
    marker(2, 1, "commit"),
    data(3, 1, "k", "c"),
  ];
  buffer.add({ ...part, records: Buffer.concat(answer) });
  assert.equal(buffer.fetchOffset, 4);
  const first = buffer.take(1, 3);
  assert.deepEqual([first?.offsets, first?.nextOffset], [[0], 1]);
  const second = buffer.take(10, 3);
  assert.deepEqual(
    [second?.offsets, second?.nextOffset],
    [[1], 3],
    "the limit lies behind the marker",
  );
  assert.equal(buffer.take(10, 3), undefined);
  assert.deepEqual(buffer.take(10, Infinity)?.offsets, [3]);
  buffer.add({ ...part, records: marker(4, 1, "commit") });
  assert.deepEqual([buffer.take(10, Infinity)?.nextOffset, buffer.takenOffset], [5, 5]);
});

test("compressed batches wait packed, one is unpacked at a time", () => {
  const value = Buffer.alloc(1000, 1);
  const packed = (offset: number): Buffer => {
    const encoder = new BatchEncoder();
    for (let row = 0; row < 100; row += 1) encoder.append({ key: null, value, timestampMs: 1 });
    return at(encoder.finish(noProducer, "gzip"), offset);
  };
  const buffer = new FetchBuffer(where, 30);
  const records = Buffer.concat([packed(0), packed(100), packed(200)]);
  const known = { error: 0, highWatermark: 300, lastStableOffset: 300, logStartOffset: 0 };
  buffer.add({ ...known, topicId: "", partition: 0, aborted: [], records });
  assert.equal(buffer.fetchOffset, 300);
  assert.ok(buffer.bytes < 10_000);
  const seen: number[] = [];
  for (let rows = buffer.take(60, 290); rows !== undefined; rows = buffer.take(60, 290)) {
    assert.ok(buffer.bytes < 200_000);
    seen.push(...rows.offsets);
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 260 }, (_, row) => 30 + row),
  );
  assert.equal(buffer.takenOffset, 290);
});

test("snappy: literals, overlapping copies, Java's framing; damage is an error", () => {
  // "abab..." of 10: length, a literal of two bytes, a copy of 8 from 2 back.
  const block = Buffer.from([10, 1 << 2, 0x61, 0x62, 1 | (4 << 2), 2]);
  assert.equal(decompressSnappy(block).toString(), "ababababab");
  const framed = Buffer.concat([
    Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
    Buffer.from([0, 0, 0, block.length]),
    block,
  ]);
  assert.equal(decompressSnappy(framed).toString(), "ababababab");
  assert.throws(() => decompressSnappy(block.subarray(0, 4)));
  assert.throws(() => decompressSnappy(Buffer.from([10, 1 << 2, 0x61, 0x62, 1 | (4 << 2), 3])));
});
