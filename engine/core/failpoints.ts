/**
 * Named places, before and after each durable step, where a test may crash, fail, hang or delay the engine.
 * `hit` resolves at once in production. It is awaited only at durable steps, never per record.
 */
export interface Failpoints {
  hit(name: FailpointName): Promise<void>;
}

export const noFailpoints: Failpoints = { hit: () => Promise.resolve() };

const durableSteps = [
  /** Identity file of a fresh state directory. */
  "identity.write",
  /** A chunk of keyed state goes to the log. */
  "log.chunk",
  /** A file sink makes its bytes durable. */
  "file.flush",
  /** The outbox of an epoch: its last write, its sync, its rename. */
  "outbox.write",
  "outbox.sync",
  "outbox.rename",
  /** The commit record: the decision. */
  "commit.record",
  "commit.head",
  /** The marker beside an output file. */
  "file.publish",
  /** Delivery to embedded topics: log bytes, their sync, the journal entry. */
  "embedded.append",
  "embedded.sync",
  "embedded.journal",
  /** Delivery to Kafka: the take-over (fencing, settling, barrier), partitions join, records, marker, end, its answer. */
  "kafka.fence",
  "kafka.settle",
  "kafka.barrier",
  "kafka.join",
  "kafka.produce",
  "kafka.mark",
  "kafka.end",
  "kafka.answer",
  /** Outbox of an older epoch is removed. */
  "outbox.remove",
  /** Recovery acts: drops chunks of the uncommitted epoch, cuts files, cuts embedded logs to the journal, delivers. */
  "recover.chunks",
  "recover.truncate",
  "recover.embedded",
  "recover.deliver",
] as const;

type DurableStep = (typeof durableSteps)[number];
export type FailpointName = `${DurableStep}.${"before" | "after"}`;

export const failpointNames: readonly FailpointName[] = durableSteps.flatMap(
  (step) => [`${step}.before`, `${step}.after`] as const,
);
