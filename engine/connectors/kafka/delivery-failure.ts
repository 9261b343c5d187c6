import { EngineError } from "../../core/errors.ts";
import { errorCode, KafkaProtocolError } from "./kafka-errors.ts";
import { ConnectionLost } from "./transport.ts";

/** Answers after which a new session can go on: the broker has forgotten this one, or its transaction. */
const sessionLostCodes: readonly number[] = [
  errorCode.invalidProducerIdMapping,
  errorCode.unknownProducerId,
  errorCode.outOfOrderSequence,
  errorCode.invalidTxnState,
  errorCode.concurrentTransactions,
  errorCode.notEnoughReplicasAfterAppend,
];
const fencedCodes: readonly number[] = [errorCode.invalidProducerEpoch, errorCode.producerFenced];
const refusedCodes: readonly number[] = [
  errorCode.messageTooLarge,
  errorCode.recordListTooLarge,
  errorCode.invalidRecord,
  errorCode.policyViolation,
];

/** What stops the delivery for good, as the run tells it; what passes stays as it is. */
export function deliveryFailure(error: unknown, target: string): unknown {
  if (!(error instanceof KafkaProtocolError)) return error;
  if (sessionLostCodes.includes(error.answer)) {
    return new ConnectionLost(error.message, { cause: error });
  }
  if (fencedCodes.includes(error.answer)) {
    return new EngineError(
      "KAFKA_INTERRUPTED",
      `${target}: ${error.message}: a transaction took longer than transaction_timeout, or another copy of the job has taken over`,
      {
        hint: "Start the job again: it finds out which, goes on after a timeout, and stops with 6 if there is another copy.",
        cause: error,
      },
    );
  }
  if (error.answer === errorCode.unknownTopicOrPartition) {
    return new EngineError("TOPIC_MISSING", `${target}: ${error.message}`, {
      hint: "Create the topic again and restart the job; nothing was dropped.",
      cause: error,
    });
  }
  if (refusedCodes.includes(error.answer)) {
    return new EngineError("KAFKA_REFUSED", `${target}: ${error.message}`, {
      hint: "The records of the last epoch are kept; they are delivered once the topic takes them (max.message.bytes).",
      cause: error,
    });
  }
  return error;
}
