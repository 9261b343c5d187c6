import { EngineError } from "../../core/errors.ts";

/** The error codes of the protocol that are told apart here, or that a person may meet. */
const names = {
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  topicAlreadyExists: 36,
  invalidReplicationFactor: 38,
  policyViolation: 44,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  invalidProducerIdMapping: 49,
  invalidTransactionTimeout: 50,
  concurrentTransactions: 51,
  transactionalIdAuthorizationFailed: 53,
  kafkaStorageError: 56,
  unknownProducerId: 59,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  invalidRecord: 87,
  producerFenced: 90,
  unknownTopicId: 100,
  inconsistentTopicId: 103,
} as const;

export const errorCode = names;

/** `INVALID_PRODUCER_EPOCH (47)`, as the protocol's documentation has it. */
function errorName(code: number): string {
  const found = Object.entries(names).find(([, number]) => number === code)?.[0];
  if (found === undefined) return `error ${code}`;
  return `${found.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()} (${code})`;
}

/** An answer with an error code that the caller did not expect: stops the run unless somebody can go on from it. */
export class KafkaProtocolError extends EngineError {
  /** The error code of the protocol. */
  readonly answer: number;

  constructor(what: string, answer: number) {
    super("KAFKA_INTERRUPTED", `${what}: ${errorName(answer)}`, {
      hint: "Start the job again; it goes on where it stopped. If it comes back, look into the brokers' logs.",
    });
    this.answer = answer;
  }
}

const authorizationCodes: readonly number[] = [
  names.topicAuthorizationFailed,
  names.groupAuthorizationFailed,
  names.clusterAuthorizationFailed,
  names.transactionalIdAuthorizationFailed,
];

/** The leader or the coordinator is another broker now, or not ready yet: ask where, and again. */
const movedCodes: readonly number[] = [
  names.leaderNotAvailable,
  names.notLeader,
  names.requestTimedOut,
  names.coordinatorLoading,
  names.coordinatorNotAvailable,
  names.notCoordinator,
  names.notEnoughReplicas,
  names.kafkaStorageError,
  names.fencedLeaderEpoch,
  names.unknownLeaderEpoch,
  names.offsetNotAvailable,
];

export function isMoved(code: number): boolean {
  return movedCodes.includes(code);
}

/**
 * The error of an answer: KAFKA_REFUSED for missing rights, else KafkaProtocolError. `what` says what was asked of
 * what; `right` names the right it takes.
 */
export function answerError(what: string, code: number, right: string): Error {
  if (!authorizationCodes.includes(code)) return new KafkaProtocolError(what, code);
  return new EngineError("KAFKA_REFUSED", `${what} is not allowed: ${errorName(code)}`, {
    hint: `Give the job's user the right ${right}.`,
  });
}

/** Throws `answerError` unless the code says that all went well. */
export function checkAnswer(what: string, code: number, right: string): void {
  if (code !== 0) throw answerError(what, code, right);
}
