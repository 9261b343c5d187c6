import type { TransportOptions } from "./transport.ts";
import type { Compression } from "./compression.ts";

/** How a job reaches and uses one cluster. */
export interface ClusterSettings {
  /** `kafka`, or `kafka:<name>` for a cluster with a name of its own. */
  readonly id: string;
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  readonly transport: TransportOptions;
  /** How long the cluster may be out of reach before the run stops. */
  readonly outageTimeoutMs: number;
  /** After which the broker takes a transaction back whose producer is silent. */
  readonly transactionTimeoutMs: number;
  readonly compression: Compression;
  /** Makes topics that are missing; undefined: they must exist. */
  readonly createTopics:
    { readonly partitions: number; readonly replication: number } | undefined;
}
