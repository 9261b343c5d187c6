import { parseDuration } from "../../core/duration.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { partitionsDefault } from "../embedded/embedded-topics.ts";

const textSchema: JsonObject = { type: "string", minLength: 1 };

function described(schema: JsonObject, description: string): JsonObject {
  return { ...schema, description };
}

function duration(description: string, fallback: string): JsonObject {
  return { type: "string", "x-pipeline": "duration", default: fallback, description };
}

const clusterProperties: JsonObject = {
  bootstrap_servers: described(
    textSchema,
    "host:port[,host:port], or `embedded`: durable topics in files, no broker needed.",
  ),
  client_id: described(textSchema, "How the brokers' logs name this job; default: pipeline."),
  tls: {
    type: "object",
    additionalProperties: false,
    description: "Speaks TLS, with the system's authorities unless others are given.",
    properties: {
      ca_file: described(textSchema, "Certificates of the authorities to trust, PEM."),
      cert_file: described(textSchema, "Our own certificate, PEM: mutual TLS."),
      key_file: described(textSchema, "The key of our own certificate, PEM."),
      ca: described(textSchema, "Instead of `ca_file`: the PEM text itself."),
      cert: described(textSchema, "Instead of `cert_file`: the PEM text itself."),
      private_key: described(
        textSchema,
        "Instead of `key_file`: the PEM text, a secret parameter.",
      ),
      server_name: described(textSchema, "The name that the broker's certificate is for."),
    },
  },
  sasl: {
    type: "object",
    required: ["mechanism"],
    additionalProperties: false,
    properties: {
      mechanism: { enum: ["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"] },
      username: textSchema,
      password: described(textSchema, "A secret parameter."),
      token: described(textSchema, "For oauthbearer: a token, as a secret parameter."),
      token_file: described(
        textSchema,
        "Instead of `token`: a file that holds it, read again for each connection.",
      ),
    },
  },
  connect_timeout: duration("How long a connection may take.", "10s"),
  request_timeout: duration("How long an answer may take.", "30s"),
  outage_timeout: duration("How long the cluster may be out of reach before the run stops.", "2m"),
  transaction_timeout: duration("After which the broker takes back an unfinished delivery.", "60s"),
  compression: {
    enum: ["none", "gzip", "zstd"],
    default: "none",
    description: "Of written records; zstd needs Node 22.15.",
  },
  create_topics: {
    type: "boolean",
    default: false,
    description: "Makes topics that are missing: for development.",
  },
  topic_partitions: {
    type: "integer",
    minimum: 1,
    maximum: 1024,
    default: partitionsDefault,
    description: "Of topics that `create_topics` makes.",
  },
  topic_replication: {
    type: "integer",
    minimum: 1,
    maximum: 16,
    default: 1,
    description: "Of topics that `create_topics` makes.",
  },
};

/** The job's `kafka:` block. */
export const kafkaBlockSchema: JsonObject = {
  type: "object",
  required: ["bootstrap_servers"],
  additionalProperties: false,
  properties: {
    ...clusterProperties,
    embedded: {
      type: "object",
      additionalProperties: false,
      properties: {
        partitions: {
          type: "integer",
          minimum: 1,
          maximum: 1024,
          default: partitionsDefault,
          description: "Partitions of an embedded topic that is made because it does not exist.",
        },
      },
    },
    clusters: {
      type: "object",
      description: "Other clusters by name, for the `cluster` of a source or sink.",
      additionalProperties: {
        type: "object",
        required: ["bootstrap_servers"],
        additionalProperties: false,
        properties: clusterProperties,
      },
    },
  },
};

const timeouts = {
  connect_timeout: 10_000,
  request_timeout: 30_000,
  outage_timeout: 120_000,
  transaction_timeout: 60_000,
} as const;

/**
 * The part of a block that one cluster is reached by, durations in ms and defaults filled in. Secrets stay as
 * `{ secret: name }`. A duration that cannot be read is given to `fault` by its name.
 */
export function resolveCluster(block: JsonObject, fault: (name: string) => void): JsonObject {
  const timeoutsMs = Object.fromEntries(
    Object.entries(timeouts).map(([name, fallback]) => {
      const text = block[name];
      const ms = typeof text === "string" ? parseDuration(text) : fallback;
      if (ms === undefined || ms === 0) fault(name);
      return [`${name}_ms`, ms ?? fallback];
    }),
  );
  const optional = Object.fromEntries(
    ["tls", "sasl"].flatMap((name): [string, JsonValue][] => {
      const value = block[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return {
    client_id: block["client_id"] ?? "pipeline",
    ...timeoutsMs,
    compression: block["compression"] ?? "none",
    create_topics:
      block["create_topics"] === true
        ? {
            partitions: block["topic_partitions"] ?? partitionsDefault,
            replication: block["topic_replication"] ?? 1,
          }
        : false,
    ...optional,
  };
}
