import { join } from "node:path";
import type { CommitContent, CommitRecord } from "../../engine/checkpoint/commit-record.ts";
import { genesisHash } from "../../engine/checkpoint/commit-record.ts";
import type { DeliveryMark } from "../../engine/checkpoint/delivery.ts";
import { stateFormatVersion } from "../../engine/checkpoint/identity.ts";
import type { Identity } from "../../engine/checkpoint/identity.ts";
import {
  OutboxFile,
  OutboxWriter,
  outboxBlocks,
  outboxPath,
} from "../../engine/checkpoint/outbox.ts";
import { decideRecovery } from "../../engine/checkpoint/recovery.ts";
import { StateDirectory } from "../../engine/checkpoint/state-directory.ts";
import { FileSink } from "../../engine/connectors/file/file-sink.ts";
import { replaceFile } from "../../engine/core/durable-file.ts";
import { EngineError } from "../../engine/core/errors.ts";
import type { Failpoints } from "../../engine/core/failpoints.ts";
import type { FileSystem } from "../../engine/core/file-system.ts";
import { StateBackend } from "../../engine/state/state-backend.ts";
import { dedupeLayout, hashSeed, jsonCodec, windowsLayout } from "../state/state-fixtures.ts";

/**
 * A run in small: numbers go through a dedupe and a count per window into a file and into a target that is fed from the
 * outbox. Everything durable is the product's own; only the loop around it is not.
 */
export interface SmallRunOptions {
  readonly directory: string;
  readonly files: FileSystem;
  readonly failpoints: Failpoints;
  readonly records: number;
  readonly incarnation: string;
  /** Called between batches. */
  readonly onBatch?: () => Promise<void>;
}

const epochRecords = 700;
const batchRecords = 100;
const ttlMs = 4000;
const target = "far";
const topics = ["numbers"];
const layouts = [dedupeLayout, windowsLayout];

/** The key of record `i`: every fifth one repeats a key of up to some thousand records before. */
function keyOf(i: number): string {
  return `key-${i % 5 === 3 ? Math.max(0, i - ((i * 7919) % 6000)) : i}`;
}

/** A delivery target in a folder: data file, and a mark with its valid length, replaced atomically. */
class FolderTarget {
  readonly #files: FileSystem;
  readonly #data: string;
  readonly #mark: string;

  constructor(files: FileSystem, directory: string) {
    this.#files = files;
    this.#data = join(directory, "target.txt");
    this.#mark = join(directory, "target.mark");
  }

  async inspect(): Promise<(DeliveryMark & { length: number }) | undefined> {
    const bytes = await this.#files.readFile(this.#mark);
    return bytes === undefined
      ? undefined
      : (JSON.parse(bytes.toString("utf8")) as DeliveryMark & { length: number });
  }

  /** The mark of a session that has not delivered yet. */
  async begin(mark: DeliveryMark): Promise<void> {
    if ((await this.inspect()) !== undefined) return;
    await replaceFile(this.#files, this.#mark, Buffer.from(JSON.stringify({ ...mark, length: 0 })));
  }

  async deliver(outbox: OutboxFile, mark: DeliveryMark): Promise<void> {
    let length = (await this.inspect())?.length ?? 0;
    const file = await this.#files.open(this.#data, "readwrite");
    try {
      await file.truncate(length);
      for await (const batch of outbox.batches()) {
        const text = batch.map(
          ({ key, value }) => `${key?.toString("utf8")} ${value.toString("utf8")}\n`,
        );
        const bytes = Buffer.from(text.join(""));
        await file.write(bytes, length);
        length += bytes.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await replaceFile(this.#files, this.#mark, Buffer.from(JSON.stringify({ ...mark, length })));
  }
}

export async function smallRun(options: SmallRunOptions): Promise<void> {
  const { files, failpoints } = options;
  const state = await StateDirectory.open({
    files,
    failpoints,
    path: join(options.directory, "state"),
    owner: { pid: process.pid, host: "test", bootId: "boot", job: "small" },
  });
  const sink = new FileSink(join(options.directory, "out.txt"), {
    files,
    failpoints,
    baseDirectory: options.directory,
  });
  try {
    await run(options, state, sink);
  } finally {
    await sink.close().catch(() => undefined);
    await state.close();
  }
}

async function run(options: SmallRunOptions, state: StateDirectory, sink: FileSink): Promise<void> {
  const { files, failpoints, incarnation } = options;
  const outputPath = join(options.directory, "out.txt");
  const far = new FolderTarget(files, options.directory);
  const newest = state.newest;
  const outboxOf = (record: CommitRecord): OutboxFile =>
    new OutboxFile(
      files,
      outboxPath(state.path, record.epoch, target),
      record.outboxes[target] ?? { records: 0, bytes: 0, digest: "", topics },
      topics,
    );

  const damaged: string[] = [];
  if (newest !== undefined) {
    await outboxOf(newest)
      .verify()
      .catch(() => damaged.push(target));
  }
  const decision = decideRecovery({
    job: "small",
    identity: state.identity,
    head: state.head,
    commit: newest,
    files: { out: { path: outputPath, ...(await sink.inspect()) } },
    targets: { [target]: await far.inspect() },
    damagedOutboxes: damaged,
    overwrite: false,
  });
  if (decision.kind === "refuse") {
    throw new EngineError(decision.code, decision.message, { hint: decision.hint });
  }

  const identity: Identity = {
    formatVersion: stateFormatVersion,
    job: "small",
    layout: null,
    outputs: { out: outputPath },
    startPositions: { numbers: [0] },
    hashSeed: state.identity?.hashSeed ?? hashSeed,
    incarnations: [...(state.identity?.incarnations ?? []), incarnation],
  };
  if (state.identity === undefined) await state.create(identity);
  else await state.updateIdentity(identity);
  const backend = await StateBackend.open({
    log: state.log,
    layouts,
    committed: newest?.states,
    hashSeed: identity.hashSeed,
    reset: [],
  });
  const keys = backend.stepState("dedupe").timedKeySet("keys", { ttlMs, granularityMs: 100 });
  const windows = backend.stepState("by_region").windowStore("windows", jsonCodec);
  await state.settle(null);
  await state.removeOutboxes(decision.epoch, true);
  const markOf = (record: CommitRecord | undefined): DeliveryMark => ({
    job: "small",
    incarnation,
    epoch: record?.epoch ?? 0,
    hash: record?.hash ?? genesisHash,
  });
  await sink.open(decision.lengths["out"] ?? 0);
  if (decision.publish.includes("out")) {
    await sink.publish(markOf(newest), decision.lengths["out"] ?? 0);
  }
  await far.begin(markOf(undefined));
  if (newest !== undefined && decision.deliver.includes(target)) {
    await far.deliver(outboxOf(newest), markOf(newest));
  }

  const newOutbox = (): OutboxWriter =>
    new OutboxWriter({
      files,
      failpoints,
      directory: state.path,
      epoch: (state.newest?.epoch ?? 0) + 1,
      target,
      topics,
      blocks,
    });
  const blocks = outboxBlocks();
  let outbox = newOutbox();
  let position = Number(newest?.positions["numbers"]?.[0] ?? 0);
  let delivered: Promise<void> = Promise.resolve();
  try {
    while (position < options.records) {
      await options.onBatch?.();
      const lines: string[] = [];
      const end = Math.min(position + batchRecords, options.records);
      for (; position < end; position++) {
        const key = keyOf(position);
        const startMs = Math.floor(position / 1000) * 1000;
        const count = windows.get(startMs, "all") ?? 0;
        windows.put(startMs, "all", Number(count) + 1);
        if (startMs >= 3000) fire(windows, startMs - 3000, lines);
        const firstMs = keys.get(key);
        if (firstMs !== undefined) continue;
        keys.put(key, Math.ceil(position / 100) * 100);
        keys.expire(position);
        lines.push(`${key} ${position}`);
        outbox.append(0, position % 4, key, String(position), position);
      }
      for (const line of lines) sink.append(line);
      await Promise.all([sink.room(), outbox.room(), backend.settle()]);
      if (position % epochRecords !== 0 && position < options.records) continue;

      const epoch = (state.newest?.epoch ?? 0) + 1;
      const [output, facts, states] = await Promise.all([
        sink.flush(),
        outbox.close(),
        backend.prepareCommit(epoch),
      ]);
      await delivered;
      const content: CommitContent = {
        positions: { numbers: [position] },
        clocks: {},
        states,
        files: { out: { path: outputPath, ...output } },
        outboxes: { [target]: { ...facts, since: 1 } },
        layoutHash: "",
        counters: null,
        finished: position >= options.records,
      };
      const record = await state.commit(content, { keys: keys.size });
      outbox = newOutbox();
      // Publishing and delivering go on while the next epoch is under way.
      delivered = Promise.all([
        sink.publish(markOf(record), output.length),
        far.deliver(outboxOf(record), markOf(record)),
        backend.committed(),
      ]).then(() => state.removeOutboxes(record.epoch, false));
      delivered.catch(() => undefined);
    }
    await delivered;
  } finally {
    await delivered.catch(() => undefined);
    await outbox.abandon();
  }
}

function fire(
  windows: ReturnType<ReturnType<StateBackend["stepState"]>["windowStore"]>,
  startMs: number,
  lines: string[],
): void {
  for (const [key, count] of windows.entries(startMs))
    lines.push(`window ${startMs} ${key} ${Number(count)}`);
  windows.remove(startMs);
}

/** What a run shows to the world, and what it would go on from. */
export async function visible(
  files: FileSystem,
  directory: string,
): Promise<{ file: string; target: string }> {
  const read = async (name: string, markName: string): Promise<string> => {
    const mark = await files.readFile(join(directory, markName));
    const { length } =
      mark === undefined
        ? { length: 0 }
        : (JSON.parse(mark.toString("utf8")) as { length: number });
    const bytes = (await files.readFile(join(directory, name))) ?? Buffer.alloc(0);
    return bytes.subarray(0, length).toString("utf8");
  };
  return {
    file: await read("out.txt", "out.txt.committed"),
    target: await read("target.txt", "target.mark"),
  };
}
