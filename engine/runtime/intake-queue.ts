import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { requestOf } from "./intake-message.ts";
import type { IntakeReply, IntakeSetup, IntakeWorker, StartIntakeWorker } from "./intake-message.ts";
import type { PolledBatch, Poller } from "./source-reader.ts";

/** Batches that may wait for the state thread once there is a worker. */
const waitingMax = 3;
/** A wait for input this long says that the job keeps up with its sources; none in so long a time, that it does not. */
const pauseMs = 5;
const busyMs = 500;

/** A polled batch whose turn has come. */
export interface TakenBatch extends PolledBatch {
  /** What the worker made of it, and the processing time it was given; undefined if it is to be decoded here. */
  readonly intake?: { readonly reply: IntakeReply; readonly processingTimeMs: number };
}

export interface IntakeQueueOptions {
  readonly poller: Poller;
  readonly setup: IntakeSetup;
  /** Undefined: no worker is to be had. */
  readonly start: StartIntakeWorker | undefined;
  /** Have a worker from the beginning. */
  readonly atOnce: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Waiting {
  /** Undefined while the worker has it. */
  taken: TakenBatch | undefined;
  readonly reply: Promise<void> | undefined;
}

/**
 * Polled batches in their order, between the sources and the state thread. A job that does not keep up with its sources
 * gets a worker, which takes batches through the steps in front of the state meanwhile. What comes out is the same
 * either way, and a job that keeps up needs no second thread.
 */
export class IntakeQueue {
  readonly #options: IntakeQueueOptions;
  readonly #waiting: Waiting[] = [];
  /** Stays as it is once it has failed. */
  #polling: Promise<void> | undefined;
  /** Since when there was no pause. */
  #busySinceMs: number;
  #starting: Promise<void> | undefined;
  #worker: IntakeWorker | undefined;

  constructor(options: IntakeQueueOptions) {
    this.#options = options;
    this.#busySinceMs = options.clock.nowMs();
  }

  /** The next batch; undefined if nothing came in a short wait. Must not be called after the last one. */
  async next(): Promise<TakenBatch | undefined> {
    const { poller, atOnce, clock } = this.#options;
    const askedAtMs = clock.nowMs();
    if (atOnce || askedAtMs - this.#busySinceMs >= busyMs) this.#starting ??= this.#start();
    if (atOnce) await this.#starting;
    await this.#worker?.arrivals();
    for (;;) {
      const room = this.#waiting.length < (this.#worker === undefined ? 1 : waitingMax);
      if (room && !poller.ended) this.#polling ??= this.#poll();
      const [first] = this.#waiting;
      if (first?.taken !== undefined) {
        this.#waiting.shift();
        return first.taken;
      }
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
    await this.#worker?.close();
  }

  #poll(): Promise<void> {
    const polling = this.#options.poller.next().then((polled) => {
      this.#polling = undefined;
      if (polled !== undefined) this.#waiting.push(this.#wait(polled));
    });
    // Its failure is met by `next`, or never if the run stops before.
    polling.catch(() => {});
    return polling;
  }

  #wait(polled: PolledBatch): Waiting {
    const { reader, batch } = polled;
    if (batch.starts.length === 0 || this.#worker === undefined) {
      return { taken: polled, reply: undefined };
    }
    const processingTimeMs = this.#options.clock.nowMs();
    const request = requestOf(reader.id, batch, processingTimeMs);
    const reply = this.#worker.intake(request).then((made) => {
      waiting.taken = { ...polled, intake: { reply: made, processingTimeMs } };
    });
    reply.catch(() => {});
    const waiting: Waiting = { taken: undefined, reply };
    return waiting;
  }

  async #start(): Promise<void> {
    const { start, setup, logger } = this.#options;
    try {
      this.#worker = await start?.(setup);
    } catch (error) {
      logger.warn("a second thread could not be started; the job goes on with one", { error });
    }
  }
}
