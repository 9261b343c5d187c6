import type { Argv } from "yargs";
import { TopicReader } from "../connectors/embedded/topic-reader.ts";
import type { ConsumedRecord } from "../connectors/embedded/topic-reader.ts";
import { KafkaTopicReader } from "../connectors/kafka/kafka-topic-reader.ts";
import { formatInstant } from "../core/event-time.ts";
import { EngineError, exitCode } from "../core/errors.ts";
import { consoleLogger, print, StatusLine } from "./output.ts";
import { drainOnSignals } from "./signals.ts";
import { topicOptions, topicsPlace } from "./topic-options.ts";

function build(yargs: Argv) {
  return topicOptions(yargs)
    .option("from-beginning", {
      type: "boolean",
      default: false,
      describe: "Start at the oldest record instead of the end",
    })
    .option("follow", {
      alias: "f",
      type: "boolean",
      describe: "Wait for more; default: only without --from-beginning",
    })
    .option("max", { type: "number", describe: "Stop after this many records" })
    .option("format", {
      choices: ["value", "pretty", "json"] as const,
      default: "pretty" as const,
      describe: "value: the bare value; json: one object a line",
    })
    .example("$0 consume ecommerce.orders.processed --from-beginning", "All there is")
    .example("$0 consume ecommerce.orders.processed --follow", "What comes from now on");
}

type ConsumeArguments = Awaited<ReturnType<ReturnType<typeof build>["parseAsync"]>>;

function lineOf(record: ConsumedRecord, format: ConsumeArguments["format"]): string {
  const value = record.value?.toString("utf8") ?? null;
  const key = record.key?.toString("utf8") ?? null;
  if (format === "value") return value ?? "";
  const { partition, offset, timestampMs } = record;
  if (format === "json") return JSON.stringify({ partition, offset, timestampMs, key, value });
  return `${partition}:${offset} ${formatInstant(timestampMs)} ${key ?? "-"} ${value ?? "(no value)"}`;
}

export const consumeCommand = {
  command: "consume <topic>",
  describe: "Print the records of a topic",
  builder: build,
  handler: async (options: ConsumeArguments): Promise<number> => {
    const { max } = options;
    if (max !== undefined && (!Number.isSafeInteger(max) || max < 1)) {
      throw new EngineError("USAGE", "--max must be a whole number from 1");
    }
    const drain = drainOnSignals(consoleLogger(new StatusLine()));
    const place = topicsPlace(options.topicsDir);
    const reader =
      "cluster" in place
        ? new KafkaTopicReader(place.cluster, options.topic)
        : new TopicReader(place.folder, options.topic);
    const follow = options.follow ?? !options.fromBeginning;
    let left = max ?? Infinity;
    try {
      await reader.open(options.fromBeginning ? "beginning" : "end");
      for await (const records of reader.records({ follow }, drain.signal)) {
        const taken = records.slice(0, left);
        const lines = taken.map((record) => `${lineOf(record, options.format)}\n`);
        const isRead = await print(lines.join(""));
        left -= taken.length;
        if (left <= 0 || !isRead) break;
      }
      return exitCode.ok;
    } finally {
      drain.close();
      await reader.close();
    }
  },
};
