import type { CommitPermit } from "../checkpoint/delivery.ts";
import type { CommitContent, CommitRecord, OutboxFacts } from "../checkpoint/commit-record.ts";
import { epochIsDue } from "../checkpoint/epoch.ts";
import type { EpochLimits } from "../checkpoint/epoch.ts";
import { outboxBlocks, OutboxFile, outboxPath, OutboxWriter } from "../checkpoint/outbox.ts";
import type { StateDirectory } from "../checkpoint/state-directory.ts";
import type { EngineError } from "../core/errors.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { StateBackend } from "../state/state-backend.ts";
import type { Connections } from "./connections.ts";
import { asEngineError } from "./io-error.ts";
import type { RunPorts } from "./run.ts";
import type { OutputWriter } from "./sink-node.ts";
import { FileOutputs, TopicOutputs } from "./sink-outputs.ts";

export interface EpochsOptions {
  readonly job: string;
  readonly layoutHash: string;
  readonly directory: StateDirectory;
  readonly backend: StateBackend;
  readonly connections: Connections;
  readonly incarnation: string;
  readonly partitions: ReadonlyMap<string, readonly number[]>;
  readonly limits: EpochLimits;
  readonly ports: RunPorts;
}

/** What the commit record takes from the run besides state and outputs. */
export interface CommitFacts {
  readonly positions: CommitContent["positions"];
  readonly clocks: CommitContent["clocks"];
  readonly counters: JsonValue;
  readonly finished: boolean;
  readonly summary: JsonObject;
}

/** What must be durable before an epoch's commit record. */
type EpochParts = readonly [
  states: JsonObject,
  files: CommitContent["files"],
  outboxes: CommitContent["outboxes"],
];

/**
 * The epochs of a run: takes outputs, cuts epoch N between two batches, commits it with one durable record and makes
 * it visible, both while N+1 is processed. N+1 is not cut before N is delivered (design.md section 2, ADR 0005).
 */
export class Epochs {
  readonly #options: EpochsOptions;
  readonly #files: readonly FileOutputs[];
  readonly #outboxes = new Map<string, OutboxWriter>();
  readonly #blocks = outboxBlocks();
  readonly #writers = new Map<string, OutputWriter>();
  readonly #since = new Map<string, number>();
  /** The epoch that is open. */
  #epoch: number;
  /** Commit and delivery of the epoch before it. */
  #settling: Promise<void> = Promise.resolve();
  #failure: EngineError | undefined;
  #openedAtMs: number;
  #records = 0;
  #bytes = 0;
  #touched = false;
  checkpoints = 0;

  constructor(options: EpochsOptions) {
    this.#options = options;
    this.#epoch = (options.directory.newest?.epoch ?? 0) + 1;
    this.#openedAtMs = options.ports.clock.nowMs();
    const { connections, directory, partitions } = options;
    this.#files = [...connections.files].map(([id, sink]) => new FileOutputs(id, sink));
    for (const files of this.#files) this.#writers.set(files.sinkId, files);
    for (const targetId of connections.targets.keys()) {
      const known = directory.newest?.outboxes[targetId]?.since;
      this.#since.set(targetId, known ?? this.#epoch);
      this.#outboxes.set(targetId, this.#newOutbox(targetId));
    }
    for (const [sinkId, { targetId, topic }] of connections.topicOf) {
      const count = partitions.get(targetId)?.[topic];
      if (count === undefined) throw new RangeError(`no partitions of topic ${topic}`);
      this.#writers.set(sinkId, new TopicOutputs(() => this.#outbox(targetId), topic, count));
    }
  }

  /** The epoch that is open. */
  get epoch(): number {
    return this.#epoch;
  }

  get touched(): boolean {
    return this.#touched;
  }

  writerOf(sinkId: string): OutputWriter {
    const writer = this.#writers.get(sinkId);
    if (writer === undefined) throw new RangeError(`no sink ${sinkId}`);
    return writer;
  }

  /** After each batch: counts it, and waits while disks are behind. */
  async took(records: number, bytes: number): Promise<void> {
    this.#touched = true;
    this.#records += records;
    this.#bytes += bytes;
    for (const { sink } of this.#files) await sink.room();
    for (const outbox of this.#outboxes.values()) await outbox.room();
    await this.#options.backend.settle();
    this.#throwFailure();
  }

  isDue(): boolean {
    this.#throwFailure();
    if (!this.#touched) return false;
    const progress = {
      openedAtMs: this.#openedAtMs,
      records: this.#records,
      bytes: this.#bytes,
    };
    return epochIsDue(this.#options.limits, progress, this.#options.ports.clock.nowMs());
  }

  /**
   * Cuts the open epoch: what it holds is fixed at once, its commit and delivery go on in the background. Waits for
   * those of the epoch before.
   */
  async close(facts: CommitFacts): Promise<void> {
    await this.delivered();
    const epoch = this.#epoch;
    const parts = allDone([
      this.#options.backend.prepareCommit(epoch),
      this.#flushFiles(),
      this.#closeOutboxes(epoch),
    ] as const);
    this.#epoch += 1;
    for (const targetId of this.#outboxes.keys()) {
      this.#outboxes.set(targetId, this.#newOutbox(targetId));
    }
    this.#openedAtMs = this.#options.ports.clock.nowMs();
    this.#records = 0;
    this.#bytes = 0;
    this.#touched = false;
    this.#settling = this.#settle(facts, parts).catch((error: unknown) => {
      this.#failure = asEngineError(error);
    });
  }

  /** Resolves when every epoch that was cut is committed and visible everywhere; throws if that failed. */
  async delivered(): Promise<void> {
    await this.#settling;
    this.#throwFailure();
  }

  /** Gives up what was not committed. */
  async abandon(): Promise<void> {
    await this.#settling;
    await Promise.allSettled([...this.#outboxes.values()].map((outbox) => outbox.abandon()));
  }

  /** The commit record, once all parts of the epoch are durable; then everything that shows it. */
  async #settle({ summary, ...run }: CommitFacts, parts: Promise<EpochParts>): Promise<void> {
    const { directory, backend, job, incarnation, layoutHash } = this.#options;
    const [states, files, outboxes] = await parts;
    const { bootId } = this.#options.ports.host;
    const content = { ...run, states, files, outboxes, layoutHash, bootId };
    const record = await directory.commit(content, summary);
    this.checkpoints += 1;
    for (const [id, { source }] of this.#options.connections.sources) {
      source.committed?.(run.positions[id] ?? []);
    }
    const permit = directory.permit(job, incarnation);
    for (const { sinkId, sink } of this.#files) {
      await sink.publish(permit.mark, files[sinkId]?.length ?? 0);
    }
    await this.#deliver(record, permit);
    await backend.committed();
  }

  async #flushFiles(): Promise<CommitContent["files"]> {
    const lengths = await allDone(
      this.#files.map(async ({ sinkId, sink }) => {
        return [sinkId, { path: sink.name, ...(await sink.flush()) }] as const;
      }),
    );
    return Object.fromEntries(lengths);
  }

  async #closeOutboxes(epoch: number): Promise<CommitContent["outboxes"]> {
    const facts: Record<string, OutboxFacts & { since: number }> = {};
    // As they are now: the next epoch puts writers of its own in their place.
    for (const [targetId, outbox] of [...this.#outboxes]) {
      facts[targetId] = {
        ...(await outbox.close()),
        since: this.#since.get(targetId) ?? epoch,
      };
    }
    return facts;
  }

  async #deliver(record: CommitRecord, permit: CommitPermit): Promise<void> {
    const { connections, directory, ports } = this.#options;
    for (const [targetId, { target, topics }] of connections.targets) {
      const facts = record.outboxes[targetId];
      if (facts === undefined) continue;
      const path = outboxPath(directory.path, record.epoch, targetId);
      await target.deliver(new OutboxFile(ports.files, path, facts, topics, this.#blocks), permit);
    }
    // The outbox of this epoch stays until the next one is delivered.
    await directory.removeOutboxes(record.epoch, false);
  }

  #outbox(targetId: string): OutboxWriter {
    const outbox = this.#outboxes.get(targetId);
    if (outbox === undefined) throw new RangeError(`no target ${targetId}`);
    return outbox;
  }

  #newOutbox(target: string): OutboxWriter {
    const { directory, connections, ports } = this.#options;
    return new OutboxWriter({
      files: ports.files,
      failpoints: ports.failpoints,
      directory: directory.path,
      epoch: this.#epoch,
      target,
      topics: connections.targets.get(target)?.topics ?? [],
      blocks: this.#blocks,
    });
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Like Promise.all, but fails only after all have ended: nothing is at work any more when the run is given up. */
async function allDone<T extends readonly unknown[]>(work: {
  readonly [Index in keyof T]: Promise<T[Index]>;
}): Promise<T> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}
