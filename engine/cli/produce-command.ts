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

/** A line of the input that is not blank; `lineNumber` counts from 1, blank lines included. */
interface Line {
  readonly bytes: Buffer;
  readonly lineNumber: number;
}

function keyed({ bytes, lineNumber }: Line, options: ProduceArguments): Keyed {
  const { file = "stdin", key, keySeparator } = options;
  if (keySeparator !== undefined) {
    const end = bytes.indexOf(keySeparator);
    if (end < 0) {
      const separator = JSON.stringify(keySeparator);
      throw new EngineError(
        "USAGE",
        `${file}:${lineNumber}: the line has no separator ${separator}`,
      );
    }
    const start = end + Buffer.byteLength(keySeparator);
    return { key: bytes.subarray(0, end), value: bytes.subarray(start) };
  }
  const member = key === undefined ? undefined : memberOf(bytes.toString("utf8"), key);
  return { key: member === undefined ? null : Buffer.from(member), value: bytes };
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
    if (member === null) return undefined;
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
    let keyless = 0;
    try {
      for await (const lines of batchesOf(input)) {
        const timestampMs = nodeClock.nowMs();
        const records = lines.map((line) => ({ ...keyed(line, options), timestampMs, headers }));
        await writer.append(records);
        written += lines.length;
        keyless += records.filter(({ key }) => key === null).length;
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
    if (options.key !== undefined && keyless > 0) {
      consoleLogger(new StatusLine()).warn(
        `${number(keyless)} of them have no key: not a JSON object, or ${options.key} is missing or null`,
      );
    }
    return exitCode.ok;
  },
};

/** The lines of each chunk as it comes, so that a person typing sees them arrive. Blank lines are no records. */
async function* batchesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Line[]> {
  let pending: Buffer[] = [];
  let count = 0;
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      count += 1;
      lines.push({
        bytes: Buffer.concat([...pending, chunk.subarray(start, end)]),
        lineNumber: count,
      });
      pending = [];
      start = end + 1;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
    yield* batchesOfRecords(lines);
  }
  yield* batchesOfRecords([{ bytes: Buffer.concat(pending), lineNumber: count + 1 }]);
}

function* batchesOfRecords(lines: readonly Line[]): Generator<readonly Line[]> {
  const records = lines
    .map(({ bytes, lineNumber }) => ({
      bytes: bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes,
      lineNumber,
    }))
    .filter(({ bytes }) => !bytes.every((byte) => blanks.includes(byte)));
  for (let at = 0; at < records.length; at += batchRecords) {
    yield records.slice(at, at + batchRecords);
  }
}
