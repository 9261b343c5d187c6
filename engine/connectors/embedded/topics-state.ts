import type { DeliveryMark } from "../../checkpoint/delivery.ts";

/** Where a partition ends: bytes of its log that the journal covers, and the offset of its next record. */
export interface PartitionEnd {
  readonly bytes: number;
  readonly offset: number;
}

export interface TopicFacts {
  readonly name: string;
  /** Differs for a topic that was deleted and made again under the same name. */
  readonly id: string;
  /** Its directory within the folder. */
  readonly directory: string;
  /** One per partition. */
  readonly ends: readonly PartitionEnd[];
}

export interface NewTopic {
  readonly name: string;
  readonly id: string;
  readonly directory: string;
  readonly partitions: number;
}

/** One decision of the folder. `seq` counts them without a gap. */
export type JournalEntry =
  | { readonly seq: number; readonly kind: "snapshot"; readonly snapshot: Snapshot }
  | { readonly seq: number; readonly kind: "topics"; readonly topics: readonly NewTopic[] }
  /** A session of a job begins: from here on older ones are fenced. */
  | {
      readonly seq: number;
      readonly kind: "session";
      readonly job: string;
      readonly incarnation: string;
    }
  | {
      readonly seq: number;
      readonly kind: "records";
      readonly ends: readonly NewEnd[];
      /** Given when the records are an epoch of a job. */
      readonly mark?: DeliveryMark;
    };

export interface NewEnd extends PartitionEnd {
  readonly topic: string;
  readonly partition: number;
}

/** The whole state: the first entry of every journal file. */
export interface Snapshot {
  /** How many topics were ever made: numbers their directories. */
  readonly topicsMade: number;
  readonly topics: readonly TopicFacts[];
  readonly sessions: readonly { readonly job: string; readonly incarnation: string }[];
  readonly marks: readonly DeliveryMark[];
}

/** What the journal's entries add up to. */
export class TopicsState {
  #seq = 0;
  #topicsMade = 0;
  readonly #topics = new Map<string, { facts: NewTopic; ends: PartitionEnd[] }>();
  readonly #sessions = new Map<string, string>();
  readonly #marks = new Map<string, DeliveryMark>();

  get seq(): number {
    return this.#seq;
  }

  get topicsMade(): number {
    return this.#topicsMade;
  }

  topic(name: string): TopicFacts | undefined {
    const topic = this.#topics.get(name);
    if (topic === undefined) return undefined;
    const { id, directory } = topic.facts;
    return { name, id, directory, ends: [...topic.ends] };
  }

  /** By name. */
  topics(): readonly TopicFacts[] {
    return [...this.#topics.keys()].toSorted().flatMap((name) => this.topic(name) ?? []);
  }

  /** Incarnation of the newest session of a job. */
  session(job: string): string | undefined {
    return this.#sessions.get(job);
  }

  mark(job: string): DeliveryMark | undefined {
    return this.#marks.get(job);
  }

  snapshot(): Snapshot {
    return {
      topicsMade: this.#topicsMade,
      topics: this.topics(),
      sessions: [...this.#sessions].map(([job, incarnation]) => ({ job, incarnation })),
      marks: [...this.#marks.values()],
    };
  }

  /** False, and nothing changed, if the entry cannot follow the ones before it. */
  apply(entry: JournalEntry): boolean {
    if (entry.kind === "snapshot") {
      if (this.#seq !== 0) return false;
      this.#load(entry.snapshot);
    } else {
      if (entry.seq !== this.#seq + 1) return false;
      if (entry.kind === "topics") {
        for (const topic of entry.topics) this.#make(topic);
      } else if (entry.kind === "session") {
        this.#sessions.set(entry.job, entry.incarnation);
      } else if (!this.#extend(entry.ends, entry.mark)) {
        return false;
      }
    }
    this.#seq = entry.seq;
    return true;
  }

  #load(snapshot: Snapshot): void {
    this.#topicsMade = snapshot.topicsMade;
    for (const { name, id, directory, ends } of snapshot.topics) {
      const facts = { name, id, directory, partitions: ends.length };
      this.#topics.set(name, { facts, ends: [...ends] });
    }
    for (const { job, incarnation } of snapshot.sessions) this.#sessions.set(job, incarnation);
    for (const mark of snapshot.marks) this.#marks.set(mark.job, mark);
  }

  #make(facts: NewTopic): void {
    this.#topicsMade += 1;
    const ends = Array.from({ length: facts.partitions }, () => ({ bytes: 0, offset: 0 }));
    this.#topics.set(facts.name, { facts, ends });
  }

  #extend(ends: readonly NewEnd[], mark: DeliveryMark | undefined): boolean {
    for (const { topic, partition } of ends) {
      if (this.#topics.get(topic)?.ends[partition] === undefined) return false;
    }
    for (const { topic, partition, bytes, offset } of ends) {
      const known = this.#topics.get(topic);
      if (known !== undefined) known.ends[partition] = { bytes, offset };
    }
    if (mark !== undefined) this.#marks.set(mark.job, mark);
    return true;
  }
}
