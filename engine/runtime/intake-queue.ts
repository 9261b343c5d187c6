import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { BorderRows, Graph } from "./graph.ts";
import { CrossingBuffers } from "./crossing-buffers.ts";
import { requestOf, rowsOf } from "./intake-message.ts";
import type { IntakeSetup, IntakeWorker, StartIntakeWorker } from "./intake-message.ts";
import type { PolledBatch, Poller } from "./source-reader.ts";

/** Batches that may wait once there is a worker, and how many of them may be with it. */
export const waitingMax = 4;
const withWorkerMax = 2;
/** A wait for input this long says that the job keeps up with its sources. */
const pauseMs = 5;
/** No such wait in so long a time, and for so many batches, says that it does not. One slow commit says nothing. */
const busyMs = 500;
const busyBatches = 16;

/** A polled batch whose turn has come. */
export interface TakenBatch extends PolledBatch {
  /** The lane of the batch ends with it. */
  readonly closesLane: boolean;
  /** What the steps in front made of it, if they had it already. */
  readonly atBorder: BorderRows | undefined;
  /** To be called once nothing of the batch will be read again. */
  readonly release: () => void;
}

export interface IntakeQueueOptions {
  readonly poller: Poller;
  readonly setup: IntakeSetup;
  /** Undefined: no worker is to be had. */
  readonly start: StartIntakeWorker | undefined;
  readonly startsWithWorker: boolean;
  /** Builds the steps in front once more, for the state thread to use while batches before theirs are elsewhere. */
  readonly ownGraph: () => Graph;
  readonly placeOf: Graph["placeOf"];
  /** Lets events in that have arrived. */
  readonly turn: (() => Promise<void>) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Waiting extends TakenBatch {
  atBorder: BorderRows | undefined;
  /** Resolves when the worker has taken it to the border; undefined if it was not asked. */
  reply: Promise<void> | undefined;
  /** Holds what came of it from the worker. */
  buffer: ArrayBuffer | undefined;
}

/**
 * Polled batches in their order, between the sources and the state. A job that does not keep up with its sources gets a
 * worker: from then on whoever is free, the worker or the state thread, takes the next batch through the steps in
 * front. What comes out is the same, and a job that keeps up needs no second thread.
 */
export class IntakeQueue {
  readonly #options: IntakeQueueOptions;
  readonly #waiting: Waiting[] = [];
  /** Stays as it is once it has failed. */
  #polling: Promise<void> | undefined;
  /** Since when, and for how many batches, there was no pause. */
  #busySinceMs: number;
  #busyBatches = 0;
  #starting: Promise<void> | undefined;
  #worker:
    | {
        readonly intake: IntakeWorker;
        readonly ownGraph: Graph;
        readonly buffers: CrossingBuffers;
      }
    | undefined;
  #withWorker = 0;
  #closed = false;

  constructor(options: IntakeQueueOptions) {
    this.#options = options;
    this.#busySinceMs = options.clock.nowMs();
  }

  /**
   * The next batch; undefined if nothing came in a short wait, or polling was stopped. Must not be called after the
   * last one. Throws what a poll or the worker failed with, again and again.
   */
  async next(): Promise<TakenBatch | undefined> {
    const { poller, startsWithWorker, turn, clock } = this.#options;
    const askedAtMs = clock.nowMs();
    if (startsWithWorker) await (this.#starting ??= this.#start());
    for (;;) {
      await turn?.();
      // Stopped polls end at once: waiting for the worker between them would be a loop without a pause.
      if (poller.stopped) return undefined;
      this.#poll();
      const [first] = this.#waiting;
      if (first !== undefined && (first.atBorder !== undefined || first.reply === undefined)) {
        this.#watchPauses(askedAtMs);
        return this.#waiting.shift();
      }
      if (this.#worker !== undefined && this.#takeToBorder(this.#worker.ownGraph)) continue;
      await Promise.race([this.#polling, first?.reply].filter((event) => event !== undefined));
      if (this.#waiting.length === 0) {
        this.#watchPauses(askedAtMs);
        return undefined;
      }
    }
  }

  /** Forgets what waits: it was not processed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#options.poller.settle();
    await this.#polling?.catch(() => {});
    this.#waiting.length = 0;
    await this.#starting;
    await this.#worker?.intake.close();
  }

  #watchPauses(askedAtMs: number): void {
    const nowMs = this.#options.clock.nowMs();
    // Also where the clock was set back.
    if (nowMs - askedAtMs >= pauseMs || nowMs < this.#busySinceMs) {
      this.#busySinceMs = nowMs;
      this.#busyBatches = 0;
    } else this.#busyBatches += 1;
    if (nowMs - this.#busySinceMs >= busyMs && this.#busyBatches >= busyBatches) {
      this.#starting ??= this.#start();
    }
  }

  #poll(): void {
    const { poller } = this.#options;
    const room = this.#waiting.length < (this.#worker === undefined ? 1 : waitingMax);
    if (this.#closed || !room || poller.ended || this.#polling !== undefined) return;
    this.#polling = poller.next().then((polled) => {
      this.#polling = undefined;
      if (polled === undefined) return;
      const closesLane = polled.batch.ended && polled.reader.closesLanes;
      this.#waiting.push(this.#waitingOf(polled, closesLane));
      this.#askWorker();
      this.#poll();
    });
    // Its failure is met by `next`, or never if the run stops before.
    this.#polling.catch(() => {});
  }

  #waitingOf(polled: PolledBatch, closesLane: boolean): Waiting {
    const waiting: Waiting = {
      ...polled,
      closesLane,
      atBorder: undefined,
      reply: undefined,
      buffer: undefined,
      release: () => {
        polled.batch.release?.();
        if (waiting.buffer !== undefined) this.#worker?.buffers.giveBack(waiting.buffer);
      },
    };
    return waiting;
  }

  /** Keeps the worker busy: it gets the batches that nobody has. */
  #askWorker(): void {
    if (this.#closed || this.#worker === undefined) return;
    const { intake, buffers } = this.#worker;
    const { clock, placeOf } = this.#options;
    for (const waiting of this.#waiting) {
      if (this.#withWorker === withWorkerMax) return;
      if (!isFree(waiting)) continue;
      const { reader, batch, closesLane } = waiting;
      const nowMs = clock.nowMs();
      this.#withWorker += 1;
      const take = (bytes: number): ArrayBuffer => buffers.take(bytes);
      const request = requestOf(reader.id, batch, nowMs, closesLane, take);
      waiting.reply = intake.intake(request).then((reply) => {
        this.#withWorker -= 1;
        if (reply === undefined) return this.#giveUp(waiting);
        waiting.buffer = reply.buffer;
        waiting.atBorder = rowsOf(reply, placeOf(reader.id, batch), nowMs);
        return this.#askWorker();
      });
      waiting.reply.catch(() => {});
    }
  }

  /** Takes a batch that nobody has to the border. False if there is none. */
  #takeToBorder(graph: Graph): boolean {
    const free = this.#waiting.find(isFree);
    if (free === undefined) return false;
    const { reader, batch, closesLane } = free;
    free.atBorder = graph.intake(reader.id, batch, this.#options.clock.nowMs(), closesLane);
    return true;
  }

  /** The worker cannot take the batch: the state thread does its work again, as for a job without one. */
  async #giveUp(waiting: Waiting): Promise<void> {
    waiting.reply = undefined;
    const worker = this.#worker;
    if (this.#closed || worker === undefined) return;
    this.#worker = undefined;
    this.#options.logger.info(
      "records are too large for a second thread; the job goes on with one",
    );
    await worker.intake.close();
  }

  async #start(): Promise<void> {
    const { start, setup, ownGraph, logger } = this.#options;
    if (start === undefined) return;
    try {
      const graph = ownGraph();
      const intake = await start(setup);
      // Of those that wait, and of the one that is processed.
      this.#worker = { intake, ownGraph: graph, buffers: new CrossingBuffers(waitingMax + 1) };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      logger.warn(`a second thread could not be started; the job goes on with one: ${why}`);
      return;
    }
    this.#askWorker();
  }
}

/** Has rows that nobody has taken to the border, or is about to. */
function isFree({ batch, atBorder, reply }: Waiting): boolean {
  return batch.starts.length > 0 && atBorder === undefined && reply === undefined;
}
