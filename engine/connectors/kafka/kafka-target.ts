import { hostname } from "node:os";
import type {
  CommitPermit,
  DeliveryMark,
  DeliveryTarget,
  OutboxReader,
} from "../../checkpoint/delivery.ts";
import { EngineError } from "../../core/errors.ts";
import type { Failpoints } from "../../core/failpoints.ts";
import type { Logger } from "../../core/logger.ts";
import { isPassing } from "./cluster.ts";
import type { KafkaCluster } from "./cluster.ts";
import {
  barrierRecord,
  commitsTopicOf,
  findCommitsPartition,
  makeCommitsTopic,
  markOf,
  readCommitted,
  transactionalIdOf,
} from "./commits-topic.ts";
import type { CommittedView, PartitionEnd } from "./commits-topic.ts";
import { BatchEncoder } from "./batch-encoder.ts";
import { deliverEpoch } from "./epoch-delivery.ts";
import { deliveryFailure } from "./delivery-failure.ts";
import { partitionName } from "./log-scan.ts";
import type { LedPartition } from "./log-scan.ts";
import { OutputTopics } from "./output-topics.ts";
import { settle } from "./settle.ts";
import { listOffsets } from "./topics.ts";
import { ConnectionLost } from "./transport.ts";
import { TransactionSession } from "./transaction-session.ts";

export interface KafkaTargetPorts {
  readonly failpoints: Failpoints;
  readonly logger: Logger;
}

const visibleTries = 500;
const visiblePauseMs = 10;
const shownTries = 100;
const shownPauseMs = 5;

/** Delivers the epochs of a job to one cluster, each in one short transaction that carries its commit marker. */
export class KafkaTarget implements DeliveryTarget {
  readonly id: string;
  readonly #cluster: KafkaCluster;
  readonly #failpoints: Failpoints;
  readonly #logger: Logger;
  readonly #outputs: OutputTopics;
  #job: { readonly job: string; readonly incarnation: string } | undefined;
  #session: TransactionSession | undefined;
  /** What the cluster held when it was looked at last. */
  #held: DeliveryMark | undefined;
  #looked = false;

  constructor(cluster: KafkaCluster, { failpoints, logger }: KafkaTargetPorts) {
    this.id = cluster.settings.id;
    this.#cluster = cluster;
    this.#failpoints = failpoints;
    this.#logger = logger;
    this.#outputs = new OutputTopics(cluster);
  }

  async prepare(topics: readonly string[]): Promise<readonly number[]> {
    await this.#cluster.repeated("looking at the topics", () => this.#outputs.prepare(topics));
    return this.#outputs.counts;
  }

  maxRecordBytes(topic: number): number {
    return this.#outputs.maxRecordBytes(topic);
  }

  async inspect(job: string): Promise<DeliveryMark | undefined> {
    this.#held = await this.#cluster.repeated("looking at the last epoch", () => this.#look(job));
    this.#looked = true;
    return this.#held;
  }

  async begin(job: string, incarnation: string, epoch = Infinity): Promise<void> {
    this.#job = { job, incarnation };
    await this.#cluster.repeated("taking over", async () => {
      try {
        await this.#takeOver(job, incarnation, epoch);
      } catch (error) {
        throw deliveryFailure(error, this.id);
      }
    });
  }

  async deliver(outputs: OutboxReader, permit: CommitPermit): Promise<void> {
    const { mark } = permit;
    const job = this.#job;
    if (job?.job !== mark.job) {
      throw new EngineError("INTERNAL", `no session of job ${mark.job} has begun`);
    }
    await this.#cluster.repeated(`delivering epoch ${mark.epoch}`, async () => {
      try {
        if ((await this.#session?.isWhole()) !== true) {
          await this.#takeOver(job.job, job.incarnation, Infinity);
        }
        if (this.#isHeld(mark)) return;
        const session = this.#session;
        if (session === undefined) throw new EngineError("INTERNAL", "no session");
        await this.#outputs.refresh();
        const commits = await this.#commitsPartition(job.job);
        // These were the first requests for a while: a connection that broke unnoticed is known by now.
        await assertWhole(session);
        const ends = await deliverEpoch(outputs, mark, {
          session,
          topics: this.#outputs,
          commits,
          failpoints: this.#failpoints,
          compression: this.#cluster.settings.compression,
          nowMs: this.#cluster.clock.nowMs(),
        });
        this.#held = mark;
        // Brokers may have forgotten to finish it. Another transaction on top of that would decide it anew: before the
        // next one a new session looks.
        if (!(await this.#isShown(ends, commits))) this.#session = undefined;
      } catch (error) {
        // Whatever it was: what became of the transaction is found out by the session that comes after this one.
        this.#session = undefined;
        const failure = deliveryFailure(error, this.id);
        if (isPassing(failure)) {
          this.#logger.warn(`epoch ${mark.epoch} was interrupted: ${failure.message}`);
        }
        throw failure;
      }
    });
  }

  async close(): Promise<void> {
    this.#cluster.close();
  }

  async #look(job: string): Promise<DeliveryMark | undefined> {
    const commits = await findCommitsPartition(this.#cluster, job);
    if (commits === undefined) return undefined;
    return markOf(job, await readCommitted(this.#cluster, commits));
  }

  /** Looks whether it is still ours to take, fences, settles, and reads the verdict behind a barrier of its own. */
  async #takeOver(job: string, incarnation: string, epoch: number): Promise<void> {
    const before = await this.#lookForOthers(job, incarnation, epoch);
    if (before === undefined) await makeCommitsTopic(this.#cluster, job);
    await this.#outputs.refresh();
    const commits = await this.#commitsPartition(job);
    await this.#failpoints.hit("kafka.fence.before");
    const session = await TransactionSession.begin(this.#cluster, transactionalIdOf(job));
    await this.#failpoints.hit("kafka.fence.after");
    await this.#settle(session, commits);
    // Whoever came in since has lost its session by now; without a barrier of ours its restart goes on all the same.
    await this.#lookForOthers(job, incarnation, epoch);
    await this.#failpoints.hit("kafka.barrier.before");
    const barrierOffset = await this.#writeBarrier(session, commits, incarnation);
    await this.#failpoints.hit("kafka.barrier.after");
    const held = markOf(job, await this.#viewBehind(commits, barrierOffset));
    if (this.#looked && (held?.epoch ?? 0) < (this.#held?.epoch ?? 0)) {
      throw new EngineError(
        "SINK_DIVERGED",
        `${this.id} held epoch ${this.#held?.epoch} of the job ${job}, and holds epoch ${held?.epoch ?? 0} now`,
        { hint: "The cluster has lost what it had confirmed. Restore it and the state directory." },
      );
    }
    await assertWhole(session);
    this.#held = held;
    this.#looked = true;
    this.#session = session;
  }

  /** Throws SINK_FENCED if another session has come in since the last look, SINK_DIVERGED if all sessions are gone. */
  async #lookForOthers(
    job: string,
    incarnation: string,
    epoch: number,
  ): Promise<DeliveryMark | undefined> {
    const now = await this.#look(job);
    if (!this.#looked) return now;
    if (now === undefined && this.#held !== undefined) throw this.#commitsGone(job);
    // A copy of a running job's state knows its session, but not the epochs that came after the copy.
    const isOurs = sameSession(now, this.#held, incarnation) && (now?.epoch ?? 0) <= epoch;
    if (isOurs) return now;
    throw fenced(job, now?.incarnation);
  }

  async #settle(session: TransactionSession, commits: LedPartition): Promise<void> {
    await this.#failpoints.hit("kafka.settle.before");
    const settled = await settle(this.#cluster, session, commits, this.#outputs.partitions);
    if (settled !== undefined) {
      const closed = [...settled.commit, ...settled.abort].map(partitionName).join(", ");
      this.#logger.warn(
        `kafka at ${this.#cluster.address} had left a transaction open after an unclean stop; settled ${closed}`,
      );
    }
    await this.#failpoints.hit("kafka.settle.after");
  }

  /** Its offset. */
  async #writeBarrier(
    session: TransactionSession,
    commits: LedPartition,
    incarnation: string,
  ): Promise<number> {
    const encoder = new BatchEncoder();
    const timestampMs = this.#cluster.clock.nowMs();
    encoder.append({ ...barrierRecord({ incarnation, host: hostname() }), timestampMs });
    const batch = encoder.finish({
      ...session.identity,
      baseSequence: session.takeSequence(commits, 1),
      transactional: true,
    });
    await session.addPartitions([commits]);
    const [produced] = await session.produce([{ ...commits, batch }]);
    await session.end("commit");
    return produced?.baseOffset ?? 0;
  }

  /** The answer to the end of a transaction comes before its marker is in every partition. */
  async #viewBehind(commits: LedPartition, barrierOffset: number): Promise<CommittedView> {
    for (let tries = 0; tries < visibleTries; tries += 1) {
      const view = await readCommitted(this.#cluster, commits);
      if (view.end > barrierOffset) return view;
      await this.#cluster.sleep(visiblePauseMs);
    }
    throw new EngineError(
      "KAFKA_UNREACHABLE",
      `${partitionName(commits)} does not show the record that was committed at offset ${barrierOffset}`,
      {
        hint: "Another producer may hold a transaction open in this topic; it belongs to the job alone.",
      },
    );
  }

  async #commitsPartition(job: string): Promise<LedPartition> {
    const commits = await findCommitsPartition(this.#cluster, job);
    if (commits !== undefined) return commits;
    throw this.#commitsGone(job);
  }

  #commitsGone(job: string): EngineError {
    return new EngineError(
      this.#held === undefined ? "KAFKA_UNREACHABLE" : "SINK_DIVERGED",
      `topic ${commitsTopicOf(job)} is gone at ${this.#cluster.address}`,
      { hint: "It tells which epochs are delivered. Restore it, or start over." },
    );
  }

  /**
   * Waits until readers see an epoch: the brokers answer before they have marked it everywhere. Not for ever, since
   * another producer's open transaction in the same topic holds readers up too.
   */
  async #isShown(ends: readonly PartitionEnd[], commits: LedPartition): Promise<boolean> {
    const parts = [commits, ...this.#outputs.partitions].filter((part) =>
      ends.some((end) => partitionName(end) === partitionName(part)),
    );
    for (let tries = 0; tries < shownTries; tries += 1) {
      const stable = await listOffsets(this.#cluster, "latest", "read_committed", parts);
      const isShown = parts.every((part, index) => {
        const end = ends.find((one) => partitionName(one) === partitionName(part));
        return (stable[index] ?? 0) > (end?.offset ?? 0);
      });
      if (isShown) return true;
      await this.#cluster.sleep(shownPauseMs);
    }
    return false;
  }

  #isHeld(mark: DeliveryMark): boolean {
    const held = this.#held;
    if (held === undefined || held.epoch < mark.epoch) return false;
    if (held.epoch === mark.epoch && held.hash === mark.hash) return true;
    throw new EngineError(
      "SINK_DIVERGED",
      `${this.id} holds epoch ${held.epoch} (${held.hash}) of job ${mark.job}, which does not go with epoch ${mark.epoch} (${mark.hash})`,
      { hint: "The state directory is not the one that wrote these topics." },
    );
  }
}

async function assertWhole(session: TransactionSession): Promise<void> {
  if (!(await session.isWhole())) throw new ConnectionLost("a connection was lost meanwhile");
}

/** The newest session is the one that was seen before, or this one itself. */
function sameSession(
  now: DeliveryMark | undefined,
  seen: DeliveryMark | undefined,
  incarnation: string,
): boolean {
  return now?.incarnation === incarnation || now?.incarnation === seen?.incarnation;
}

function fenced(job: string, newest: string | undefined): EngineError {
  return new EngineError(
    "SINK_FENCED",
    `another session of job ${job} (${newest ?? "unknown"}) has taken over`,
    { hint: "Run each job once at a time; the other one goes on." },
  );
}
