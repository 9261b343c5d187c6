import { BatchEncoder } from "../../engine/connectors/kafka/batch-encoder.ts";
import type { BatchRecord } from "../../engine/connectors/kafka/batch-encoder.ts";
import type { ProducerIdentity } from "../../engine/connectors/kafka/transaction-requests.ts";

/** Batches of one partition by another producer than the job's, in a transaction. */
export function transactionalProducer(
  identity: ProducerIdentity,
): (records: readonly BatchRecord[]) => Buffer {
  let baseSequence = 0;
  return (records) => {
    const encoder = new BatchEncoder();
    for (const record of records) encoder.append(record);
    const batch = encoder.finish({ ...identity, baseSequence, transactional: true });
    baseSequence += records.length;
    return batch;
  };
}
