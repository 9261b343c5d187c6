import { genesisHash } from "../../checkpoint/commit-record.ts";
import type {
  CommitPermit,
  DeliveryMark,
  DeliveryTarget,
  OutboxReader,
} from "../../checkpoint/delivery.ts";
import { EngineError } from "../../core/errors.ts";
import { EmbeddedTopics } from "./embedded-topics.ts";
import type { TopicRecord } from "./log-appender.ts";
import type { TopicsFolder } from "./topics-folder.ts";
import type { TopicFacts, TopicsState } from "./topics-state.ts";
import type { WriterOptions } from "./topics-writer.ts";
import { TopicsWriter, topicMissing } from "./topics-writer.ts";

/** Delivers the epochs of a job to a folder of topics; the journal's mark of the job makes it safe to repeat. */
export class EmbeddedTarget implements DeliveryTarget {
  readonly id = "embedded";
  readonly #topics: EmbeddedTopics;
  readonly #writer: TopicsWriter;
  readonly #partitions: number;
  #prepared: readonly TopicFacts[] = [];
  #session: { readonly job: string; readonly incarnation: string } | undefined;
  /** What `inspect` found, by job: `begin` makes sure that it still holds. */
  readonly #inspected = new Map<string, DeliveryMark | undefined>();

  /** `partitions`: of topics that are made. */
  constructor(folder: TopicsFolder, partitions: number, options: WriterOptions) {
    this.#topics = new EmbeddedTopics(folder);
    this.#writer = new TopicsWriter(folder, options);
    this.#partitions = partitions;
  }

  async prepare(topics: readonly string[]): Promise<readonly number[]> {
    this.#prepared = await this.#writer.ensureTopics(topics, this.#partitions);
    return this.#prepared.map((topic) => topic.ends.length);
  }

  /** The newest epoch of the job, and the incarnation of the job's newest session, which may not have delivered yet. */
  async inspect(job: string): Promise<DeliveryMark | undefined> {
    await this.#topics.refresh();
    const mark = markOf(this.#topics.state, job);
    this.#inspected.set(job, mark);
    return mark;
  }

  async begin(job: string, incarnation: string): Promise<void> {
    await this.#writer.beginSession(
      job,
      incarnation,
      this.#prepared.map(({ name }) => name),
      (state) => {
        if (!this.#inspected.has(job)) return;
        const before = this.#inspected.get(job);
        const now = markOf(state, job);
        if (now?.incarnation === incarnation) return;
        if (now?.epoch === before?.epoch && now?.incarnation === before?.incarnation) return;
        throw fenced(job, incarnation, now?.incarnation);
      },
    );
    this.#session = { job, incarnation };
  }

  async deliver(outputs: OutboxReader, permit: CommitPermit): Promise<void> {
    const session = this.#session;
    const { mark } = permit;
    if (session?.job !== mark.job) {
      throw new EngineError("INTERNAL", `no session of job ${mark.job} has begun`);
    }
    await this.#writer.append((state) => {
      const topics = this.#prepared.map((prepared) => sameTopic(state, prepared));
      const newest = state.session(session.job);
      if (newest !== session.incarnation) throw fenced(mark.job, session.incarnation, newest);
      return isDelivered(state, mark) ? undefined : toTopics(outputs, topics);
    }, mark);
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#topics.close();
  }
}

function markOf(state: TopicsState, job: string): DeliveryMark | undefined {
  const mark = state.mark(job);
  const incarnation = state.session(job) ?? mark?.incarnation;
  if (incarnation === undefined) return undefined;
  return { job, epoch: mark?.epoch ?? 0, hash: mark?.hash ?? genesisHash, incarnation };
}

function sameTopic(state: TopicsState, prepared: TopicFacts): TopicFacts {
  const topic = state.topic(prepared.name);
  if (topic === undefined) throw topicMissing(prepared.name);
  if (topic.id === prepared.id) return topic;
  throw new EngineError("SINK_DIVERGED", `topic ${topic.name} was deleted and made again`, {
    hint: "Restore the topics folder, or start over with a fresh state directory.",
  });
}

function isDelivered(state: TopicsState, mark: DeliveryMark): boolean {
  const held = state.mark(mark.job);
  if (held === undefined || held.epoch < mark.epoch) return false;
  if (held.epoch === mark.epoch && held.hash === mark.hash) return true;
  throw new EngineError(
    "SINK_DIVERGED",
    `the topics hold epoch ${held.epoch} (${held.hash}) of job ${mark.job}, which does not go with epoch ${mark.epoch} (${mark.hash})`,
    { hint: "The state directory is not the one that wrote these topics." },
  );
}

function fenced(job: string, incarnation: string, newest: string | undefined): EngineError {
  return new EngineError(
    "SINK_FENCED",
    `another session of job ${job} (${newest ?? "unknown"}) has taken over from ${incarnation}`,
    { hint: "Run each job once at a time; the other one goes on." },
  );
}

async function* toTopics(
  outputs: OutboxReader,
  topics: readonly TopicFacts[],
): AsyncGenerator<readonly TopicRecord[]> {
  for await (const records of outputs.batches()) {
    yield records.map(({ topic: index, partition, key, value, timestampMs }) => {
      const topic = topics[index];
      if (topic === undefined) throw new RangeError(`there is no topic number ${index}`);
      return { topic, partition, key, value, timestampMs };
    });
  }
}
