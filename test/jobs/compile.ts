import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { MemoryOutput } from "../../engine/connectors/memory/memory-sink.ts";
import type { MemoryInput } from "../../engine/connectors/memory/memory-source.ts";
import type { Catalog } from "../../engine/plan/catalog.ts";
import { compileJob } from "../../engine/plan/compile-job.ts";
import { jobSchema } from "../../engine/plan/job-schema.ts";
import type { Plan } from "../../engine/plan/plan.ts";
import type { RunOptions, RunSummary } from "../../engine/runtime/run.ts";
import { readSpec } from "../../engine/spec/read-spec.ts";
import { waitingMax } from "../../engine/runtime/intake-queue.ts";
import { TestDriver, testCatalog } from "../../engine/testing/test-driver.ts";

const jobsFolder = new URL("../../jobs/", import.meta.url);

/** Compiles YAML text as if it stood in the folder of the project's jobs; fails on any error. */
export function compileText(text: string, catalog: Catalog): Plan {
  const read = readSpec("jobs/test.yaml", new TextEncoder().encode(text), {
    jobSchema: jobSchema(catalog),
    parameters: { arguments: new Map(), file: undefined, environment: {} },
  });
  assert.ok(read.spec, JSON.stringify(read.findings));
  const { plan, findings } = compileJob(read.spec, {
    catalog,
    isInside: () => true,
    readFile: (path) => ({
      file: path,
      text: readFileSync(new URL(path, jobsFolder), "utf8"),
    }),
  });
  const errors = [...read.findings, ...findings].filter(({ severity }) => severity === "error");
  assert.deepEqual(errors, []);
  assert.ok(plan);
  return plan;
}

/**
 * The plan with a memory source and a memory sink of the same id in place of each of its own: what `--input` and
 * `--output-dir` do with files. `bounded: false` keeps sources that may grow between two runs.
 */
export function inMemory(plan: Plan, { bounded }: { readonly bounded: boolean }): Plan {
  return {
    ...plan,
    sources: plan.sources.map((source) => ({
      ...source,
      type: "memory",
      config: { name: source.id },
      bounded,
    })),
    sinks: plan.sinks.map((sink) => ({ ...sink, type: "memory", config: { name: sink.id } })),
  };
}

/** One state directory with the memory inputs and outputs of its job. */
export class JobBench {
  readonly outputs = new Map<string, MemoryOutput>();
  readonly #catalog: Catalog;
  readonly #driver: TestDriver;
  readonly #inputs: ReadonlyMap<string, MemoryInput>;

  private constructor(directory: string, inputs: ReadonlyMap<string, MemoryInput>) {
    this.#catalog = testCatalog(inputs, this.outputs);
    this.#inputs = inputs;
    this.#driver = new TestDriver({ directory, inputs, outputs: this.outputs });
  }

  static async open(
    context: TestContext,
    inputs: ReadonlyMap<string, MemoryInput>,
  ): Promise<JobBench> {
    const directory = await mkdtemp(join(tmpdir(), "pipeline-job-"));
    context.after(() => rm(directory, { recursive: true, force: true }));
    return new JobBench(directory, inputs);
  }

  compile(text: string): Plan {
    return compileText(text, this.#catalog);
  }

  /** Runs to the end. */
  async run(plan: Plan, options: Partial<RunOptions> = {}): Promise<RunSummary> {
    return this.#driver.run(plan, options);
  }

  /** Runs to the end, drained after a few batches and started again, as often as it takes. */
  async runInPieces(
    plan: Plan,
    options: Partial<RunOptions> = {},
  ): Promise<{ readonly summary: RunSummary; readonly starts: number }> {
    // With two threads some more are polled before the first is processed.
    const ahead = options.threads === 2 ? waitingMax : 0;
    for (let starts = 1; ; starts += 1) {
      const stop = new AbortController();
      // The first batch of each input is asked for at once; from one batch on, all kinds of lengths.
      let polls = this.#inputs.size + 1 + ahead + ((7 * (starts - 1)) % 20);
      for (const input of this.#inputs.values()) {
        input.onPoll = () => {
          polls -= 1;
          if (polls === 0) stop.abort();
        };
      }
      const summary = await this.#driver.run(plan, options, { stop: stop.signal });
      for (const input of this.#inputs.values()) input.onPoll = undefined;
      if (summary.outcome !== "drained") return { summary, starts };
      assert.ok(summary.checkpoints > 0, "a drain without a checkpoint makes no way");
    }
  }

  /** How many batches a second thread took to the border. */
  get crossed(): number {
    return this.#driver.crossed;
  }

  /** What a reader may believe of one output. */
  lines(output: string): readonly string[] {
    const found = this.outputs.get(output);
    assert.ok(found, `no output ${output}`);
    return found.committedLines;
  }

  /** One output's lines, parsed. */
  records(output: string): readonly Record<string, unknown>[] {
    return this.lines(output).map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** All outputs by name. */
  everything(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(
      [...this.outputs].map(([name, output]) => [name, output.committedLines]),
    );
  }
}

/** Every node's books balance: `in` = sum of ports + absorbed - made. */
export function assertConserved({ nodes }: RunSummary): void {
  assert.ok(nodes.length > 0);
  for (const { node, in: taken, ports, absorbed, made } of nodes) {
    const out = Object.values(ports).reduce((sum, count) => sum + count, 0);
    assert.equal(out + absorbed - made, taken, `the books of ${node}`);
  }
}
