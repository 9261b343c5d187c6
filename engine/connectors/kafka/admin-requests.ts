import { WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export interface NewTopic {
  readonly name: string;
  /** -1: the broker's default. */
  readonly partitions: number;
  readonly replication: number;
  readonly configs: Readonly<Record<string, string>>;
}

export function encodeCreateTopics(topics: readonly NewTopic[], timeoutMs: number): Buffer {
  const writer = new WireWriter();
  writer.array(topics, ({ name, partitions, replication, configs }) => {
    writer.string(name).int32(partitions).int16(replication).int32(0);
    writer.array(Object.entries(configs), ([key, value]) => {
      writer.string(key).string(value);
    });
  });
  return writer.int32(timeoutMs).boolean(false).finish();
}

export function decodeCreateTopics(
  body: Buffer,
): { name: string; error: number; message: string | null }[] {
  const reader = new WireReader(body);
  reader.int32();
  return reader.array(() => ({
    name: reader.string(),
    error: reader.int16(),
    message: reader.nullableString(),
  }));
}

/** Whose settings: a topic by name, or a broker by number. */
export interface ConfigResource {
  readonly type: "topic" | "broker";
  readonly name: string;
}

const resourceNumber = { topic: 2, broker: 4 } as const;

export function encodeDescribeConfigs(
  resources: readonly ConfigResource[],
  names: readonly string[],
): Buffer {
  const writer = new WireWriter();
  writer.array(resources, ({ type, name }) => {
    writer
      .int8(resourceNumber[type])
      .string(name)
      .array(names, (config) => {
        writer.string(config);
      });
  });
  return writer.boolean(false).finish();
}

export interface DescribedConfigs {
  readonly error: number;
  readonly name: string;
  readonly configs: ReadonlyMap<string, string | null>;
}

export function decodeDescribeConfigs(body: Buffer): DescribedConfigs[] {
  const reader = new WireReader(body);
  reader.int32();
  return reader.array(() => {
    const error = reader.int16();
    reader.nullableString();
    reader.int8();
    const name = reader.string();
    const configs = reader.array(() => {
      const config = [reader.string(), reader.nullableString()] as const;
      reader.skip(3);
      reader.array(() => {
        reader.string();
        reader.nullableString();
        reader.int8();
      });
      return config;
    });
    return { error, name, configs: new Map(configs) };
  });
}
