import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { Graph, IntakeRows } from "./graph.ts";
import { requestOf, rowsOf } from "./intake-message.ts";
import type { IntakeSetup, IntakeWorker, StartIntakeWorker } from "./intake-message.ts";
import type { PolledBatch, Poller } from "./source-reader.ts";

/** Batches that may wait once there is a worker, and how many of them may be with it. */
const waitingMax = 4;
const withWorkerMax = 2;
/** A wait for input this long says that the job keeps up with its sources; none in so long a time, that it does not. */
const pauseMs = 5;
const busyMs = 500;

/** A polled batch whose turn has come. */
export interface TakenBatch extends PolledBatch {
  /** What the steps in front made of it, if they had it already. */
  readonly rows: IntakeRows | undefined;
}

export interface IntakeQueueOptions {
  readonly poller: Poller;
  readonly setup: IntakeSetup;
  /** Undefined: no worker is to be had. */
  readonly start: StartIntakeWorker | undefined;
  /** Have a worker from the beginning. */
  readonly atOnce: boolean;
  /** Builds the steps in front once more, for this thread. */
  readonly intakeGraph: () => Graph;
  readonly placeOf: Graph["placeOf"];
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Waiting extends PolledBatch {
  rows: IntakeRows | undefined;
  /** Resolves when the worker has given the rows; undefined if it was not asked. */
  reply: Promise<void> | undefined;
}

/** What takes batches through the steps in front before their turn: a worker, and this thread while it waits for one. */
interface Crew {
  readonly worker: IntakeWorker;
  readonly here: Graph;
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
  /** Since when there was no pause. */
  #busySinceMs: number;
  #starting: Promise<void> | undefined;
  #crew: Crew | undefined;
  #withWorker = 0;

  constructor(options: IntakeQueueOptions) {
    this.#options = options;
    this.#busySinceMs = options.clock.nowMs();
  }

  /** The next batch; undefined if nothing came in a short wait. Must not be called after the last one. */
  async next(): Promise<TakenBatch | undefined> {
    const { atOnce, clock } = this.#options;
    const askedAtMs = clock.nowMs();
    if (atOnce || askedAtMs - this.#busySinceMs >= busyMs) this.#starting ??= this.#start();
    if (atOnce) await this.#starting;
    for (;;) {
      await this.#crew?.worker.arrivals();
      this.#poll();
      const [first] = this.#waiting;
      if (first?.rows !== undefined || (first !== undefined && isFree(first))) {
        return this.#waiting.shift();
      }
      if (this.#crew !== undefined && this.#takeHere(this.#crew.here)) continue;
      await Promise.race([this.#polling, first?.reply].filter((event) => event !== undefined));
      if (clock.nowMs() - askedAtMs >= pauseMs) this.#busySinceMs = clock.nowMs();
      if (this.#waiting.length === 0) return undefined;
    }
  }

  /** Forgets what waits: it was not processed. */
  async close(): Promise<void> {
    await this.#options.poller.settle();
    this.#waiting.length = 0;
    await this.#starting;
    await this.#crew?.worker.close();
  }

  #poll(): void {
    const { poller } = this.#options;
    const room = this.#waiting.length < (this.#crew === undefined ? 1 : waitingMax);
    if (!room || poller.ended || this.#polling !== undefined) return;
    this.#polling = poller.next().then((polled) => {
      this.#polling = undefined;
      if (polled !== undefined)
        this.#waiting.push({ ...polled, rows: undefined, reply: undefined });
      this.#askWorker();
      if (polled !== undefined) this.#poll();
    });
    // Its failure is met by `next`, or never if the run stops before.
    this.#polling.catch(() => {});
  }

  /** Keeps the worker busy: it gets the batches that nobody has. */
  #askWorker(): void {
    if (this.#crew === undefined) return;
    const { worker } = this.#crew;
    for (const waiting of this.#waiting) {
      if (this.#withWorker === withWorkerMax) return;
      if (!isFree(waiting)) continue;
      const { reader, batch } = waiting;
      const processingTimeMs = this.#options.clock.nowMs();
      this.#withWorker += 1;
      waiting.reply = worker.intake(requestOf(reader.id, batch, processingTimeMs)).then((reply) => {
        this.#withWorker -= 1;
        waiting.rows = rowsOf(reply, this.#options.placeOf(reader.id, batch), processingTimeMs);
        this.#askWorker();
      });
      waiting.reply.catch(() => {});
    }
  }

  /** Takes a batch that nobody has through the steps in front. False if there is none. */
  #takeHere(graph: Graph): boolean {
    const free = this.#waiting.find(isFree);
    if (free === undefined) return false;
    const { reader, batch } = free;
    free.rows = graph.intake(reader.id, batch, this.#options.clock.nowMs());
    return true;
  }

  async #start(): Promise<void> {
    const { start, setup, intakeGraph, logger } = this.#options;
    try {
      const worker = await start?.(setup);
      if (worker !== undefined) this.#crew = { worker, here: intakeGraph() };
    } catch (error) {
      logger.warn("a second thread could not be started; the job goes on with one", { error });
    }
  }
}

/** Nobody has taken it through the steps in front, or is about to. */
function isFree({ rows, reply }: Waiting): boolean {
  return rows === undefined && reply === undefined;
}
