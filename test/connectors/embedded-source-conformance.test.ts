import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedSource } from "../../engine/connectors/embedded/embedded-source.ts";
import { TopicWriter } from "../../engine/connectors/embedded/topic-writer.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import { folderAt, record } from "./embedded-fixtures.ts";
import { sourceConformance } from "./source-conformance.ts";

const partitions = 3;
const maxRecordBytes = 5000;

sourceConformance("an embedded source", async () => {
  const directory = await mkdtemp(join(tmpdir(), "embedded-topics-"));
  const folder = folderAt(join(directory, "topics"));
  const writer = new TopicWriter(folder, "in", { failpoints: noFailpoints, partitions });
  const values = Array.from({ length: 1200 }, (_, row) => {
    if (row % 97 === 5) return null;
    return row % 301 === 300 ? "x".repeat(maxRecordBytes + row) : `${row} ${"y".repeat(row % 700)}`;
  });
  for (let from = 0, size = 1; from < values.length; from += size, size = (size * 3) % 509) {
    const records = values.slice(from, from + size).map((value, index) => {
      const timestampMs = (from + index) * 10;
      return value === null ? { key: null, value, timestampMs } : record(value, null, timestampMs);
    });
    await writer.append(records);
  }
  await writer.close();
  const rows = values.map((value, row) => {
    const timestampMs = row * 10;
    if (value === null || value.length <= maxRecordBytes) return { value, timestampMs };
    const sha256 = createHash("sha256").update(value).digest("hex");
    return {
      value: value.slice(0, 4096),
      timestampMs,
      oversized: { length: value.length, sha256 },
    };
  });
  return {
    create: () =>
      new EmbeddedSource(folder, {
        topic: "in",
        start: "earliest",
        partitions,
        maxRecordBytes,
        failpoints: noFailpoints,
      }),
    expected: Array.from({ length: partitions }, (_, partition) =>
      rows.filter((_row, row) => row % partitions === partition),
    ),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
});
