import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Source } from "../../engine/connectors/connector.ts";
import type { RawBatch } from "../../engine/core/record.ts";
import { Poller, SourceReader } from "../../engine/runtime/source-reader.ts";

/** A source whose polls the test answers one by one. */
class HandSource implements Source {
  readonly name = "hand";
  readonly partitions = 1;
  polls = 0;
  #answer: { resolve(batch: RawBatch | undefined): void; reject(error: Error): void } | undefined;

  async resolveStart(): Promise<readonly number[]> {
    return [0];
  }

  async open(): Promise<void> {}

  poll(): Promise<RawBatch | undefined> {
    this.polls += 1;
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
    });
  }

  answer(batch: RawBatch | undefined): void {
    this.#answer?.resolve(batch);
  }

  fail(message: string): void {
    this.#answer?.reject(new Error(message));
  }

  lag(): undefined {
    return undefined;
  }

  async close(): Promise<void> {}
}

function batch(resumeAt: number, ended = false): RawBatch {
  const bytes = Buffer.from("{}");
  return { partition: 0, bytes, starts: [0], ends: [2], offsets: [resumeAt - 1], resumeAt, ended };
}

function pollerOf(...ids: readonly string[]) {
  const sources = ids.map(() => new HandSource());
  const readers = sources.map(
    (source, index) =>
      new SourceReader({ id: ids[index]!, source, closesLanes: true, positions: [0], nowMs: 0 }),
  );
  return { sources, readers, poller: new Poller(readers, 10, new AbortController().signal) };
}

/** Lets everything that is ready run. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

it("A partition is not idle while a batch of it waits to be processed", async () => {
  const { sources, readers, poller } = pollerOf("a");
  const [reader] = readers;
  const next = poller.next();
  sources[0]?.answer(batch(1));
  const polled = await next;
  assert.equal(reader?.isProcessed(0), false);
  reader.processed(polled!.batch, 0);
  assert.equal(reader.isProcessed(0), true);
});

describe("The poller", () => {
  it("keeps a batch that came while another source's was processed", async () => {
    const { sources, poller } = pollerOf("a", "b");
    const first = poller.next();
    sources[0]!.answer(batch(1));
    assert.equal((await first)?.reader.id, "a");
    sources[1]!.answer(batch(1));
    await turn();
    const second = await poller.next();
    assert.equal(second?.reader.id, "b");
    assert.equal(second.batch.resumeAt, 1);
    assert.equal(sources[1]!.polls, 1);
  });

  it("lets sources take turns where several are ready", async () => {
    const { sources, poller } = pollerOf("a", "b");
    const seen: (string | undefined)[] = [];
    for (let round = 1; round <= 4; round += 1) {
      const next = poller.next();
      for (const source of sources) source.answer(batch(round));
      await turn();
      seen.push((await next)?.reader.id);
    }
    assert.deepEqual(seen, ["a", "b", "a", "b"]);
  });

  it("reports a failure that happened while another source's batch was processed", async () => {
    const { sources, poller } = pollerOf("a", "b");
    const first = poller.next();
    sources[0]!.answer(batch(1));
    await first;
    sources[1]!.fail("the disk is gone");
    await turn();
    await assert.rejects(poller.next(), /the disk is gone/);
  });

  it("asks a source that has ended no more", async () => {
    const { sources, readers, poller } = pollerOf("a", "b");
    const first = poller.next();
    sources[0]!.answer(batch(1, true));
    const polled = await first;
    readers[0]!.processed(polled!.batch, 5);
    assert.equal(readers[0]!.ended, true);
    const second = poller.next();
    sources[1]!.answer(undefined);
    assert.equal(await second, undefined);
    assert.deepEqual(
      sources.map(({ polls }) => polls),
      [1, 1],
    );
  });

  it("settles with polls under way whose batches nobody processes", async () => {
    const { sources, readers, poller } = pollerOf("a", "b");
    const first = poller.next();
    sources[0]!.answer(batch(1));
    await first;
    const settled = poller.settle();
    sources[1]!.fail("aborted");
    await settled;
    assert.deepEqual(
      readers.map(({ positions }) => positions),
      [[0], [0]],
    );
  });
});
