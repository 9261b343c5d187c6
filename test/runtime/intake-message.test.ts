import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDecimal } from "../../engine/core/decimal.ts";
import type { ErrorEnvelope } from "../../engine/core/fault.ts";
import { StreamRecord, TOMBSTONE, sequenceStep } from "../../engine/core/record.ts";
import type { Origin, RawBatch } from "../../engine/core/record.ts";
import type { ValueObject } from "../../engine/core/value.ts";
import { writeRecord } from "../../engine/core/write-record.ts";
import { batchOf, replyOf, requestOf, rowsOf } from "../../engine/runtime/intake-message.ts";
import { ghostRow, recordRow, watermarkRow } from "../../engine/runtime/port-buffer.ts";
import type { PortRows, RowKind } from "../../engine/runtime/port-buffer.ts";

const rawBatch: RawBatch = {
  partition: 2,
  bytes: Buffer.from('..{"a":1}--{"a":2}...'),
  starts: [2, 0, 11],
  ends: [9, TOMBSTONE, 18],
  offsets: [7, 8, 10],
  timestampsMs: [70, 80, 100],
  oversized: new Map([[2, { length: 900, sha256: "ab" }]]),
  resumeAt: 11,
  ended: true,
};
const origin: Origin = { sourceId: "in", sourceName: "topic", batch: rawBatch };

describe("A batch on its way to the worker", () => {
  it("has its rows, places, times and long records, and only the bytes that rows have", () => {
    const request = structuredClone(requestOf("in", rawBatch, 42, true, newBuffer));
    assert.equal(request.sourceId, "in");
    assert.equal(request.processingTimeMs, 42);
    assert.equal(request.closesLane, true);
    const { bytes, starts, ends, ...rest } = batchOf(request.batch);
    assert.equal(bytes.toString(), '{"a":1}--{"a":2}');
    assert.equal(bytes.toString("utf8", starts[0], ends[0]), '{"a":1}');
    assert.equal(ends[1], TOMBSTONE);
    assert.equal(bytes.toString("utf8", starts[2], ends[2]), '{"a":2}');
    const { partition, offsets, timestampsMs, oversized } = rawBatch;
    const places = { partition, offsets, timestampsMs, oversized };
    assert.deepEqual(rest, { ...places, resumeAt: null, ended: false });
  });

  it("lies in the one buffer that it is given, as does what comes back", () => {
    const buffers = [new ArrayBuffer(1 << 16)];
    const { batch } = requestOf("in", rawBatch, 42, true, (bytes) => {
      assert.equal(bytes, 3 * 4 * 8 + 16);
      return buffers[0]!;
    });
    const arrays = [batch.bytes, batch.starts, batch.ends, batch.offsets, batch.timestampsMs!];
    for (const array of arrays) assert.equal(array.buffer, buffers[0]);
    const rows = [record({ id: "a" }, 0), record({ id: "b" }, 2)];
    const port = { kinds: rows.map((): RowKind => recordRow), rows };
    const reply = replyOf(batch.buffer, { ...noRows, ports: [port] }, ["id"]);
    assert.equal(reply?.buffer, buffers[0]);
    const { eventTimesMs, rows: numbers, ends, types, kinds, text, columns } = reply!.ports[0]!;
    const texts = [text.bytes, columns.get("id")!.bytes];
    for (const array of [eventTimesMs, numbers, ends, types, kinds, ...texts]) {
      assert.equal(array.buffer, buffers[0]);
    }
  });

  it("may be empty, or hold nothing but tombstones, and need no broker times", () => {
    const { timestampsMs: _, oversized: __, ...bare } = rawBatch;
    for (const starts of [[], [5]]) {
      const ends = starts.map(() => TOMBSTONE);
      const batch = { ...bare, starts, ends, offsets: starts };
      const crossed = batchOf(structuredClone(requestOf("in", batch, 0, false, newBuffer)).batch);
      assert.equal(crossed.bytes.length, 0);
      assert.deepEqual(crossed.ends, ends);
      assert.equal(crossed.timestampsMs, undefined);
    }
  });
});

const newBuffer = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes);
const noRows = { counters: [], ports: [], processingTimeMs: 0 };

function record(value: ValueObject, row: number, more: Partial<StreamRecord> = {}): StreamRecord {
  const { exact = true, text, added = 0, error } = more;
  return new StreamRecord(
    value,
    1000 + row,
    5,
    row * sequenceStep,
    origin,
    row,
    exact,
    text,
    added,
    error,
  );
}

/** Through the worker and back. */
function crossed(rows: PortRows["rows"], kinds?: readonly RowKind[]): PortRows {
  const port = { kinds: kinds ?? rows.map(() => recordRow), rows };
  const { batch } = requestOf("in", rawBatch, 9, false, newBuffer);
  const reply = replyOf(batch.buffer, { counters: [], ports: [port], processingTimeMs: 9 }, [
    "id",
    "amount",
  ]);
  assert.ok(reply !== undefined);
  const made = rowsOf(structuredClone(reply), { origin, lane: 5 }, 9);
  assert.equal(made.processingTimeMs, 9);
  return made.ports[0]!;
}

const envelope = {
  type: "EXPRESSION_ERROR",
  code: "EXPRESSION_ERROR",
  message: "half: 🙂",
  step: "enrich",
  original: "{}",
  encoding: "utf8",
  time: "2025-01-13T15:00:00.000Z",
  record: { amount: parseDecimal("1.50")! },
} satisfies ErrorEnvelope;

describe("Records on their way from the worker", () => {
  const values: readonly ValueObject[] = [
    { id: "a", n: 1 },
    { id: "ä😀", amount: parseDecimal("12.50")!, items: [{ price: parseDecimal("0.10")! }] },
    { id: 5, amount: "text", "1": null },
  ];
  const texts = ["", "plain", "ä\u00ff", "\u0100", "😀", "half a pair: \ud83d", "\udc00 \0"];

  it("are what they were: value, text, time, place", () => {
    const sent = values.map((value, row) => record(value, row));
    const { rows } = crossed(sent);
    for (const [row, was] of sent.entries()) {
      const is = rows[row] as StreamRecord;
      assert.equal(is.writtenText, writeRecord(was));
      assert.equal(writeRecord(is), writeRecord(was));
      assert.deepStrictEqual(is.value, was.value);
      const { eventTimeMs, lane, sequence, origin: from, error } = is;
      assert.deepEqual({ eventTimeMs, lane, sequence, row: is.row }, { ...placeOf(was) });
      assert.equal(from, origin);
      assert.equal(error, undefined);
    }
  });

  it("have any text, in company of any other", () => {
    for (const sent of [...texts.map((text) => [text]), texts]) {
      const { rows } = crossed(sent.map((id, row) => record({ id }, row)));
      const came = rows.map((row) => row as StreamRecord);
      assert.deepEqual(
        came.map((row) => row.memberAtHand("id")),
        sent,
      );
      assert.deepEqual(
        came.map(({ value }) => value["id"]),
        sent,
      );
    }
  });

  it("tell fields that were asked for without their whole value", () => {
    const { rows } = crossed(values.map((value, row) => record(value, row)));
    const [first, second, third] = rows as readonly StreamRecord[];
    assert.equal(first?.memberAtHand("id"), "a");
    assert.equal(first?.memberAtHand("amount"), undefined);
    assert.equal(first?.memberAtHand("n"), undefined, "nobody asked for it");
    assert.equal(second?.memberAtHand("id"), "ä😀");
    assert.deepStrictEqual(second?.memberAtHand("amount"), values[1]?.["amount"]);
    assert.equal(third?.memberAtHand("id"), undefined, "a number: the value knows");
    assert.equal(third?.memberAtHand("amount"), "text");
    const changed = first?.withValue({ ...first.value, id: "b" }, false, undefined);
    assert.equal(changed?.memberAtHand("id"), undefined, "no longer of the value");
    assert.equal(changed?.writtenText, undefined);
    assert.equal(changed && writeRecord(changed), '{"id":"b","n":1}');
  });

  it("may be extended behind the border: what is there is written as it was", () => {
    const [row] = crossed([record({ id: "a", amount: parseDecimal("2.50")! }, 0)]).rows;
    const is = row as StreamRecord;
    const more = is.withValue({ ...is.value, more: true }, true, 1);
    assert.equal(writeRecord(more), '{"id":"a","amount":"2.50","more":true}');
  });

  it("keep their envelope, as the value or beside it", () => {
    const { rows } = crossed([
      record(envelope, 0, { error: envelope }),
      record({ id: "x" }, 1, { error: envelope }),
    ]);
    const [bare, beside] = rows as readonly StreamRecord[];
    assert.deepStrictEqual(bare?.value, envelope);
    assert.equal(bare?.error, bare?.value);
    assert.deepStrictEqual(beside?.error, envelope);
    assert.deepStrictEqual(beside?.value, { id: "x" });
    assert.equal(beside?.memberAtHand("id"), "x");
  });

  it("keep their places among ghosts, before the end of their lane", () => {
    const sent = [record({ id: "a" }, 0), record({ id: "b" }, 3), record({ id: "c" }, 4)];
    const end = { lane: 5, sequence: 5 * sequenceStep, eventTimeMs: Infinity };
    const sentKinds = [ghostRow, recordRow, ghostRow, watermarkRow] as const;
    const { kinds, rows } = crossed([...sent, end], sentKinds);
    assert.deepEqual(kinds, sentKinds);
    for (const [index, was] of sent.entries()) {
      const { lane, sequence, eventTimeMs } = rows[index]!;
      assert.deepEqual({ lane, sequence, eventTimeMs, row: was.row }, placeOf(was));
    }
    assert.deepEqual(rows[3], end);
    assert.equal((rows[1] as StreamRecord).memberAtHand("id"), "b");
  });
});

it("A batch that takes much more room than it came with does not cross", () => {
  const { batch } = requestOf("in", rawBatch, 0, false, newBuffer);
  const replyFor = (value: ValueObject, count: number) => {
    const rows = Array.from({ length: count }, (_, row) => record(value, row));
    const port = { kinds: rows.map((): RowKind => recordRow), rows };
    return replyOf(batch.buffer, { counters: [], ports: [port, port], processingTimeMs: 0 }, []);
  };
  const text = { text: "x".repeat(1_000_000) };
  assert.ok(replyFor(text, 8) !== undefined);
  assert.equal(replyFor(text, 9), undefined, "18 million characters on two ports");
  const prices = Array.from({ length: 5000 }, () => parseDecimal("1.5")!);
  assert.ok(replyFor({ prices }, 100) !== undefined, "one type");
  const rows = [1, 2, 3, 4].map((less, row) => record({ prices: prices.slice(less) }, row));
  const port = { kinds: rows.map((): RowKind => recordRow), rows };
  assert.equal(
    replyOf(batch.buffer, { counters: [], ports: [port], processingTimeMs: 0 }, []),
    undefined,
  );
});

function placeOf({ eventTimeMs, lane, sequence, row }: StreamRecord) {
  return { eventTimeMs, lane, sequence, row };
}
