/** Contracts between an epoch and what makes its output visible (design.md section 2). */

/** What a target shows of a job: the newest epoch it holds, and whose it is. */
export interface DeliveryMark {
  readonly job: string;
  readonly incarnation: string;
  readonly epoch: number;
  readonly hash: string;
}

/** One output on its way to a topic. The partition is fixed when it is written, so a redelivery repeats it. */
export interface OutboxRecord {
  /** Index into the list of topics the epoch's target was opened with. */
  readonly topic: number;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly timestampMs: number;
}

/** The records of one target in one committed epoch, in order, in batches; verified frame by frame. */
export interface OutboxReader {
  /** Keys and values of a batch may be used only until the next one is asked for. */
  batches(): AsyncIterable<readonly OutboxRecord[]>;
}

/** One system that outputs are delivered to in a single transaction: an embedded topics folder, a Kafka cluster. */
export interface DeliveryTarget {
  /** Stable name within the job, such as `embedded`: kept in commit records and the outbox. */
  readonly id: string;
  /** Checks topics and rights, makes embedded topics that are missing. Partitions of each topic, in the order given. */
  prepare(topics: readonly string[]): Promise<readonly number[]>;
  /** After `prepare`: how many bytes key and value of a record may have together; without it there is no such limit. */
  maxRecordBytes?(topic: number): number;
  /**
   * What the far side really holds of this job: epoch 0 once a session has begun. Undefined if there never was one, or if
   * its marks are lost. Reads only.
   */
  inspect(job: string): Promise<DeliveryMark | undefined>;
  /**
   * After the recovery decision: fences older sessions of the job and readies this one. `epoch`: the newest that this
   * state has committed; a far side that holds a later one by now is another's, who is left alone.
   */
  begin(job: string, incarnation: string, epoch?: number): Promise<void>;
  /** All or nothing; records become visible together with `permit.mark`. */
  deliver(outputs: OutboxReader, permit: CommitPermit): Promise<void>;
  close(): Promise<void>;
}

const permitKey = Symbol("commit permit");

/**
 * Proof that an epoch's commit record is durable. Only `checkpoint/` makes one, so delivering too early
 * does not compile.
 */
export class CommitPermit {
  readonly mark: DeliveryMark;
  readonly #key: symbol;

  private constructor(key: symbol, mark: DeliveryMark) {
    this.#key = key;
    this.mark = mark;
  }

  /** For `checkpoint/` only, after the commit record has been synced (or read back at recovery). */
  static afterCommit(mark: DeliveryMark): CommitPermit {
    return new CommitPermit(permitKey, mark);
  }

  get valid(): boolean {
    return this.#key === permitKey;
  }
}
