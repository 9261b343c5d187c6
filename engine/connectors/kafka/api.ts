/** Each request we send, in the one version that every supported broker takes. */
export interface Api {
  readonly key: number;
  readonly name: string;
  readonly version: number;
  /** From a certain version on, requests and answers have tagged fields in their headers. */
  readonly flexible: boolean;
}

export const apis = {
  produce: { key: 0, name: "Produce", version: 7, flexible: false },
  /** The first that names topics by id: a topic made again under its old name is no longer the same. */
  fetch: { key: 1, name: "Fetch", version: 13, flexible: true },
  listOffsets: { key: 2, name: "ListOffsets", version: 2, flexible: false },
  /** The first that tells topic ids. */
  metadata: { key: 3, name: "Metadata", version: 10, flexible: true },
  /** The last one before tagged fields; for groups without members. */
  offsetCommit: { key: 8, name: "OffsetCommit", version: 6, flexible: false },
  findCoordinator: { key: 10, name: "FindCoordinator", version: 2, flexible: false },
  createTopics: { key: 19, name: "CreateTopics", version: 4, flexible: false },
  initProducerId: { key: 22, name: "InitProducerId", version: 1, flexible: false },
  addPartitionsToTxn: { key: 24, name: "AddPartitionsToTxn", version: 1, flexible: false },
  endTxn: { key: 26, name: "EndTxn", version: 1, flexible: false },
  describeConfigs: { key: 32, name: "DescribeConfigs", version: 1, flexible: false },
} as const satisfies Record<string, Api>;
