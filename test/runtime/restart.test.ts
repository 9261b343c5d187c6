import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { describe, it } from "node:test";
import type { MemoryOutput } from "../../engine/connectors/memory/memory-sink.ts";
import { MemoryInput } from "../../engine/connectors/memory/memory-source.ts";
import { TopicReader } from "../../engine/connectors/embedded/topic-reader.ts";
import { TopicWriter } from "../../engine/connectors/embedded/topic-writer.ts";
import type { FailpointName, Failpoints } from "../../engine/core/failpoints.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";
import { ManualClock } from "../../engine/testing/manual-clock.ts";
import { TestDriver } from "../../engine/testing/test-driver.ts";
import { compileText } from "../jobs/compile.ts";
import { temporaryDirectory } from "../state/state-fixtures.ts";

/** An I/O error at one place, as long as `at` names it. */
class FailingPlace implements Failpoints {
  at: FailpointName | undefined;

  async hit(name: FailpointName): Promise<void> {
    if (name === this.at) throw Object.assign(new Error("EIO"), { code: "EIO" });
  }
}

class Bench {
  readonly directory: string;
  readonly place = new FailingPlace();
  readonly outputs = new Map<string, MemoryOutput>();
  readonly #driver: TestDriver;

  constructor(context: TestContext, inputs: ReadonlyMap<string, MemoryInput> = new Map()) {
    this.directory = temporaryDirectory(context);
    const { directory, outputs, place } = this;
    this.#driver = new TestDriver({ directory, inputs, outputs, failpoints: place });
  }

  async run(text: string): Promise<void> {
    await this.#driver.run(compileText(text, this.#driver.catalog));
  }

  get #topics() {
    const directory = join(this.directory, "topics");
    return { directory, files: nodeFiles, clock: new ManualClock(0) };
  }

  async produce(topic: string, ...values: readonly string[]): Promise<void> {
    const writer = new TopicWriter(this.#topics, topic, {
      failpoints: noFailpoints,
      partitions: 1,
    });
    await writer.append(
      values.map((value) => ({ key: null, value: Buffer.from(value), timestampMs: 0 })),
    );
    await writer.close();
  }

  async consume(topic: string): Promise<readonly string[]> {
    const reader = new TopicReader(this.#topics, topic);
    await reader.open("beginning");
    const values: string[] = [];
    const signal = new AbortController().signal;
    for await (const records of reader.records({ follow: false }, signal)) {
      for (const { value } of records) values.push(String(value));
    }
    await reader.close();
    return values;
  }

  /** Every file with its bytes, but Level's: opening it writes its own files anew. */
  contents(): Readonly<Record<string, string>> {
    const names = readdirSync(this.directory, { recursive: true, encoding: "utf8" });
    return Object.fromEntries(
      names
        .filter((name) => !/(?:log|lock|\.mutex)/.test(name))
        .filter((name) => statSync(join(this.directory, name)).isFile())
        .toSorted()
        .map((name) => [name, readFileSync(join(this.directory, name), "latin1")]),
    );
  }
}

const copyTopic = `
version: 1
name: copy
kafka: { bootstrap_servers: embedded }
sources:
  orders: { type: kafka, topic: orders, start: latest }
steps:
  - { id: all, type: filter, where: "true" }
sinks:
  copies: { type: kafka, topic: copies, input: all }
discard: [orders.rejected, all.failed, all.dropped, sinks.copies.rejected]
`;

const toTopicAndFile = `
version: 1
name: twofold
kafka: { bootstrap_servers: embedded }
sources:
  orders: { type: memory, name: orders }
sinks:
  copies: { type: kafka, topic: copies, input: orders }
  lines: { type: memory, name: lines, input: orders }
discard: [orders.rejected, sinks.copies.rejected, sinks.lines.rejected]
`;

describe("Another start", () => {
  it("reads on from the `latest` of the first one, though nothing was committed then", async (context) => {
    const bench = new Bench(context);
    await bench.produce("orders", '{"n":1}');
    // Nothing has come by its end, so nothing is committed.
    await bench.run(copyTopic);
    await bench.produce("orders", '{"n":2}');
    await bench.run(copyTopic);
    assert.deepEqual(await bench.consume("copies"), ['{"n":2}']);
  });

  it("touches nothing if the outbox is damaged that nobody has got yet", async (context) => {
    const bench = new Bench(context, new Map([["orders", MemoryInput.of(['{"n":1}', '{"n":2}'])]]));
    bench.place.at = "embedded.append.before";
    await assert.rejects(bench.run(toTopicAndFile), { exit: 5 });
    bench.place.at = undefined;
    const outbox = join(bench.directory, "state/outbox/1.embedded");
    const whole = readFileSync(outbox);
    writeFileSync(outbox, whole.subarray(0, -1));
    const lines = bench.outputs.get("lines");
    lines?.append('{"n":"of an epoch that was given up"}');
    const before = { files: bench.contents(), lines: lines?.lines };
    await assert.rejects(bench.run(toTopicAndFile), { code: "STATE_CORRUPT", exit: 6 });
    assert.deepEqual({ files: bench.contents(), lines: lines?.lines }, before);
    writeFileSync(outbox, whole);
    await bench.run(toTopicAndFile);
    assert.deepEqual(await bench.consume("copies"), ['{"n":1}', '{"n":2}']);
    assert.deepEqual(lines?.lines, ['{"n":1}', '{"n":2}']);
  });
});
