import { StateDirectory } from "../checkpoint/state-directory.ts";
import { EngineError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { RawBatch } from "../core/record.ts";
import { layoutHash } from "../plan/state-identity.ts";
import type { Plan } from "../plan/plan.ts";
import { Connections } from "./connections.ts";
import { Epochs } from "./epochs.ts";
import { RunEvaluation } from "./evaluation-scope.ts";
import { Graph } from "./graph.ts";
import { asEngineError } from "./io-error.ts";
import { recover } from "./recover.ts";
import type { Recovered } from "./recover.ts";
import {
  countersSnapshot,
  figuresOf,
  openWindows,
  rejectedCount,
  restoreCounters,
  smallestWatermark,
} from "./report.ts";
import type { RunOptions, RunPorts, RunProgress, RunSummary } from "./run.ts";
import { intakeGraph } from "./intake-graph.ts";
import { IntakeQueue } from "./intake-queue.ts";
import type { TakenBatch } from "./intake-queue.ts";
import { Poller, SourceReader } from "./source-reader.ts";

const progressEveryMs = 500;

/**
 * Runs a plan until its sources end, or `ports.stop` aborts, or something stops it. Throws EngineError; nothing
 * that was committed is lost then, and another run continues behind it.
 */
export async function runJob(
  plan: Plan,
  options: RunOptions,
  ports: RunPorts,
): Promise<RunSummary> {
  const evaluation = new RunEvaluation();
  let directory: StateDirectory | undefined;
  let connections: Connections | undefined;
  let run: JobRun | undefined;
  try {
    directory = await StateDirectory.open({
      files: ports.files,
      failpoints: ports.failpoints,
      path: options.stateDirectory,
      owner: { ...hostFacts(ports), job: plan.job },
      ...(ports.openLogStore === undefined ? {} : { openLogStore: ports.openLogStore }),
    });
    connections = new Connections(plan, options, ports, evaluation.context);
    const recovered = await recover(plan, directory, connections, options, ports);
    run = new JobRun({ plan, options, ports, evaluation, directory, connections, recovered });
    const summary = await run.toEnd();
    await connections.close();
    await directory.close();
    return summary;
  } catch (error) {
    // What fails now follows from what has failed: the first failure is the one to tell.
    await Promise.allSettled([run?.abandon()]);
    await Promise.allSettled([connections?.close()]);
    await Promise.allSettled([directory?.close()]);
    throw asEngineError(error);
  }
}

function hostFacts({ host }: RunPorts): { pid: number; host: string; bootId: string } {
  return { pid: host.pid, host: host.name, bootId: host.bootId };
}

interface JobRunOptions {
  readonly plan: Plan;
  readonly options: RunOptions;
  readonly ports: RunPorts;
  readonly evaluation: RunEvaluation;
  readonly directory: StateDirectory;
  readonly connections: Connections;
  readonly recovered: Recovered;
}

/** One life of a job between recovery and stop. */
class JobRun {
  readonly #plan: Plan;
  readonly #ports: RunPorts;
  readonly #directory: StateDirectory;
  readonly #connections: Connections;
  readonly #graph: Graph;
  readonly #epochs: Epochs;
  readonly #readers: readonly SourceReader[];
  readonly #intake: IntakeQueue;
  readonly #startedAtMs: number;
  /** Stops the polls under way, by a drain as by a failure. */
  readonly #polling = new AbortController();
  /** The restored windows have made results already, which belong to the first epoch. */
  readonly #hasFired: boolean = false;
  #records = 0;
  #progressAtMs: number;

  constructor(parts: JobRunOptions) {
    const { plan, options, ports, directory, connections, recovered } = parts;
    this.#plan = plan;
    this.#ports = ports;
    this.#directory = directory;
    this.#connections = connections;
    this.#startedAtMs = ports.clock.nowMs();
    this.#progressAtMs = this.#startedAtMs;
    this.#epochs = new Epochs({
      job: plan.job,
      layoutHash: layoutHash(plan),
      directory,
      backend: recovered.backend,
      connections,
      incarnation: recovered.incarnation,
      partitions: recovered.partitions,
      limits: { ...plan.checkpoint, intervalMs: options.checkpointIntervalMs },
      ports,
    });
    const sourceFacts = new Map(
      [...connections.sources].map(([id, { source }]) => {
        const { name, partitions } = source;
        return [id, { name, partitions }];
      }),
    );
    this.#graph = new Graph({
      plan,
      catalog: ports.catalog,
      evaluation: parts.evaluation,
      sources: sourceFacts,
      stateOf: (stepId) => recovered.backend.stepState(stepId),
      writerOf: (sinkId) => this.#epochs.writerOf(sinkId),
      maxRecordBytesOf: (sinkId) => connections.maxRecordBytes(sinkId),
    });
    const { newest } = directory;
    if (newest !== undefined) {
      const { carried } = recovered.backend.match;
      restoreCounters(this.#graph, newest.counters as JsonObject);
      this.#hasFired = this.#graph.restoreClocks(
        newest.clocks,
        (id) => carried.get(id) ?? id,
        this.#startedAtMs,
      );
    }
    this.#readers = [...connections.sources].map(
      ([id, { plan: source, source: opened }]) =>
        new SourceReader({
          id,
          source: opened,
          closesLanes: source.bounded || options.close,
          positions: recovered.positions[id] ?? [],
          nowMs: this.#startedAtMs,
        }),
    );
    const mayUseWorker =
      options.threads !== 1 && plan.steps.some(({ stage }) => stage === "intake");
    const setup = { plan, sources: sourceFacts };
    this.#intake = new IntakeQueue({
      poller: new Poller(this.#readers, options.batchSize, this.#polling.signal),
      setup,
      start: mayUseWorker ? ports.startIntakeWorker : undefined,
      startsWithWorker: options.threads === 2,
      ownGraph: () => intakeGraph(setup, ports.catalog),
      placeOf: (sourceId, batch) => this.#graph.placeOf(sourceId, batch),
      turn: ports.turn,
      clock: ports.clock,
      logger: ports.logger,
    });
  }

  async toEnd(): Promise<RunSummary> {
    if (this.#directory.newest?.finished === true) return this.#summary("already_finished");
    if (this.#hasFired) await this.#epochs.took(0, 0);
    const { stop } = this.#ports;
    const stopPolling = (): void => this.#polling.abort();
    stop.addEventListener("abort", stopPolling, { once: true });
    try {
      while (!stop.aborted && !this.#ended) {
        const taken = await this.#intake.next();
        if (stop.aborted) break;
        if (taken !== undefined) await this.#process(taken);
        await this.#restIdleLanes();
        if (this.#epochs.isDue()) await this.#checkpoint(false);
        this.#tellProgress(false);
      }
    } finally {
      stop.removeEventListener("abort", stopPolling);
      this.#polling.abort();
      await this.#intake.close();
    }
    const finished = this.#ended && this.#readers.every((reader) => reader.closesLanes);
    if (this.#epochs.touched || finished) await this.#checkpoint(finished);
    await this.#epochs.delivered();
    this.#tellProgress(true);
    return this.#summary(this.#ended ? "finished" : "drained");
  }

  /** After a failure: stops what is under way; nothing of it becomes visible. */
  async abandon(): Promise<void> {
    this.#polling.abort();
    await this.#intake.close();
    await this.#epochs.abandon();
  }

  get #ended(): boolean {
    return this.#readers.every((reader) => reader.ended);
  }

  async #process({ reader, batch, closesLane, atBorder, release }: TakenBatch): Promise<void> {
    const nowMs = this.#ports.clock.nowMs();
    const rows = batch.starts.length;
    if (atBorder !== undefined) this.#graph.finish(atBorder);
    else if (rows > 0 || closesLane) this.#graph.process(reader.id, batch, nowMs, closesLane);
    reader.processed(batch, nowMs);
    this.#records += rows;
    if (rows > 0 || closesLane) await this.#epochs.took(rows, payloadBytes(batch));
    release();
  }

  async #restIdleLanes(): Promise<void> {
    const nowMs = this.#ports.clock.nowMs();
    for (const reader of this.#readers) {
      const plan = this.#plan.sources.find(({ id }) => id === reader.id);
      const timeoutMs = plan?.watermark.idleTimeoutMs ?? null;
      if (timeoutMs === null) continue;
      for (const [partition, activeAtMs] of reader.activeAtMs.entries()) {
        if (!(nowMs - activeAtMs >= timeoutMs) || !reader.isProcessed(partition)) continue;
        this.#graph.rest(reader.id, partition, nowMs);
        reader.activeAtMs[partition] = NaN;
        await this.#epochs.took(0, 0);
      }
    }
  }

  async #checkpoint(finished: boolean): Promise<void> {
    for (const counters of this.#graph.counters) {
      if (!counters.settled) {
        throw new EngineError("INTERNAL", `the records of ${counters.node} do not add up`);
      }
    }
    const positions = Object.fromEntries(this.#readers.map((one) => [one.id, [...one.positions]]));
    const clocks = this.#graph.clocks();
    const counters = countersSnapshot(this.#graph);
    await this.#epochs.close({
      positions,
      clocks,
      counters,
      finished,
      summary: { positions, clocks, counters, finished, atMs: this.#ports.clock.nowMs() },
    });
  }

  #tellProgress(last: boolean): void {
    const { onProgress, clock } = this.#ports;
    if (onProgress === undefined) return;
    const nowMs = clock.nowMs();
    if (!last && Math.abs(nowMs - this.#progressAtMs) < progressEveryMs) return;
    this.#progressAtMs = nowMs;
    onProgress({
      records: this.#records,
      elapsedMs: nowMs - this.#startedAtMs,
      watermarkMs: smallestWatermark(this.#graph),
      lag: this.#lag(),
      rejected: rejectedCount(this.#graph, this.#plan),
      openWindows: openWindows(this.#graph),
      epoch: this.#epochs.epoch,
    });
  }

  #lag(): RunProgress["lag"] {
    let sum: RunProgress["lag"];
    for (const { source } of this.#readers) {
      const lag = source.lag();
      if (lag === undefined || (sum !== undefined && sum.unit !== lag.unit)) return undefined;
      sum = { amount: (sum?.amount ?? 0) + lag.amount, unit: lag.unit };
    }
    return sum;
  }

  #summary(outcome: RunSummary["outcome"]): RunSummary {
    return {
      job: this.#plan.job,
      outcome,
      elapsedMs: this.#ports.clock.nowMs() - this.#startedAtMs,
      records: this.#records,
      checkpoints: this.#epochs.checkpoints,
      epoch: this.#directory.newest?.epoch ?? 0,
      ...figuresOf(this.#graph, this.#plan, this.#connections),
    };
  }
}

/** Bytes from the first to the last row; the buffer around them may be larger and shared. */
function payloadBytes({ starts, ends }: RawBatch): number {
  return Math.max(0, (ends.at(-1) ?? 0) - (starts[0] ?? 0));
}
