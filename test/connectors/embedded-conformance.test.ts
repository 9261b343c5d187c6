import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedTarget } from "../../engine/connectors/embedded/embedded-target.ts";
import { failpointNames } from "../../engine/core/failpoints.ts";
import { deliveryConformance } from "./delivery-conformance.ts";
import { consume, epochPartitions, folderAt, produce } from "./embedded-fixtures.ts";

const traits = {
  fenced: "SINK_FENCED",
  failpoints: failpointNames.filter((name) => name.startsWith("embedded.")),
} as const;

deliveryConformance("a folder of embedded topics", traits, async () => {
  const directory = await mkdtemp(join(tmpdir(), "embedded-topics-"));
  const folder = folderAt(join(directory, "topics"));
  const topics = ["left", "right"];
  return {
    job: "job",
    topics,
    create: (failpoints) => new EmbeddedTarget(folder, epochPartitions, { failpoints }),
    read: (topic) => consume(folder, topic),
    write: (topic, records) => produce(folder, topic, records),
    removeTopics: () => rm(folder.directory, { recursive: true }),
    remakeTopics: async () => {
      for (const topic of topics) await produce(folder, topic, []);
    },
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
});
