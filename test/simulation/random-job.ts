import type { Random } from "../../engine/connectors/generate/random.ts";
import type { InputRecord, JobShape, Mode } from "../faults/fault-job.ts";

/** A random small job: what it reads and makes, and what of its output is fixed. */
export interface RandomJob {
  readonly shape: JobShape;
  /** One lane: outputs are equal byte for byte. Several: equal as multisets (semantics.md). */
  readonly oneLane: boolean;
  readonly batchSize: number;
  readonly checkpointIntervalMs: number;
}

function pick<T>(random: Random, values: readonly [T, ...T[]]): T {
  return values[Math.floor(random() * values.length)] ?? values[0];
}

/** Steps in their order, each with the odds of being there. */
const stepTexts = [
  ["check", 0.5, `type: validate, rules: [{ assert: "n % 11 != 3", message: "unlucky" }]`],
  ["more", 0.4, `type: enrich, set: { twice: "n * 2", ratio: "100 / (n % 9)" }`],
  ["some", 0.4, `type: filter, where: "n % 5 != 0"`],
  ["once", 0.7, `type: dedupe, key: k, ttl: 20s, granularity: 1s`],
  [
    "sums",
    0.8,
    `type: aggregate, key: g, window: { type: tumbling, size: 5s }, aggregates: { count: { count: true }, sum: { sum: n }, most: { max: n } }, set: { from: "$window.start" }`,
  ],
] as const;

export function randomJob(random: Random): RandomJob {
  const mode = pick<Mode>(random, ["files", "embedded"]);
  const inputs = mode === "files" && random() < 0.3 ? ["a", "b"] : ["a"];
  const partitions = mode === "embedded" ? pick(random, [1, 1, 2, 3]) : 1;
  const steps = stepTexts.filter(([, odds]) => random() < odds);
  const sinks: string[] = [];
  const outputs: { mode: Mode; name: string }[] = [];
  const sink = (name: string, input: string, more = ""): void => {
    const sinkMode = pick<Mode>(random, ["files", "embedded"]);
    const place =
      sinkMode === "files" ? `type: file, path: out/${name}.jsonl` : `type: kafka, topic: ${name}`;
    sinks.push(`  ${name}: { input: ${input}, ${place}${more} }`);
    outputs.push({ mode: sinkMode, name });
  };
  let last = inputs.length > 1 ? `[${inputs.join(", ")}]` : "a";
  const lines = steps.map(([id, , text]) => {
    const line = `  - { id: ${id}, input: ${last}, ${text} }`;
    if (id === "sums") sink("kept", last);
    last = id;
    return line;
  });
  sink("last", last);
  const dead = ["errors"];
  if (steps.some(([id]) => id === "once")) dead.push("once.duplicates");
  if (steps.some(([id]) => id === "sums")) dead.push("sums.late");
  // Without the time at which it was noticed.
  const what = `, set: { code: "$error.code", step: "$error.step", original: "$error.original", place: "$error.source" }`;
  sink("dead", `[${dead.join(", ")}]`, what);
  const eventTime =
    "event_time: { field: at, format: epoch_millis }, watermark: { max_out_of_orderness: 2s }";
  const source = (name: string): string =>
    `  ${name}: { ${mode === "files" ? `type: file, path: ${name}.jsonl` : `type: kafka, topic: ${name}`}, ${eventTime} }`;
  const spec = `
version: 1
name: simulated
kafka: { bootstrap_servers: embedded, embedded: { partitions: 2 } }
checkpoint: { interval: 1h, max_records: ${pick(random, [4, 8, 16, 1000])} }
sources:
${inputs.map(source).join("\n")}
${lines.length > 0 ? "steps:" : ""}
${lines.join("\n")}
sinks:
${sinks.join("\n")}
`;
  return {
    shape: {
      spec,
      inputs: inputs.map((name) => ({ mode, name, partitions, records: records(random, name) })),
      outputs,
    },
    oneLane: inputs.length * partitions === 1,
    batchSize: pick(random, [1, 3, 7, 20]),
    checkpointIntervalMs: pick(random, [20, 100, 3_600_000]),
  };
}

/** Repeats, late ones, bad ones; keys of their own for each input, so that no two lanes share one. */
function records(random: Random, input: string): readonly InputRecord[] {
  const count = 10 + Math.floor(random() * 50);
  return Array.from({ length: count }, (_, i) => {
    const n = random() < 0.2 ? Math.max(0, i - 1 - Math.floor(random() * 12)) : i;
    const key = `${input}${n}`;
    if (random() < 0.05) return { key, line: random() < 0.5 ? "{" : `{"k":"${key}","n":${n}}` };
    const late = random() < 0.05 ? 9000 : 0;
    const at = n * 700 + 20_000 - late;
    return { key, line: JSON.stringify({ k: key, g: `g${n % 3}`, n, at }) };
  });
}
