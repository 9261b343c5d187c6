import { apis } from "./api.ts";
import type { KafkaCluster } from "./cluster.ts";
import { checkAnswer } from "./kafka-errors.ts";
import { decodeOffsetCommit, encodeOffsetCommit } from "./group-requests.ts";

/**
 * Tells a cluster how far a job has read, as a consumer group named like the job, so that lag dashboards know it.
 * Best effort: nothing waits for it, nothing is read back, and a failure is told once.
 */
export class GroupOffsets {
  readonly #cluster: KafkaCluster;
  readonly #group: string;
  /** What is to be told after what is under way. */
  #next: { readonly topic: string; readonly offsets: readonly number[] } | undefined;
  #telling: Promise<void> | undefined;
  #failed = false;

  constructor(cluster: KafkaCluster, group: string) {
    this.#cluster = cluster;
    this.#group = group;
  }

  /** `offsets` by partition: of the next record to read. Returns at once; the newest call wins. */
  tell(topic: string, offsets: readonly number[]): void {
    this.#next = { topic, offsets };
    this.#telling ??= this.#tellNext();
  }

  /** Resolves when nothing is under way. */
  async told(): Promise<void> {
    await this.#telling;
  }

  async #tellNext(): Promise<void> {
    for (let told = this.#next; told !== undefined; told = this.#next) {
      this.#next = undefined;
      try {
        await this.#commit(told.topic, told.offsets);
        this.#failed = false;
      } catch (error) {
        if (!this.#failed && !this.#cluster.closed) {
          this.#cluster.logger.warn(
            `the offsets of group ${this.#group} are not told to ${this.#cluster.address}: ${String(error)}; only lag dashboards miss them`,
          );
        }
        this.#failed = true;
      }
    }
    this.#telling = undefined;
  }

  async #commit(topic: string, offsets: readonly number[]): Promise<void> {
    const coordinator = await this.#cluster.coordinator(this.#group, "group");
    const body = encodeOffsetCommit(this.#group, topic, offsets);
    const answer = await this.#cluster.onNode(coordinator, apis.offsetCommit, body);
    for (const error of decodeOffsetCommit(answer)) {
      checkAnswer("telling the offsets", error, `Read on group ${this.#group}`);
    }
  }
}
