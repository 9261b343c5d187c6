/** The record batch of Kafka's log, format 2: a header of fixed size, then the records, all checked by one CRC-32C. */
export const batchHeaderBytes = 61;
/** Where each field of the header starts. */
export const headerField = {
  baseOffset: 0,
  batchLength: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  /** From here on the checksum covers the batch. */
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

/** Bytes of `baseOffset` and `batchLength`, which `batchLength` does not count. */
export const lengthPrefixBytes = 12;

export const attribute = {
  compressionMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
} as const;

export interface RecordHeader {
  readonly name: string;
  readonly value: Buffer | null;
}

/** Type of a control record: the second number of its key. */
export type Marker = "abort" | "commit";
