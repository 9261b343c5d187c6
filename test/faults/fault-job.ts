import { join } from "node:path";
import { catalog } from "../../engine/catalog.ts";
import { TopicReader } from "../../engine/connectors/embedded/topic-reader.ts";
import { TopicWriter } from "../../engine/connectors/embedded/topic-writer.ts";
import { EngineError } from "../../engine/core/errors.ts";
import type { Clock } from "../../engine/core/clock.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import type { Failpoints } from "../../engine/core/failpoints.ts";
import type { FileSystem } from "../../engine/core/file-system.ts";
import type { Plan } from "../../engine/plan/plan.ts";
import { runJob } from "../../engine/runtime/run-job.ts";
import type { RunOptions } from "../../engine/runtime/run.ts";
import type { OpenLogStore } from "../../engine/state/log-store.ts";
import { intakeLoopback } from "../../engine/testing/intake-loopback.ts";
import { ManualClock } from "../../engine/testing/manual-clock.ts";
import { compileText } from "../jobs/compile.ts";
import { seededRandom } from "../crash/random.ts";

export const modes = ["files", "embedded"] as const;
/** File to files, or embedded topic to embedded topics. */
export type Mode = (typeof modes)[number];

const recordCount = 300;
const recordsPerEpoch = 50;
const outputs = ["kept", "totals", "dead"] as const;
const folders = { state: "state", topics: "topics", output: "out" } as const;

/** What a job reads and makes. `spec` says the same in its own words. */
export interface JobShape {
  readonly spec: string;
  /** Files, or topics of so many partitions; the name of a file is without `.jsonl`. */
  readonly inputs: readonly {
    readonly mode: Mode;
    readonly name: string;
    readonly partitions: number;
    readonly records: readonly InputRecord[];
  }[];
  readonly outputs: readonly { readonly mode: Mode; readonly name: string }[];
}

export interface InputRecord {
  /** Chooses the partition; null takes turns. */
  readonly key: string | null;
  readonly line: string;
}

/** Standing for a disk: a file port, a log store, and an absolute folder on it. */
export interface FaultPlace {
  readonly files: FileSystem;
  /** Default: Level. */
  readonly openLogStore?: OpenLogStore;
  readonly folder: string;
}

/** How one life of the job ended. */
export type Ending =
  | { readonly kind: "finished"; readonly epoch: number }
  | { readonly kind: "drained" }
  | { readonly kind: "stopped"; readonly error: EngineError };

/** By output, and for topics by partition: what a reader may believe, in order. */
export type View = Readonly<Record<string, string>>;

function spec(mode: Mode): string {
  const source = mode === "files" ? `type: file, path: in.jsonl` : "type: kafka, topic: in";
  const sink = (name: string): string =>
    mode === "files"
      ? `type: file, path: ${folders.output}/${name}.jsonl`
      : `type: kafka, topic: ${name}, key: k`;
  return `
version: 1
name: faults
kafka: { bootstrap_servers: embedded, embedded: { partitions: 2 } }
checkpoint: { interval: 1h, max_records: ${recordsPerEpoch} }
sources:
  in: { ${source}, event_time: { field: at, format: epoch_millis }, watermark: { max_out_of_orderness: 2s } }
steps:
  - { id: check, type: validate, rules: [{ assert: "n != 13", message: "unlucky" }] }
  - { id: once, type: dedupe, key: k, ttl: 1m, granularity: 1s }
  - id: sums
    type: aggregate
    key: g
    window: { type: tumbling, size: 5s }
    aggregates: { count: { count: true }, sum: { sum: n } }
    set: { k: "g", from: "$window.start" }
sinks:
  kept: { input: once, ${sink("kept")} }
  totals: { input: sums, ${sink("totals")} }
  dead: { input: [errors, once.duplicates, sums.late], ${sink("dead").replace(", key: k", "")} }
`;
}

function shapeOf(mode: Mode): JobShape {
  const records = lines().map((line) => ({ key: null, line }));
  return {
    spec: spec(mode),
    inputs: [{ mode, name: "in", partitions: 1, records }],
    outputs: outputs.map((name) => ({ mode, name })),
  };
}

/** Records with repeats, late and bad ones. Most are big enough for an epoch to be more than one disk sector. */
function lines(): readonly string[] {
  const random = seededRandom(7);
  return Array.from({ length: recordCount }, (_, i) => {
    if (i % 41 === 40) return "{";
    const late = random() < 0.03 ? 9000 : 0;
    const n = random() < 0.15 ? Math.max(0, i - 1 - Math.floor(random() * 60)) : i;
    const at = n * 300 + 20_000 - late;
    return JSON.stringify({ k: `key-${n}`, g: `g${n % 4}`, n, at, pad: "p".repeat(n % 60) });
  });
}

const plans = new Map<string, Plan>();

/** Compiled once for all jobs of the same text. */
function planOf(text: string): Plan {
  let plan = plans.get(text);
  if (plan === undefined) {
    plan = compileText(text, catalog);
    plans.set(text, plan);
  }
  return plan;
}

/** One job: makes its input, runs lives of it, and knows what readers of its outputs see. */
export class FaultJob {
  readonly #shape: JobShape;
  readonly #plan: Plan;

  constructor(shape: JobShape | Mode) {
    this.#shape = typeof shape === "string" ? shapeOf(shape) : shape;
    this.#plan = planOf(this.#shape.spec);
  }

  /** Makes the folder and the job's inputs in it. */
  async prepare(place: FaultPlace): Promise<void> {
    const { files, folder } = place;
    await files.makeDirectory(folder);
    for (const { mode, name, partitions, records } of this.#shape.inputs) {
      if (mode === "files") {
        const file = await files.open(join(folder, `${name}.jsonl`), "create");
        await file.write(Buffer.from(records.map(({ line }) => `${line}\n`).join("")), 0);
        await file.sync();
        await file.close();
        continue;
      }
      const writer = new TopicWriter(this.#topics(place), name, {
        failpoints: noFailpoints,
        partitions,
      });
      const rows = records.map(({ key, line }, i) => ({
        key: key === null ? null : Buffer.from(key),
        value: Buffer.from(line),
        timestampMs: i,
      }));
      const half = Math.floor((rows.length * 2) / 3);
      await writer.append(rows.slice(0, half));
      await writer.append(rows.slice(half));
      await writer.close();
    }
  }

  /** One life to the end of the input, or to where it stops. Throws what is no orderly stop. */
  async run(
    place: FaultPlace,
    life: {
      readonly incarnation: string;
      readonly failpoints?: Failpoints;
      readonly stop?: AbortSignal;
      /** Default: one that stands still. */
      readonly clock?: Clock;
      readonly options?: Partial<RunOptions>;
      /** Default: unknown. */
      readonly bootId?: string;
      /** Until then a second thread, if the options ask for one, does not answer. */
      readonly turn?: () => Promise<void>;
    },
  ): Promise<Ending> {
    try {
      const summary = await runJob(
        { ...this.#plan, baseDirectory: place.folder },
        {
          stateDirectory: join(place.folder, folders.state),
          topicsDirectory: join(place.folder, folders.topics),
          untilEnd: true,
          close: true,
          overwrite: false,
          jobPaths: [],
          reset: [],
          checkpointIntervalMs: 3_600_000,
          batchSize: 25,
          threads: 1,
          ...life.options,
        },
        {
          clock: life.clock ?? new ManualClock(1_750_000_000_000),
          files: place.files,
          ...(place.openLogStore === undefined ? {} : { openLogStore: place.openLogStore }),
          failpoints: life.failpoints ?? noFailpoints,
          logger: { info() {}, warn() {}, error() {} },
          catalog,
          host: { name: "test", pid: 1, bootId: life.bootId ?? "" },
          startIntakeWorker: intakeLoopback(catalog, life.turn),
          newIncarnation: () => life.incarnation,
          newHashSeed: () => "00112233445566778899aabbccddeeff",
          stop: life.stop ?? new AbortController().signal,
        },
      );
      if (summary.outcome === "drained") return { kind: "drained" };
      return { kind: "finished", epoch: summary.epoch };
    } catch (error) {
      if (error instanceof EngineError) return { kind: "stopped", error };
      throw error;
    }
  }

  /** What readers see; throws if they are refused. */
  async view(place: FaultPlace): Promise<View> {
    const view: Record<string, string> = {};
    for (const { mode, name } of this.#shape.outputs) {
      if (mode === "files") view[name] = await fileView(place, name);
      else Object.assign(view, await this.#topicView(place, name));
    }
    return view;
  }

  #topics({ files, folder }: FaultPlace): ConstructorParameters<typeof TopicReader>[0] {
    return { directory: join(folder, folders.topics), files, clock: new ManualClock(0) };
  }

  async #topicView(place: FaultPlace, topic: string): Promise<View> {
    const view: Record<string, string> = {};
    const reader = new TopicReader(this.#topics(place), topic);
    try {
      await reader.open("beginning");
      const { signal } = new AbortController();
      for await (const records of reader.records({ follow: false }, signal)) {
        for (const { partition, offset, timestampMs, key, value } of records) {
          const name = `${topic}/${partition}`;
          view[name] ??= "";
          view[name] += `${offset} ${timestampMs} ${String(key)} ${String(value)}\n`;
        }
      }
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== "TOPIC_MISSING") throw error;
    } finally {
      await reader.close();
    }
    return view;
  }
}

/** As the documents tell readers to look: the marker says how far the file is valid. */
async function fileView({ files, folder }: FaultPlace, output: string): Promise<string> {
  const path = join(folder, folders.output, `${output}.jsonl`);
  const marker = await files.readFile(`${path}.committed`);
  if (marker === undefined) return "";
  const length = /"length":(\d+)\}\n$/.exec(marker.toString("utf8"))?.[1];
  const bytes = (await files.readFile(path)) ?? Buffer.alloc(0);
  if (length === undefined || bytes.length < Number(length)) {
    throw new EngineError(
      "OUTPUT_DAMAGED",
      `${output} has ${bytes.length} bytes: ${marker.toString("utf8")}`,
    );
  }
  return bytes.toString("utf8", 0, Number(length));
}

/** True if everything visible is what an uninterrupted run makes visible as well, as far as it goes. */
export function isBeginningOf(view: View, whole: View): boolean {
  return Object.entries(view).every(
    ([name, text]) =>
      text === "" || (text.endsWith("\n") && whole[name]?.startsWith(text) === true),
  );
}
