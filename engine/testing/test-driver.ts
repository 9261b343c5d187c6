import { setImmediate } from "node:timers/promises";
import { memorySink } from "../connectors/memory/memory-sink.ts";
import type { MemoryOutput } from "../connectors/memory/memory-sink.ts";
import { memorySource } from "../connectors/memory/memory-source.ts";
import type { MemoryInput } from "../connectors/memory/memory-source.ts";
import type { Clock } from "../core/clock.ts";
import { noFailpoints } from "../core/failpoints.ts";
import type { Failpoints } from "../core/failpoints.ts";
import type { Logger } from "../core/logger.ts";
import type { Catalog } from "../plan/catalog.ts";
import type { Plan } from "../plan/plan.ts";
import { nodeFiles } from "../runtime/node-files.ts";
import { runJob } from "../runtime/run-job.ts";
import type { RunOptions, RunPorts, RunSummary } from "../runtime/run.ts";
import { catalog } from "../catalog.ts";
import { intakeLoopback } from "./intake-loopback.ts";
import { ManualClock } from "./manual-clock.ts";

const quiet: Logger = { info() {}, warn() {}, error() {} };

export interface DriverOptions {
  /** Absolute; survives from run to run of one test. */
  readonly directory: string;
  readonly inputs: ReadonlyMap<string, MemoryInput>;
  readonly outputs: Map<string, MemoryOutput>;
  readonly clock?: Clock;
  readonly failpoints?: Failpoints;
  readonly logger?: Logger;
}

/** The catalog with memory connectors beside the others, bound to a test's inputs and outputs. */
export function testCatalog(
  inputs: ReadonlyMap<string, MemoryInput>,
  outputs: Map<string, MemoryOutput>,
): Catalog {
  return {
    ...catalog,
    sources: [...catalog.sources, memorySource(inputs)],
    sinks: [...catalog.sinks, memorySink(outputs)],
  };
}

/** Runs whole jobs in a test: memory connectors, a clock moved by hand, real state on disk, no sleeps. */
export class TestDriver {
  readonly #options: DriverOptions;
  #starts = 0;
  #turns = 0;
  #crossed = 0;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** How many batches a second thread has taken to the border. */
  get crossed(): number {
    return this.#crossed;
  }

  /** A second thread answers soon, later, or after the first one has done more. */
  async #turn(): Promise<void> {
    this.#turns += 1;
    for (let left = (this.#turns * 5) % 7; left > 0; left -= 1) await setImmediate();
  }

  get catalog(): Catalog {
    return testCatalog(this.#options.inputs, this.#options.outputs);
  }

  async run(
    plan: Plan,
    overrides: Partial<RunOptions> = {},
    ports: Partial<Pick<RunPorts, "stop" | "onProgress">> = {},
  ): Promise<RunSummary> {
    const { directory, failpoints } = this.#options;
    this.#starts += 1;
    return runJob(
      plan,
      {
        stateDirectory: `${directory}/state`,
        topicsDirectory: `${directory}/topics`,
        untilEnd: true,
        close: false,
        overwrite: false,
        jobPaths: [],
        reset: [],
        checkpointIntervalMs: plan.checkpoint.intervalMs,
        batchSize: 1000,
        threads: 1,
        ...overrides,
      },
      {
        clock: this.#options.clock ?? new ManualClock(1_750_000_000_000),
        files: nodeFiles,
        failpoints: failpoints ?? noFailpoints,
        logger: this.#options.logger ?? quiet,
        catalog: this.catalog,
        host: { name: "test", pid: 1, bootId: "" },
        newIncarnation: () => `session-${this.#starts}`,
        newHashSeed: () => "00112233445566778899aabbccddeeff",
        startIntakeWorker: intakeLoopback(
          this.catalog,
          () => this.#turn(),
          () => (this.#crossed += 1),
        ),
        stop: new AbortController().signal,
        ...ports,
      },
    );
  }
}
