import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { ConsumedRecord } from "../../engine/connectors/embedded/topic-reader.ts";
import { comparableLine, makeOrdersJob, outputNames } from "../crash/orders-outputs.ts";
import type { Outputs } from "../crash/orders-outputs.ts";
import { pipeline, PipelineProcess } from "../crash/pipeline-process.ts";
import { heldUpPartitions } from "./stable-ends.ts";
import { readTopic } from "./test-cluster.ts";
import { LiveReader, placeOf } from "./live-reader.ts";
import { makeTopics } from "./make-topics.ts";

export interface OrdersRoundOptions {
  readonly bootstrap: string;
  /** Of job and topics; letters, digits and `_`. */
  readonly name: string;
  /** Is made. */
  readonly folder: string;
  /** Orders, one a line. */
  readonly input: string;
  readonly recordsPerEpoch: number;
  /** A reader of other make watches the outputs all the while. */
  readonly isWatched: boolean;
  /** For the job's `kafka:` block, YAML. */
  readonly settings?: Readonly<Record<string, string>>;
}

export type LifeOptions = Omit<ConstructorParameters<typeof PipelineProcess>[1], "cwd">;

const partitions = 4;
const commits = "commits";
/** An epoch closes between two batches. */
const smallBatches = ["--batch-size", "100"];

/** The orders job from Kafka to Kafka under a name, on topics and with a state of its own. */
export class OrdersRound {
  readonly folder: string;
  readonly job: string;
  readonly #name: string;
  readonly #bootstrap: string;
  #reader: LiveReader | undefined;
  #lives = 0;

  private constructor({ bootstrap, folder, name }: OrdersRoundOptions, job: string) {
    this.folder = folder;
    this.job = job;
    this.#name = name;
    this.#bootstrap = bootstrap;
  }

  /** With its topics, the orders in the first of them, with `isWatched` watched from now on. */
  static async make(options: OrdersRoundOptions): Promise<OrdersRound> {
    const { bootstrap, folder, name, recordsPerEpoch, settings = {} } = options;
    mkdirSync(folder, { recursive: true });
    const job = makeOrdersJob(folder, recordsPerEpoch);
    const lines = Object.entries(settings).map(([key, value]) => `\n  ${key}: ${value}`);
    const spec = readFileSync(job, "utf8")
      .replace(/^name: orders$/m, `name: ${name}`)
      .replaceAll("ecommerce.orders.", `${name}.`)
      .replace(/^kafka:$/m, `kafka:${lines.join("")}`);
    writeFileSync(job, spec);
    const topics = ["raw", ...outputNames].map((topic) => `${name}.${topic}`);
    await makeTopics(bootstrap, topics, partitions);
    const round = new OrdersRound(options, job);
    await round.produce(options.input);
    if (options.isWatched) {
      const written = [...outputNames, commits].join("|");
      round.#reader = new LiveReader(bootstrap, `^${name}\\.(${written})$`);
    }
    return round;
  }

  async produce(input: string): Promise<void> {
    const to = ["produce", `${this.#name}.raw`, "--file", input, "--key", "order_id"];
    const { exit, stderr } = await pipeline(to, {
      cwd: this.folder,
      environment: this.#environment(this.#bootstrap),
    });
    assert.equal(exit, 0, stderr);
  }

  /** The job from where it stands to the end of its input; `state` is a folder's name. */
  run(
    options: LifeOptions = {},
    { state = "state", bootstrap = this.#bootstrap, more = ["--close"] } = {},
  ): PipelineProcess {
    this.#lives += 1;
    const args = ["run", this.job, "--state-dir", state, ...smallBatches, ...more];
    // Lives with one thread and with two follow each other.
    const threads = ["--threads", String(1 + (this.#lives % 2))];
    return new PipelineProcess([...args, ...threads, "--format", "json"], {
      ...options,
      cwd: this.folder,
      environment: this.#environment(bootstrap),
    });
  }

  /** Places of all committed records of outputs and commits. */
  async places(): Promise<ReadonlySet<string>> {
    const places = new Set<string>();
    for (const { records } of await this.#read()) {
      for (const record of records) places.add(placeOfRecord(record));
    }
    return places;
  }

  /** Partitions of outputs and commits whose readers do not come to the end. */
  heldUp(): Promise<readonly string[]> {
    return heldUpPartitions(this.#bootstrap, this.#written);
  }

  /** After all is over: the outputs, sorted. Throws if readers cannot come to the end or have seen anything else. */
  async outputs(where: string): Promise<Outputs> {
    const outputs: Record<string, readonly string[]> = {};
    const places = new Set<string>();
    for (const { name, records } of await this.#read()) {
      for (const record of records) places.add(placeOfRecord(record));
      if (name === commits) continue;
      outputs[name] = records.map(({ value }) => comparableLine(String(value))).toSorted();
    }
    assert.deepEqual(await this.heldUp(), [], where);
    const seen = (await this.#reader?.caughtUp(places)) ?? places;
    const gone = [...seen].filter((place) => !places.has(place));
    assert.equal(gone.length, 0, `${where}: seen and gone, the first of them: ${gone[0]}`);
    return outputs;
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }

  get #written(): string[] {
    return [...outputNames, commits].map((name) => `${this.#name}.${name}`);
  }

  async #read(): Promise<{ name: string; records: readonly ConsumedRecord[] }[]> {
    return await Promise.all(
      [...outputNames, commits].map(async (name) => ({
        name,
        records: await readTopic(this.#bootstrap, `${this.#name}.${name}`),
      })),
    );
  }

  #environment(bootstrap: string): Record<string, string> {
    return { KAFKA_BOOTSTRAP_SERVERS: bootstrap };
  }
}

function placeOfRecord({ partition, offset, value }: ConsumedRecord): string {
  return placeOf(partition, offset, String(value));
}
