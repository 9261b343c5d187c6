import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Source } from "../../engine/connectors/connector.ts";
import type { RawBatch } from "../../engine/core/record.ts";
import type { Graph, BorderRows } from "../../engine/runtime/graph.ts";
import type {
  IntakeReply,
  IntakeRequest,
  IntakeWorker,
} from "../../engine/runtime/intake-message.ts";
import { IntakeQueue, waitingMax } from "../../engine/runtime/intake-queue.ts";
import type { TakenBatch } from "../../engine/runtime/intake-queue.ts";
import { Poller, SourceReader } from "../../engine/runtime/source-reader.ts";
import { ManualClock } from "../../engine/testing/manual-clock.ts";

function batch(number: number, ended: boolean, length: number): RawBatch {
  const bytes = Buffer.from("{}".padEnd(length));
  const resumeAt = number + 1;
  return { partition: 0, bytes, starts: [0], ends: [length], offsets: [number], resumeAt, ended };
}

/** A source of so many batches, each there at once unless `wait` makes it wait. */
class Batches implements Source {
  readonly name = "batches";
  readonly partitions = 1;
  polls = 0;
  /** Bytes of the first batch. */
  firstLength = 2;
  readonly #count: number;
  readonly #wait: () => Promise<void>;

  constructor(count: number, wait: () => Promise<void> = () => Promise.resolve()) {
    this.#count = count;
    this.#wait = wait;
  }

  async resolveStart(): Promise<readonly number[]> {
    return [0];
  }

  async open(): Promise<void> {}

  async poll(): Promise<RawBatch | undefined> {
    const number = this.polls;
    this.polls += 1;
    await this.#wait();
    return batch(number, this.polls === this.#count, number === 0 ? this.firstLength : 2);
  }

  lag(): undefined {
    return undefined;
  }

  async close(): Promise<void> {}
}

const noReply = { counters: [], ports: [], types: [] };

/** A worker whose replies the test lets in one by one. */
class HandWorker implements IntakeWorker {
  readonly asked: IntakeRequest[] = [];
  readonly #answers: {
    readonly buffer: ArrayBuffer;
    resolve(reply?: IntakeReply): void;
    reject(error: Error): void;
  }[] = [];
  closed = false;

  intake(request: IntakeRequest): Promise<IntakeReply | undefined> {
    this.asked.push(request);
    return new Promise((resolve, reject) => {
      this.#answers.push({ buffer: request.batch.buffer, resolve, reject });
    });
  }

  answer(): void {
    const answer = this.#answers.shift();
    answer?.resolve({ ...noReply, buffer: answer.buffer });
  }

  fail(message: string): void {
    this.#answers.shift()?.reject(new Error(message));
  }

  failSecond(message: string): void {
    this.#answers.splice(1, 1)[0]?.reject(new Error(message));
  }

  /** It cannot take what it was asked for. */
  refuse(): void {
    this.#answers.shift()?.resolve();
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const asked of this.#answers.splice(0)) asked.resolve();
  }
}

/** Lets everything that is ready run. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const nothing: BorderRows = { counters: [], ports: [], processingTimeMs: 0 };

function queueOf(
  source: Batches,
  options: {
    start?: () => Promise<IntakeWorker>;
    atOnce?: boolean;
    clock?: ManualClock;
    signal?: AbortSignal;
  } = {},
) {
  const reader = new SourceReader({
    id: "in",
    source,
    closesLanes: true,
    positions: [0],
    nowMs: 0,
  });
  /** Numbers of the batches that the state thread took through the steps in front. */
  const here: number[] = [];
  const warnings: string[] = [];
  const intake = (_source: string, { offsets }: RawBatch): BorderRows => {
    here.push(offsets[0]!);
    return nothing;
  };
  const queue = new IntakeQueue({
    poller: new Poller([reader], 10, options.signal ?? new AbortController().signal),
    setup: { plan: {} as never, sources: new Map() },
    start: options.start,
    startsWithWorker: options.atOnce ?? false,
    ownGraph: () => ({ intake }) as unknown as Graph,
    turn,
    placeOf: () => ({ origin: {} as never, lane: 0 }),
    clock: options.clock ?? new ManualClock(0),
    logger: { info() {}, warn: (text) => warnings.push(text), error() {} },
  });
  return { queue, here, warnings };
}

const numberOf = (taken: TakenBatch | undefined): number | undefined => taken?.batch.offsets[0];

describe("The queue before the state", () => {
  it("without a worker gives batch after batch, polled one ahead at most, nothing done before", async () => {
    const source = new Batches(5);
    const { queue, here } = queueOf(source);
    for (let number = 0; number < 5; number += 1) {
      const taken = await queue.next();
      assert.equal(numberOf(taken), number);
      assert.equal(taken?.atBorder, undefined);
      await turn();
      assert.ok(source.polls <= number + 2, `${source.polls} polls`);
    }
    assert.deepEqual(here, []);
    await queue.close();
  });

  it("lets events in between batches that are there at once", async () => {
    const { queue } = queueOf(new Batches(3));
    let heard = false;
    setImmediate(() => {
      heard = true;
    });
    await queue.next();
    assert.ok(heard);
    await queue.close();
  });

  it("gives the worker two, does others itself while it waits, and keeps the order", async () => {
    const worker = new HandWorker();
    const source = new Batches(9);
    const { queue, here } = queueOf(source, { start: async () => worker, atOnce: true });
    const first = queue.next();
    for (let wait = 0; wait < 20; wait += 1) await turn();
    assert.equal(worker.asked.length, 2);
    assert.deepEqual(here, [2, 3], "all that may wait, and no more");
    assert.equal(source.polls, 4);
    worker.answer();
    assert.equal(numberOf(await first), 0);
    worker.answer();
    const rest: (number | undefined)[] = [];
    for (let number = 1; number < 9; number += 1) {
      const next = queue.next();
      for (let wait = 0; wait < 10; wait += 1) {
        await turn();
        worker.answer();
      }
      rest.push(numberOf(await next));
    }
    assert.deepEqual(rest, [1, 2, 3, 4, 5, 6, 7, 8]);
    await queue.close();
    assert.ok(worker.closed);
  });

  it("sends a batch in the buffer of an answered one, unless that was made for a very long one", async () => {
    const worker = new HandWorker();
    const source = new Batches(30);
    source.firstLength = 2_000_000;
    const { queue } = queueOf(source, { start: async () => worker, atOnce: true });
    for (let number = 0; number < 30; number += 1) {
      const next = queue.next();
      for (let wait = 0; wait < 10; wait += 1) await turn();
      worker.answer();
      (await next)?.release();
    }
    const [long, ...others] = worker.asked.map(({ batch }) => batch.buffer);
    assert.ok(long !== undefined && long.byteLength >= 2_000_000);
    assert.ok(others.length > 12, `${others.length} batches`);
    // Those of waiting batches, and of the one that is processed.
    assert.ok(new Set(others).size <= waitingMax + 1, `${new Set(others).size} buffers`);
    assert.ok(!others.includes(long));
    await queue.close();
  });

  it("starts a worker once half a second has passed without a pause", async () => {
    let started = 0;
    let asked = 0;
    const clock = new ManualClock(0);
    const start = async (): Promise<IntakeWorker> => {
      started += 1;
      const intake = async (): Promise<IntakeReply> => {
        asked += 1;
        return { ...noReply, buffer: new ArrayBuffer(0) };
      };
      return { intake, close: async () => {} };
    };
    const { queue } = queueOf(new Batches(200), { start, clock });
    for (let at = 0; at < 500; at += 20) {
      await queue.next();
      clock.advance(20);
      assert.equal(started, 0, `at ${at} ms`);
    }
    await queue.next();
    assert.equal(started, 1);
    for (let number = 0; number < 5; number += 1) await queue.next();
    assert.ok(asked > 0);
    await queue.close();
  });

  it("starts none while the sources make it wait now and then", async () => {
    const clock = new ManualClock(0);
    let polls = 0;
    const source = new Batches(200, async () => {
      polls += 1;
      await turn();
      // Each tenth batch comes after a pause.
      if (polls % 10 === 0) clock.advance(5);
    });
    const start = async (): Promise<IntakeWorker> => assert.fail("it keeps up");
    const { queue, warnings } = queueOf(source, { start, clock });
    for (let number = 0; number < 150; number += 1) {
      await queue.next();
      clock.advance(20);
    }
    assert.deepEqual(warnings, []);
    await queue.close();
  });

  it("starts none for one slow commit, nor for a clock that was set back", async () => {
    const clock = new ManualClock(0);
    const start = async (): Promise<IntakeWorker> => assert.fail("it keeps up");
    const { queue, warnings } = queueOf(new Batches(200), { start, clock });
    for (let number = 0; number < 10; number += 1) await queue.next();
    clock.advance(600);
    await queue.next();
    clock.advance(-10_000);
    for (let number = 0; number < 20; number += 1) {
      await queue.next();
      clock.advance(20);
    }
    assert.deepEqual(warnings, []);
    await queue.close();
  });

  it("goes on alone, and says so, where no worker can be started", async () => {
    const start = (): Promise<IntakeWorker> => Promise.reject(new Error("no threads left"));
    const { queue, warnings } = queueOf(new Batches(3), { start, atOnce: true });
    for (const number of [0, 1, 2]) assert.equal(numberOf(await queue.next()), number);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /no threads left/);
    await queue.close();
  });

  it("fails with the worker, and closes after it", async () => {
    const worker = new HandWorker();
    const { queue } = queueOf(new Batches(3), { start: async () => worker, atOnce: true });
    const next = queue.next();
    for (let wait = 0; wait < 5; wait += 1) await turn();
    worker.fail("out of memory");
    await assert.rejects(next, /out of memory/);
    await queue.close();
    assert.ok(worker.closed);
  });

  it("gives what is ready before it fails with the worker", async () => {
    const worker = new HandWorker();
    const { queue } = queueOf(new Batches(9), { start: async () => worker, atOnce: true });
    const next = queue.next();
    for (let wait = 0; wait < 5; wait += 1) await turn();
    worker.failSecond("out of memory");
    worker.answer();
    assert.equal(numberOf(await next), 0);
    await assert.rejects(queue.next(), /out of memory/);
    await queue.close();
  });

  it("goes on alone, in order, once the worker cannot take a batch", async () => {
    const worker = new HandWorker();
    const { queue } = queueOf(new Batches(7), { start: async () => worker, atOnce: true });
    const first = queue.next();
    for (let wait = 0; wait < 20; wait += 1) await turn();
    assert.equal(worker.asked.length, 2);
    worker.refuse();
    const taken = [await first];
    for (let number = 1; number < 7; number += 1) taken.push(await queue.next());
    assert.deepEqual(taken.map(numberOf), [0, 1, 2, 3, 4, 5, 6]);
    const done = taken.map((one) => one?.atBorder !== undefined);
    assert.deepEqual(done, [false, false, true, true, false, false, false]);
    assert.equal(worker.asked.length, 2);
    assert.ok(worker.closed);
    await queue.close();
  });

  it("polls nothing and asks nobody once it is closed", async () => {
    const worker = new HandWorker();
    let release = (): void => {};
    let polls = 0;
    const source = new Batches(9, () => {
      polls += 1;
      if (polls < 2) return Promise.resolve();
      return new Promise((resolve) => {
        release = resolve;
      });
    });
    const { queue } = queueOf(source, { start: async () => worker, atOnce: true });
    const next = queue.next();
    next.catch(() => {});
    for (let wait = 0; wait < 5; wait += 1) await turn();
    assert.equal(worker.asked.length, 1);
    assert.equal(polls, 2);
    const closing = queue.close();
    release();
    await closing;
    for (let wait = 0; wait < 5; wait += 1) await turn();
    assert.equal(worker.asked.length, 1);
    assert.equal(polls, 2);
  });

  it("does not poll on and on for the worker once polling was stopped", async () => {
    const worker = new HandWorker();
    const stop = new AbortController();
    let polls = 0;
    class Stopping extends Batches {
      override async poll(): Promise<RawBatch | undefined> {
        polls += 1;
        if (polls > 10) throw new Error("it polls on and on");
        if (polls === 1) return super.poll();
        stop.abort();
        // As sources do that were stopped.
        return undefined;
      }
    }
    const { queue } = queueOf(new Stopping(9), {
      start: async () => worker,
      atOnce: true,
      signal: stop.signal,
    });
    assert.equal(await queue.next(), undefined);
    assert.equal(worker.asked.length, 1);
    await queue.close();
  });

  it("fails with a poll, with a worker as without", async () => {
    for (const atOnce of [false, true]) {
      const source = new Batches(3, () => Promise.reject(new Error("the disk is gone")));
      const start = async (): Promise<IntakeWorker> => new HandWorker();
      const { queue } = queueOf(source, { start, atOnce });
      await assert.rejects(queue.next(), /the disk is gone/);
      await assert.rejects(queue.next(), /the disk is gone/, "again: it stays failed");
      await queue.close();
    }
  });
});
