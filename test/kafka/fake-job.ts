import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Clock } from "../../engine/core/clock.ts";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import type { RunOptions, RunPorts, RunSummary } from "../../engine/runtime/run.ts";
import { FakeKafka } from "../../engine/testing/fake-kafka/fake-kafka.ts";
import { TestDriver } from "../../engine/testing/test-driver.ts";
import { machineClock } from "../connectors/embedded-fixtures.ts";
import { compileText } from "../jobs/compile.ts";
import { readTopic } from "./test-cluster.ts";

export interface FakeJobOptions {
  readonly kafka?: FakeKafka;
  /** More lines of the `kafka:` block. */
  readonly block?: string;
  readonly sinks?: string;
  readonly clock?: Clock;
}

const partitions = 2;

/** A job that copies the topic `in` to `out`, what is wrong with its records to `bad`, on a fake cluster. */
export class FakeJob {
  readonly kafka: FakeKafka;
  readonly folder: string;
  readonly warnings: string[] = [];
  /** A run fails there. */
  failAt: FailpointName | undefined;
  readonly #options: FakeJobOptions;
  readonly #driver: TestDriver;
  #sent = 0;
  #runs = 0;

  private constructor(kafka: FakeKafka, folder: string, options: FakeJobOptions) {
    this.kafka = kafka;
    this.folder = folder;
    this.#options = options;
    this.#driver = new TestDriver({
      directory: folder,
      inputs: new Map(),
      outputs: new Map(),
      clock: options.clock ?? machineClock,
      logger: { info: () => {}, warn: (line) => this.warnings.push(line), error: () => {} },
      failpoints: {
        hit: async (name) => {
          if (name === this.failAt) throw new Error(`interrupted at ${name}`);
        },
      },
    });
  }

  static async start(context: TestContext, options: FakeJobOptions = {}): Promise<FakeJob> {
    const kafka = options.kafka ?? (await FakeKafka.start({ clock: machineClock }));
    const folder = mkdtempSync(join(tmpdir(), "fake-job-"));
    context.after(async () => {
      await kafka.close();
      rmSync(folder, { recursive: true, force: true });
    });
    for (const topic of ["in", "out", "bad"]) kafka.topics.create(topic, partitions, {});
    return new FakeJob(kafka, folder, options);
  }

  get state(): string {
    return join(this.folder, "state");
  }

  get text(): string {
    const { block = "", sinks = "" } = this.#options;
    return `
version: 1
name: copy
kafka:
  bootstrap_servers: "${this.kafka.bootstrap}"
${block}
sources:
  in: { type: kafka, topic: in, format: json }
sinks:
  out: { type: kafka, input: in, topic: out }
  bad: { type: kafka, input: errors, topic: bad }
${sinks}
`;
  }

  /** Of the newest run. */
  get incarnation(): string {
    return `session-${this.#runs}`;
  }

  /** Appends one record for each number to the input. */
  send(...numbers: readonly number[]): void {
    for (const number of numbers) {
      const value = Buffer.from(`{"n":${number}}`);
      this.kafka.log("in", this.#sent % partitions).append([{ key: null, value, timestampMs: 1 }]);
      this.#sent += 1;
    }
  }

  /** Up to the end of the input as it is at the start. */
  run(
    overrides: Partial<RunOptions> = {},
    ports: Partial<Pick<RunPorts, "stop" | "onProgress">> = {},
  ): Promise<RunSummary> {
    this.#runs += 1;
    return this.#driver.run(compileText(this.text, this.#driver.catalog), overrides, ports);
  }

  /** One run that is interrupted there. */
  async runInto(failpoint: FailpointName): Promise<void> {
    this.failAt = failpoint;
    await assert.rejects(this.run(), { message: `interrupted at ${failpoint}` });
    this.failAt = undefined;
  }

  /** Copies the state directory, to be put back by `restoreState`. */
  saveState(): void {
    rmSync(join(this.folder, "saved"), { recursive: true, force: true });
    cpSync(this.state, join(this.folder, "saved"), { recursive: true });
  }

  restoreState(): void {
    rmSync(this.state, { recursive: true });
    cpSync(join(this.folder, "saved"), this.state, { recursive: true });
  }

  loseState(): void {
    rmSync(this.state, { recursive: true });
  }

  /** Readers see exactly these numbers in the output, each once. */
  async assertShown(...numbers: readonly number[]): Promise<void> {
    const seen = await readTopic(this.kafka.bootstrap, "out");
    const found = seen.map(({ value }) => Number(/\d+/.exec(String(value))?.[0]));
    assert.deepEqual(
      found.toSorted((a, b) => a - b),
      numbers.toSorted((a, b) => a - b),
    );
  }
}
