import { isUtf8 } from "node:buffer";
import type { Argv } from "yargs";
import { TopicReader } from "../connectors/embedded/topic-reader.ts";
import type { ConsumedRecord } from "../connectors/embedded/topic-reader.ts";
import type { RecordHeader } from "../connectors/kafka/batch-format.ts";
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
    .option("isolation", {
      nargs: 1,
      choices: ["read_committed", "read_uncommitted"] as const,
      default: "read_committed" as const,
      describe: "read_uncommitted: also what a transaction may take back; clusters only",
    })
    .option("headers", {
      type: "boolean",
      default: false,
      describe: "Show the headers of each record; embedded topics have none",
    })
    .option("max", { type: "number", nargs: 1, describe: "Stop after this many records" })
    .option("format", {
      nargs: 1,
      choices: ["value", "pretty", "json"] as const,
      default: "pretty" as const,
      describe: "value: the bare value, bytes as they are; json: one object a line",
    })
    .example("$0 consume ecommerce.orders.processed --from-beginning", "All there is")
    .example("$0 consume ecommerce.orders.processed --follow", "What comes from now on")
    .example(
      "$0 consume ecommerce.orders.dlq --job jobs/orders.yaml --from-beginning --max 10",
      "With the job's TLS and login",
    );
}

type ConsumeArguments = Awaited<ReturnType<ReturnType<typeof build>["parseAsync"]>>;

const newline = Buffer.from("\n");

/** A value that is not UTF-8 is shown as base64, but leaves as its own bytes with `--format value`. */
function lineOf(record: ConsumedRecord, options: ConsumeArguments): Buffer {
  if (options.format === "value") return Buffer.concat([record.value ?? Buffer.alloc(0), newline]);
  return Buffer.from(`${describe(record, options)}\n`);
}

function describe(record: ConsumedRecord, { format, headers: shown }: ConsumeArguments): string {
  const isText = record.value === null || isUtf8(record.value);
  const value = record.value?.toString(isText ? "utf8" : "base64") ?? null;
  const key = record.key?.toString("utf8") ?? null;
  const { partition, offset, timestampMs } = record;
  const headers = shown ? (record.headers ?? []).map(headerText) : undefined;
  if (format === "json") {
    const encoding = isText ? undefined : "base64";
    return JSON.stringify({ partition, offset, timestampMs, headers, key, encoding, value });
  }
  const pairs = headers?.map((pair) =>
    pair.map((text) => (text ? quotedIfNeeded(text) : "")).join("="),
  );
  const middle = pairs === undefined ? "" : `[${pairs.join(",")}] `;
  const shownValue = value === null ? "(no value)" : isText ? value : `base64 ${value}`;
  return `${partition}:${offset} ${formatInstant(timestampMs)} ${middle}${key === null ? "-" : quotedIfNeeded(key)} ${shownValue}`;
}

/** As it is; as a JSON string where it is empty, `-`, or has quotes, blanks or controls. */
function quotedIfNeeded(text: string): string {
  if (text !== "" && text !== "-" && !/["\p{C}\p{Z}]/u.test(text)) return text;
  return JSON.stringify(text).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (control) =>
    Array.from(
      { length: control.length },
      (_, at) => `\\u${control.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** Name and value. */
function headerText({ name, value }: RecordHeader): readonly [string, string | null] {
  return [name, value?.toString("utf8") ?? null];
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
    const place = topicsPlace(options, drain.signal);
    const reader =
      "cluster" in place
        ? new KafkaTopicReader(place.cluster, options.topic, options.isolation)
        : new TopicReader(place.folder, options.topic);
    const follow = options.follow ?? !options.fromBeginning;
    let left = max ?? Infinity;
    try {
      await reader.open(options.fromBeginning ? "beginning" : "end");
      for await (const records of reader.records({ follow }, drain.signal)) {
        const taken = records.slice(0, left);
        const isRead = await print(Buffer.concat(taken.map((record) => lineOf(record, options))));
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
