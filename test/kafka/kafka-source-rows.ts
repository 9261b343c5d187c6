import { createHash } from "node:crypto";
import { KafkaSource } from "../../engine/connectors/kafka/kafka-source.ts";
import type { ExpectedRow, SourceUnderTest } from "../connectors/source-conformance.ts";
import { clusterAt } from "./test-cluster.ts";

export const sourcePartitions = 3;
const maxRecordBytes = 5000;

/** Values of a topic by partition, in order: short and long ones, some without a value, some too large. */
const values: readonly (string | null)[] = Array.from({ length: 400 }, (_, row) => {
  if (row % 97 === 5) return null;
  return row % 131 === 130 ? "x".repeat(maxRecordBytes + row) : `${row} ${"y".repeat(row % 700)}`;
});

export interface SourceRow {
  readonly partition: number;
  readonly value: string | null;
  readonly timestampMs: number;
}

export const sourceRows: readonly SourceRow[] = values.map((value, row) => ({
  partition: row % sourcePartitions,
  value,
  timestampMs: 1_750_000_000_000 + row * 10,
}));

/** A topic that holds exactly `sourceRows` as committed records. */
export function sourceOnTopic(bootstrap: string, topic: string): SourceUnderTest {
  return {
    create: () =>
      new KafkaSource(clusterAt(bootstrap), {
        topic,
        start: "earliest",
        maxRecordBytes,
        group: "job",
      }),
    expected: Array.from({ length: sourcePartitions }, (_, partition) =>
      sourceRows.filter((row) => row.partition === partition).map(expectedRow),
    ),
  };
}

function expectedRow({ value, timestampMs }: SourceRow): ExpectedRow {
  if (value === null || value.length <= maxRecordBytes) return { value, timestampMs };
  const sha256 = createHash("sha256").update(value).digest("hex");
  return {
    value: value.slice(0, 4096),
    timestampMs,
    oversized: { length: value.length, sha256 },
  };
}
