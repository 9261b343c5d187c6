import { resolve } from "node:path";
import { genesisHash } from "../checkpoint/commit-record.ts";
import type { CommitRecord } from "../checkpoint/commit-record.ts";
import { OutboxFile, outboxPath } from "../checkpoint/outbox.ts";
import { stateFormatVersion } from "../checkpoint/identity.ts";
import type { Identity } from "../checkpoint/identity.ts";
import { committedFile, decideRecovery } from "../checkpoint/recovery.ts";
import type { FileFacts, Recover } from "../checkpoint/recovery.ts";
import type { StateDirectory } from "../checkpoint/state-directory.ts";
import type { PositionedSink, PositionedSinkFacts } from "../connectors/connector.ts";
import { EngineError } from "../core/errors.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { DeliveryMark } from "../checkpoint/delivery.ts";
import type { Plan } from "../plan/plan.ts";
import { StateBackend } from "../state/state-backend.ts";
import type { Connections, TargetConnection } from "./connections.ts";
import { checkOutputFiles } from "./output-files.ts";
import type { RunOptions, RunPorts } from "./run.ts";

export interface Recovered {
  readonly incarnation: string;
  readonly backend: StateBackend;
  /** Where each source resumes, by partition. */
  readonly positions: Readonly<Record<string, readonly JsonValue[]>>;
  /** Partitions of each topic, by target, in the order of its topics. */
  readonly partitions: ReadonlyMap<string, readonly number[]>;
}

/**
 * Brings a state directory, its sources and its sinks to one point: gathers all facts, decides, and only then acts
 * (design.md section 2, step 4). Throws EngineError with nothing changed if they do not go together.
 */
export async function recover(
  plan: Plan,
  directory: StateDirectory,
  connections: Connections,
  options: RunOptions,
  ports: RunPorts,
): Promise<Recovered> {
  const { identity, newest } = directory;
  const decision = await decide(plan, directory, connections, options, ports);
  const startPositions = await resolveStarts(connections, identity);
  const positions: Record<string, readonly JsonValue[]> = {};
  for (const [id, { source }] of connections.sources) {
    const known = newest?.positions[id] ?? startPositions[id] ?? [];
    positions[id] = (await source.open(known, { untilEnd: options.untilEnd })) ?? known;
  }
  const incarnation = ports.newIncarnation();
  const next: Identity = {
    formatVersion: stateFormatVersion,
    job: plan.job,
    layout: plan.stateLayout as unknown as JsonValue,
    outputs: Object.fromEntries([...connections.files].map(([id, sink]) => [id, sink.name])),
    startPositions: { ...identity?.startPositions, ...startPositions },
    hashSeed: identity?.hashSeed ?? ports.newHashSeed(),
    incarnations: [...(identity?.incarnations ?? []), incarnation],
  };
  if (identity === undefined) await directory.create(next);
  const backend = await StateBackend.open({
    log: directory.log,
    layouts: plan.stateLayout,
    committed: newest?.states,
    hashSeed: next.hashSeed,
    reset: options.reset,
  });
  if (identity !== undefined) await directory.updateIdentity(next);
  await directory.settle(summaryOf(newest));
  await cutFiles(connections, decision, newest, ports);
  await checkOutputFiles(connections, options.jobPaths, ports.files);
  const partitions = await readyTargets(plan, directory, connections, decision, incarnation, ports);
  const { epoch, hash } = newest ?? { epoch: 0, hash: genesisHash };
  for (const id of decision.publish) {
    const mark: DeliveryMark = { job: plan.job, incarnation, epoch, hash };
    await connections.files.get(id)?.publish(mark, decision.lengths[id] ?? 0);
  }
  await directory.removeOutboxes(decision.epoch, true);
  return { incarnation, backend, positions, partitions };
}

/** Only what was there before this start: nothing has been changed yet. */
async function decide(
  plan: Plan,
  directory: StateDirectory,
  connections: Connections,
  { overwrite, jobPaths }: RunOptions,
  { files: fileSystem, host }: RunPorts,
): Promise<Recover> {
  const { newest } = directory;
  await checkOutputFiles(connections, jobPaths, fileSystem);
  const files: Record<string, FileFacts> = {};
  for (const [id, sink] of connections.files) {
    const found = await sink.inspect();
    const committed = committedFile(newest, id, sink.name);
    const changed = await isChanged(sink, found, committed, newest?.bootId, host.bootId);
    const before =
      committed && (await fileSystem.stat(resolve(plan.baseDirectory, committed.path)));
    const isLeftBehind = before !== undefined && before.size >= (committed?.length ?? 0);
    files[id] = { path: sink.name, ...found, changed, isLeftBehind };
  }
  const targets: Record<string, DeliveryMark | undefined> = {};
  const damagedOutboxes: string[] = [];
  for (const [id, { target }] of connections.targets) {
    const mark = await target.inspect(plan.job);
    targets[id] = mark;
    if (newest === undefined || mark?.epoch === newest.epoch) continue;
    const facts = newest.outboxes[id];
    if (facts === undefined) continue;
    const path = outboxPath(directory.path, newest.epoch, id);
    if (await isDamaged(new OutboxFile(fileSystem, path, facts, facts.topics))) {
      damagedOutboxes.push(id);
    }
  }
  const decision = decideRecovery({
    job: plan.job,
    identity: directory.identity,
    head: directory.head,
    commit: newest,
    files,
    targets,
    damagedOutboxes,
    overwrite,
  });
  if (decision.kind === "refuse") {
    throw new EngineError(decision.code, decision.message, { hint: decision.hint });
  }
  return decision;
}

/**
 * Reads the last of what was committed, but only where it can have been lost without a trace: after another boot of the machine.
 * Everything else that a disk can lose has checksums or counts that are looked at in any case.
 */
async function isChanged(
  sink: PositionedSink,
  found: PositionedSinkFacts,
  committed: CommitRecord["files"][string] | undefined,
  bootOfCommit: string | undefined,
  bootNow: string,
): Promise<boolean> {
  if (committed?.tail === undefined || (found.length ?? 0) < committed.length) return false;
  if (bootNow !== "" && bootNow === bootOfCommit) return false;
  return !(await sink.holds(committed.tail));
}

async function isDamaged(outbox: OutboxFile): Promise<boolean> {
  try {
    await outbox.verify();
    return false;
  } catch (error) {
    if (error instanceof EngineError && error.code === "STATE_CORRUPT") return true;
    throw error;
  }
}

/** Sources that this state directory has seen keep the start they were given then. */
async function resolveStarts(
  connections: Connections,
  identity: Identity | undefined,
): Promise<Record<string, readonly JsonValue[]>> {
  const starts: Record<string, readonly JsonValue[]> = {};
  for (const [id, { source }] of connections.sources) {
    starts[id] = identity?.startPositions[id] ?? (await source.resolveStart());
  }
  return starts;
}

async function cutFiles(
  connections: Connections,
  decision: Recover,
  newest: CommitRecord | undefined,
  { failpoints, logger }: RunPorts,
): Promise<void> {
  await failpoints.hit("recover.truncate.before");
  for (const [id, sink] of connections.files) {
    const length = decision.lengths[id] ?? 0;
    const committed = committedFile(newest, id, sink.name);
    if (committed !== undefined && committed.path !== sink.name && length === 0) {
      logger.warn(
        `sink ${id} goes on in ${sink.name}; what it wrote before stays in ${committed.path}`,
      );
    }
    await sink.open(length, committed?.length === length ? committed.tail : undefined);
  }
  await failpoints.hit("recover.truncate.after");
}

async function readyTargets(
  plan: Plan,
  directory: StateDirectory,
  connections: Connections,
  decision: Recover,
  incarnation: string,
  { files, failpoints }: RunPorts,
): Promise<Map<string, readonly number[]>> {
  const { newest } = directory;
  const partitions = new Map<string, readonly number[]>();
  for (const [id, connection] of connections.targets) {
    const { target } = connection;
    const pending = decision.deliver.includes(id) ? newest?.outboxes[id] : undefined;
    const topics = topicsOf(connection, pending?.topics ?? []);
    partitions.set(id, await target.prepare(topics));
    await target.begin(plan.job, incarnation, newest?.epoch ?? 0);
    if (newest === undefined || pending === undefined) continue;
    await failpoints.hit("recover.deliver.before");
    const path = outboxPath(directory.path, newest.epoch, id);
    const outbox = new OutboxFile(files, path, pending, topics);
    await target.deliver(outbox, directory.permit(plan.job, incarnation));
    await failpoints.hit("recover.deliver.after");
  }
  return partitions;
}

/** The job's topics keep their numbers; topics that only a pending outbox knows stand behind them. */
function topicsOf(connection: TargetConnection, pending: readonly string[]): readonly string[] {
  return [...new Set([...connection.topics, ...pending])];
}

function summaryOf(newest: CommitRecord | undefined): JsonObject {
  return newest === undefined ? {} : { clocks: newest.clocks };
}
