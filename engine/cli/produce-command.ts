import { createReadStream } from "node:fs";
import { stdin } from "node:process";
import type { Argv } from "yargs";
import { TopicWriter } from "../connectors/embedded/topic-writer.ts";
import type { RecordHeader } from "../connectors/kafka/batch-format.ts";
import { KafkaTopicWriter } from "../connectors/kafka/kafka-topic-writer.ts";
import { EngineError, exitCode } from "../core/errors.ts";
import { nodeClock } from "../runtime/node-clock.ts";
import { failpoints } from "./host.ts";
import { consoleLogger, number, print, StatusLine } from "./output.ts";
import { topicOptions, topicsPlace } from "./topic-options.ts";

const batchRecords = 1000;
const fileChunkBytes = 1 << 20;
const newline = 0x0a;
const carriageReturn = 0x0d;
const blanks: readonly number[] = [0x20, 0x09, carriageReturn];

function build(yargs: Argv) {
  return topicOptions(yargs)
    .option("file", { type: "string", describe: "Newline-delimited records; default: stdin" })
    .option("key", { type: "string", describe: "JSON member whose text is each record's key" })
    .option("key-separator", {
      type: "string",
      describe: "Each line is KEY, this separator, and the value",
    })
    .conflicts("key", "key-separator")
    .option("headers", {
      type: "string",
      array: true,
      nargs: 1,
      describe: "name=value: a header of every record; clusters only",
    })
    .example(
      "$0 produce ecommerce.orders.raw --file orders.jsonl --key order_id",
      "A file of orders",
    )
    .example("cat orders.jsonl | $0 produce ecommerce.orders.raw", "From standard input");
}

type ProduceArguments = Awaited<ReturnType<ReturnType<typeof build>["parseAsync"]>>;

interface Keyed {
  readonly key: Buffer | null;
  readonly value: Buffer;
}

function keyed(line: Buffer, { key, keySeparator }: ProduceArguments): Keyed {
  if (keySeparator !== undefined) {
    const end = line.indexOf(keySeparator);
    if (end < 0) {
      throw new EngineError("USAGE", `a line has no separator ${JSON.stringify(keySeparator)}`);
    }
    const start = end + Buffer.byteLength(keySeparator);
    return { key: line.subarray(0, end), value: line.subarray(start) };
  }
  const member = key === undefined ? undefined : memberOf(line.toString("utf8"), key);
  return { key: member === undefined ? null : Buffer.from(member), value: line };
}

function headersFrom(texts: readonly string[]): readonly RecordHeader[] {
  return texts.map((text) => {
    const end = text.indexOf("=");
    if (end <= 0) throw new EngineError("USAGE", `--headers ${text}: write --headers name=value`);
    return { name: text.slice(0, end), value: Buffer.from(text.slice(end + 1)) };
  });
}

/** Lines that are no JSON objects have no key: bad records are what the job is there to find. */
function memberOf(line: string, name: string): string | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return undefined;
    const member: unknown = (value as Record<string, unknown>)[name];
    return typeof member === "string" ? member : JSON.stringify(member);
  } catch {
    return undefined;
  }
}

export const produceCommand = {
  command: "produce <topic>",
  describe: "Write newline-delimited records to a topic",
  builder: build,
  handler: async (options: ProduceArguments): Promise<number> => {
    const place = topicsPlace(options);
    const headers = headersFrom(options.headers ?? []);
    if (headers.length > 0 && "folder" in place) {
      throw new EngineError("USAGE", "--headers: embedded topics keep no headers");
    }
    const writer =
      "cluster" in place
        ? new KafkaTopicWriter(place.cluster, options.topic)
        : new TopicWriter(place.folder, options.topic, { failpoints: failpoints() });
    const input =
      options.file === undefined
        ? stdin
        : createReadStream(options.file, { highWaterMark: fileChunkBytes });
    let written = 0;
    try {
      for await (const lines of batchesOf(input)) {
        const timestampMs = nodeClock.nowMs();
        await writer.append(
          lines.map((line) => ({ ...keyed(line, options), timestampMs, headers })),
        );
        written += lines.length;
      }
    } catch (error) {
      if (written > 0) {
        consoleLogger(new StatusLine()).warn(
          `${number(written)} records were written before this; of those behind them some may have been, too`,
        );
      }
      if (error instanceof Error && "code" in error) {
        if (error.code === "ENOENT")
          throw new EngineError("USAGE", `there is no file ${options.file}`);
        if (error.code === "EISDIR")
          throw new EngineError("USAGE", `${options.file} is a directory`);
      }
      throw error;
    } finally {
      await writer.close();
    }
    await print(`${written} ${written === 1 ? "record" : "records"} written to ${options.topic}\n`);
    return exitCode.ok;
  },
};

/** The lines of each chunk as it comes, so that a person typing sees them arrive. Blank lines are no records. */
async function* batchesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      lines.push(Buffer.concat([...pending, chunk.subarray(start, end)]));
      pending = [];
      start = end + 1;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
    yield* batchesOfRecords(lines);
  }
  yield* batchesOfRecords([Buffer.concat(pending)]);
}

function* batchesOfRecords(lines: readonly Buffer[]): Generator<readonly Buffer[]> {
  const records = lines
    .map((line) => (line.at(-1) === carriageReturn ? line.subarray(0, -1) : line))
    .filter((line) => !line.every((byte) => blanks.includes(byte)));
  for (let at = 0; at < records.length; at += batchRecords) {
    yield records.slice(at, at + batchRecords);
  }
}
