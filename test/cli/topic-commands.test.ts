import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { BatchEncoder } from "../../engine/connectors/kafka/batch-encoder.ts";
import { FakeKafka } from "../../engine/testing/fake-kafka/fake-kafka.ts";
import { machineClock } from "../connectors/embedded-fixtures.ts";
import { JobFolder, followingJob, lines } from "./job-folder.ts";

const partitions = 2;

async function onCluster(context: TestContext): Promise<{ kafka: FakeKafka; folder: JobFolder }> {
  const kafka = await FakeKafka.start({ clock: machineClock });
  context.after(() => kafka.close());
  for (const topic of ["numbers", "evens", "dead"]) kafka.topics.create(topic, partitions, {});
  const block = `bootstrap_servers: "${kafka.bootstrap}"`;
  const job = followingJob.replace("bootstrap_servers: embedded", block);
  return { kafka, folder: new JobFolder(context, job) };
}

async function succeeds(folder: JobFolder, ...args: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await folder.pipeline(...args);
  assert.equal(exit, 0, stderr);
  return stdout;
}

describe("produce, consume and state on a cluster that a job names", () => {
  it("write, run, read, and show how far the job is behind", async (context) => {
    const { kafka, folder } = await onCluster(context);
    const onJob = ["--job", "job.yaml"];
    folder.write("in.jsonl", lines(10));
    const produce = ["produce", "numbers", "--file", "in.jsonl", "--key", "id", ...onJob];
    await succeeds(folder, ...produce, "--headers", "origin=test", "--headers", "empty=");
    await succeeds(folder, "run", "job.yaml", "--until-end");
    const consume = ["consume", "evens", "--from-beginning", "--format", "value", ...onJob];
    const evens = (await succeeds(folder, ...consume)).trim().split("\n");
    assert.deepEqual(
      evens.map((text) => (JSON.parse(text) as { id: number }).id).toSorted((a, b) => a - b),
      [0, 2, 4, 6, 8],
    );
    const shown = ["consume", "numbers", "--from-beginning", "--max", "1", "--headers", ...onJob];
    const record = JSON.parse(await succeeds(folder, ...shown, "--format", "json")) as object;
    assert.deepEqual((record as { headers: unknown }).headers, [
      ["origin", "test"],
      ["empty", ""],
    ]);
    assert.match(await succeeds(folder, ...shown), / \[origin=test,empty=\] \d /);
    assert.equal(kafka.groupOffsets("follow").size, partitions);

    folder.write("more.jsonl", lines(4, 100));
    await succeeds(folder, "produce", "numbers", "--file", "more.jsonl", ...onJob);
    const text = await succeeds(folder, "state", "job.yaml");
    assert.match(text, /position {3}numbers\/0 \d+ of \d+ offsets, 2 behind/);
    const { lags } = JSON.parse(
      await succeeds(folder, "state", "job.yaml", "--format", "json"),
    ) as {
      lags: { numbers: { readTo: number; end: number }[] };
    };
    assert.equal(
      lags.numbers.reduce((sum, { readTo, end }) => sum + end - readTo, 0),
      4,
    );
    await kafka.close();
    assert.match(await succeeds(folder, "state", "job.yaml"), /lag {8}numbers: not known: 127/);
  });

  it("consume shows what a transaction may take back only if it is asked to", async (context) => {
    const { kafka, folder } = await onCluster(context);
    const encoder = new BatchEncoder();
    encoder.append({ key: null, value: Buffer.from("open"), timestampMs: 1 });
    const producer = { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true };
    kafka.log("numbers").produce(encoder.finish(producer));
    const consume = ["consume", "numbers", "--from-beginning", "--job", "job.yaml"];
    assert.equal(await succeeds(folder, ...consume), "");
    const all = await succeeds(folder, ...consume, "--isolation", "read_uncommitted");
    assert.match(all, /^0:0 .* open\n$/);
  });

  it("a job that is not valid, and a topic that is not there, are said to be so", async (context) => {
    const { folder } = await onCluster(context);
    const missing = await folder.pipeline("consume", "nothing", "--job", "job.yaml");
    assert.equal(missing.exit, 5, missing.stderr);
    assert.match(missing.stderr, /TOPIC_MISSING topic nothing does not exist at 127/);
    folder.write("bad.yaml", followingJob.replace("where:", "were:"));
    const invalid = await folder.pipeline("consume", "numbers", "--job", "bad.yaml");
    assert.equal(invalid.exit, 3, invalid.stderr);
    assert.match(invalid.stderr, /pipeline validate bad\.yaml/);
  });
});

describe("produce and consume on embedded topics", () => {
  it("keep bytes that are no text, and leave out blank lines", async (context) => {
    const folder = new JobFolder(context);
    const values = ["ascii", "\u00e9", ""].map((text) => Buffer.from(text));
    values[2] = Buffer.from([0xff, 0xfe, 0x22]);
    const separators = ["\n", "\r\n\n \t\n", ""].map((text) => Buffer.from(text));
    folder.write(
      "in.bin",
      Buffer.concat(values.flatMap((value, index) => [value, separators[index] ?? value])),
    );
    assert.match(await succeeds(folder, "produce", "raw", "--file", "in.bin"), /^3 records/);
    const json = await succeeds(folder, "consume", "raw", "--from-beginning", "--format", "json");
    const found = json
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as { value: string; encoding?: BufferEncoding })
      .map(({ value, encoding }) => Buffer.from(value, encoding ?? "utf8").toString("hex"));
    assert.deepEqual(found.toSorted(), values.map((value) => value.toString("hex")).toSorted());
  });

  it("produce says how many records have no key, and in which line a separator is missing", async (context) => {
    const folder = new JobFolder(context);
    folder.write("in.jsonl", '{"id":"a"}\n\nbad\n{"id":null}\n{"x":1}\n{"id":7}\n');
    const onFile = ["produce", "raw", "--file", "in.jsonl"];
    const { exit, stderr } = await folder.pipeline(...onFile, "--key", "id");
    assert.equal(exit, 0, stderr);
    assert.match(stderr, /3 of them have no key: not a JSON object, or id is missing or null/);
    const json = await succeeds(folder, "consume", "raw", "--from-beginning", "--format", "json");
    const keys = json
      .trim()
      .split("\n")
      .map((text) => String((JSON.parse(text) as { key: unknown }).key));
    assert.deepEqual(keys.toSorted(), ["7", "a", "null", "null", "null"]);

    folder.write("in.jsonl", "a|b\n\nc\n");
    const refused = await folder.pipeline(...onFile, "--key-separator", "|");
    assert.equal(refused.exit, 2);
    assert.match(refused.stderr, /in\.jsonl:3: the line has no separator "\|"/);
  });

  it("show a key on its line, whatever is in it", async (context) => {
    const folder = new JobFolder(context);
    const keys = ["plain-é", "two\nlines", "a b", "", "-", "\u001b[31m", "\u2028", "\u{E0067}"];
    folder.write("in.jsonl", keys.map((id) => `${JSON.stringify({ id })}\n`).join(""));
    const onFile = ["produce", "raw", "--file", "in.jsonl", "--key", "id"];
    const { exit, stderr } = await folder.pipeline(...onFile);
    assert.equal(exit, 0, stderr);
    const shown = await succeeds(folder, "consume", "raw", "--from-beginning");
    assert.deepEqual(
      shown
        .trim()
        .split("\n")
        .map((line) => /^\d:\d+ \S+ (.*) \{/.exec(line)?.[1] ?? line)
        .toSorted((one, other) => (one < other ? -1 : 1)),
      [
        '""',
        '"-"',
        '"\\u001b[31m"',
        '"\\u2028"',
        '"\\udb40\\udc67"',
        '"a b"',
        '"two\\nlines"',
        "plain-é",
      ],
    );
  });

  it("have no headers", async (context) => {
    const folder = new JobFolder(context);
    folder.write("in.jsonl", lines(1));
    const { exit, stderr } = await folder.pipeline(
      ...["produce", "raw", "--file", "in.jsonl", "--headers", "a=b"],
    );
    assert.equal(exit, 2);
    assert.match(stderr, /embedded topics keep no headers/);
  });
});
