import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { JsonValue } from "../../engine/core/json.ts";
import { TOMBSTONE } from "../../engine/core/record.ts";
import type { OversizedRecord, RawBatch } from "../../engine/core/record.ts";
import type { Source } from "../../engine/connectors/connector.ts";

/** One row as a source must give it; offsets are judged by their order alone. */
export interface ExpectedRow {
  /** Null for a record without a value; of an oversized one its head. */
  readonly value: string | null;
  readonly timestampMs?: number;
  readonly oversized?: OversizedRecord;
}

export interface SourceUnderTest {
  /** A new source on the same data each time. */
  create(): Source;
  /** Rows by partition, in order. */
  readonly expected: readonly (readonly ExpectedRow[])[];
  dispose?(): Promise<void>;
}

/** Rows and end of each partition, and the position after each batch. */
interface Reading {
  readonly rows: ReadRow[][];
  readonly ended: boolean[];
  /** The position of every partition after each batch. */
  readonly edges: (readonly JsonValue[])[];
  /** How many rows of each partition had come by then. */
  readonly counts: (readonly number[])[];
}

interface ReadRow extends ExpectedRow {
  readonly offset: number;
}

const never = new AbortController().signal;
/** Polls without any batch after which a source counts as stuck. */
const idlePollsMax = 50;

function rowsOf(batch: RawBatch): ReadRow[] {
  return batch.offsets.map((offset, row) => {
    const end = batch.ends[row]!;
    const timestampMs = batch.timestampsMs?.[row];
    const oversized = batch.oversized?.get(row);
    return {
      offset,
      value: end === TOMBSTONE ? null : batch.bytes.toString("utf8", batch.starts[row], end),
      ...(timestampMs === undefined ? {} : { timestampMs }),
      ...(oversized === undefined ? {} : { oversized }),
    };
  });
}

/** Reads on from `positions` until every partition has ended; decodes only then, so that a reused buffer shows. */
async function readToEnd(
  source: Source,
  positions: readonly JsonValue[],
  maxRecords: number,
): Promise<Reading> {
  await source.open(positions, { untilEnd: true });
  const current = [...positions];
  const ended = positions.map(() => false);
  const counts = positions.map(() => 0);
  const batches: RawBatch[] = [];
  const reading: Reading = { rows: positions.map(() => []), ended, edges: [], counts: [] };
  let idle = 0;
  while (ended.includes(false)) {
    const batch = await source.poll(maxRecords, never);
    if (batch === undefined) {
      idle += 1;
      assert.ok(idle < idlePollsMax, "the source neither gives rows nor ends");
      continue;
    }
    idle = 0;
    assert.equal(
      ended[batch.partition],
      false,
      "a partition ends once and gives nothing after its end",
    );
    assert.ok(batch.offsets.length <= maxRecords, "no more rows than asked for");
    assert.equal(batch.starts.length, batch.offsets.length);
    assert.equal(batch.ends.length, batch.offsets.length);
    batches.push(batch);
    ended[batch.partition] = batch.ended;
    counts[batch.partition] = counts[batch.partition]! + batch.offsets.length;
    // A position is kept as JSON.
    current[batch.partition] = JSON.parse(JSON.stringify(batch.resumeAt)) as JsonValue;
    reading.edges.push([...current]);
    reading.counts.push([...counts]);
  }
  assert.equal(await source.poll(maxRecords, never), undefined, "nothing follows the last end");
  for (const batch of batches) reading.rows[batch.partition]!.push(...rowsOf(batch));
  await source.close();
  return reading;
}

function withoutOffsets(rows: readonly ReadRow[]): ExpectedRow[] {
  return rows.map(({ offset: _offset, ...row }) => row);
}

/** At most `most` numbers below `length`, evenly spread, the last among them. */
function spread(length: number, most: number): number[] {
  const step = Math.max(1, Math.ceil(length / most));
  const picked: number[] = [];
  for (let at = length - 1; at >= 0; at -= step) picked.push(at);
  return picked.toReversed();
}

/** The contract of `Source`, for every implementation whose partitions end. */
export function sourceConformance(name: string, make: () => Promise<SourceUnderTest>): void {
  describe(`${name} keeps the source contract`, () => {
    for (const maxRecords of [1, 7, 1000]) {
      it(`gives every row once and in order, at most ${maxRecords} at a time`, async () => {
        const subject = await make();
        try {
          const source = subject.create();
          const start = await source.resolveStart();
          assert.equal(start.length, subject.expected.length);
          assert.equal(source.partitions, subject.expected.length);
          await source.close();
          const { rows } = await readToEnd(subject.create(), start, maxRecords);
          for (const [partition, expected] of subject.expected.entries()) {
            const found = rows[partition]!;
            assert.deepEqual(withoutOffsets(found), expected);
            for (let row = 1; row < found.length; row += 1) {
              assert.ok(found[row]!.offset > found[row - 1]!.offset, "offsets rise strictly");
            }
          }
        } finally {
          await subject.dispose?.();
        }
      });

      it(`resumed at any edge of batches of ${maxRecords} it repeats and skips nothing`, async () => {
        const subject = await make();
        try {
          const first = subject.create();
          const start = await first.resolveStart();
          await first.close();
          const whole = await readToEnd(subject.create(), start, maxRecords);
          for (const edge of spread(whole.edges.length, 60)) {
            const rest = await readToEnd(subject.create(), whole.edges[edge]!, 1000);
            for (const [partition, rows] of whole.rows.entries()) {
              const skipped = whole.counts[edge]![partition]!;
              assert.deepEqual(rest.rows[partition], rows.slice(skipped), `after batch ${edge}`);
            }
          }
        } finally {
          await subject.dispose?.();
        }
      });
    }

    it("has no lag at the end, and can be closed twice and without having been opened", async () => {
      const subject = await make();
      try {
        await subject.create().close();
        const source = subject.create();
        await source.open(await source.resolveStart(), { untilEnd: true });
        for (let left = subject.expected.length; left > 0;) {
          const batch = await source.poll(100, never);
          if (batch?.ended === true) left -= 1;
        }
        assert.equal(source.lag()?.amount ?? 0, 0);
        await source.close();
        await source.close();
      } finally {
        await subject.dispose?.();
      }
    });

    it("returns soon from a poll that is called off", async () => {
      const subject = await make();
      try {
        const source = subject.create();
        await source.open(await source.resolveStart(), { untilEnd: true });
        await source.poll(10, AbortSignal.abort());
        await source.close();
      } finally {
        await subject.dispose?.();
      }
    });
  });
}
