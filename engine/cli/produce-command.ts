import { createReadStream } from "node:fs";
import { stdin } from "node:process";
import { createInterface } from "node:readline";
import type { Argv } from "yargs";
import { TopicWriter } from "../connectors/embedded/topic-writer.ts";
import { KafkaTopicWriter } from "../connectors/kafka/kafka-topic-writer.ts";
import { EngineError, exitCode } from "../core/errors.ts";
import { nodeClock } from "../runtime/node-clock.ts";
import { failpoints } from "./host.ts";
import { print } from "./output.ts";
import { topicOptions, topicsPlace } from "./topic-options.ts";

const batchRecords = 1000;
/** Lines that have waited this long are written, so that a person typing sees them arrive. */
const lingerMs = 50;

function build(yargs: Argv) {
  return topicOptions(yargs)
    .option("file", { type: "string", describe: "Newline-delimited records; default: stdin" })
    .option("key", { type: "string", describe: "JSON member whose text is each record's key" })
    .option("key-separator", {
      type: "string",
      describe: "Each line is KEY, this separator, and the value",
    })
    .conflicts("key", "key-separator")
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

function keyed(line: string, { key, keySeparator }: ProduceArguments): Keyed {
  if (keySeparator !== undefined) {
    const end = line.indexOf(keySeparator);
    if (end < 0) {
      throw new EngineError("USAGE", `a line has no separator ${JSON.stringify(keySeparator)}`);
    }
    const value = line.slice(end + keySeparator.length);
    return { key: Buffer.from(line.slice(0, end)), value: Buffer.from(value) };
  }
  const member = key === undefined ? undefined : memberOf(line, key);
  return { key: member === undefined ? null : Buffer.from(member), value: Buffer.from(line) };
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
    const place = topicsPlace(options.topicsDir);
    const writer =
      "cluster" in place
        ? new KafkaTopicWriter(place.cluster, options.topic)
        : new TopicWriter(place.folder, options.topic, { failpoints: failpoints() });
    const input = options.file === undefined ? stdin : createReadStream(options.file);
    let written = 0;
    try {
      for await (const lines of batchesOf(createInterface({ input, crlfDelay: Infinity }))) {
        const timestampMs = nodeClock.nowMs();
        await writer.append(lines.map((line) => ({ ...keyed(line, options), timestampMs })));
        written += lines.length;
      }
    } catch (error) {
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
    await print(`${written} records written to ${options.topic}\n`);
    return exitCode.ok;
  },
};

/** Full batches while lines come fast, small ones at once when they come slowly. Blank lines are no records. */
async function* batchesOf(lines: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  const iterator = lines[Symbol.asyncIterator]();
  let batch: string[] = [];
  let next = iterator.next();
  for (;;) {
    const result = await (batch.length === 0
      ? next
      : Promise.race([next, nodeClock.sleep(lingerMs).then(() => undefined)]));
    if (result === undefined || result.done === true || batch.length >= batchRecords) {
      if (batch.length > 0) yield batch;
      batch = [];
      if (result === undefined) continue;
      if (result.done === true) return;
    }
    if (result.value.trim() !== "") batch.push(result.value);
    next = iterator.next();
  }
}
