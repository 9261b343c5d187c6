import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { EngineError } from "../../core/errors.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import type { Compression } from "./compression.ts";
import type { TransportOptions } from "./transport.ts";

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
  readonly createTopics: { readonly partitions: number; readonly replication: number } | undefined;
}

export interface SettingsSources {
  /** Values of secret parameters by name. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Absolute folder that paths start from. */
  readonly baseDirectory: string;
}

/** From a resolved config. Throws USAGE for servers, files and secrets that are not there. */
export function clusterSettings(
  id: string,
  servers: string,
  cluster: JsonObject,
  sources: SettingsSources,
): ClusterSettings {
  const create = cluster["create_topics"];
  return {
    id,
    servers: serversOf(servers),
    transport: {
      clientId: textOf(cluster["client_id"], sources) ?? "pipeline",
      ssl: tlsOf(cluster["tls"], sources),
      sasl: saslOf(cluster["sasl"], sources),
      connectTimeoutMs: Number(cluster["connect_timeout_ms"]),
      requestTimeoutMs: Number(cluster["request_timeout_ms"]),
    },
    outageTimeoutMs: Number(cluster["outage_timeout_ms"]),
    transactionTimeoutMs: Number(cluster["transaction_timeout_ms"]),
    compression: (cluster["compression"] ?? "none") as Compression,
    createTopics: isObject(create)
      ? { partitions: Number(create["partitions"]), replication: Number(create["replication"]) }
      : undefined,
  };
}

function serversOf(text: string): ClusterSettings["servers"] {
  return text.split(",").map((server) => {
    const [, ip6, name, port] =
      /^\s*(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})\s*$/.exec(server) ?? [];
    const host = ip6 ?? name;
    const number = Number(port);
    if (host !== undefined && number > 0 && number <= 65_535) return { host, port: number };
    throw new EngineError("USAGE", `"${server}" in bootstrap_servers is not host:port`);
  });
}

function tlsOf(tls: JsonValue | undefined, sources: SettingsSources): TransportOptions["ssl"] {
  if (!isObject(tls)) return undefined;
  const pem = (name: string, file: string): string | undefined =>
    textOf(tls[name], sources) ?? fileOf(textOf(tls[file], sources), sources);
  const ca = pem("ca", "ca_file");
  const cert = pem("cert", "cert_file");
  const key = pem("private_key", "key_file");
  const servername = textOf(tls["server_name"], sources);
  return {
    ...(ca === undefined ? {} : { ca: [ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
  };
}

function saslOf(sasl: JsonValue | undefined, sources: SettingsSources): TransportOptions["sasl"] {
  if (!isObject(sasl)) return undefined;
  const needed = (name: string): string => {
    const text = textOf(sasl[name], sources);
    if (text !== undefined) return text;
    throw new EngineError("USAGE", `kafka.sasl needs ${name}`);
  };
  const mechanism = sasl["mechanism"];
  if (mechanism === "oauthbearer") {
    const file = textOf(sasl["token_file"], sources);
    // Tokens run out: a file is read again for each connection, so that renewing it takes no restart.
    const token = (): string => fileOf(file, sources)?.trim() ?? needed("token");
    token();
    return { mechanism, oauthBearerProvider: async () => ({ value: token() }) };
  }
  const login = { username: needed("username"), password: needed("password") };
  if (mechanism === "scram-sha-256") return { mechanism, ...login };
  if (mechanism === "scram-sha-512") return { mechanism, ...login };
  return { mechanism: "plain", ...login };
}

function textOf(value: JsonValue | undefined, { secrets }: SettingsSources): string | undefined {
  if (typeof value === "string") return value;
  const name = isObject(value) ? value["secret"] : undefined;
  if (typeof name !== "string") return undefined;
  const secret = secrets.get(name);
  if (secret !== undefined) return secret;
  throw new EngineError("USAGE", `the secret parameter ${name} has no value`);
}

function fileOf(path: string | undefined, sources: SettingsSources): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(resolve(sources.baseDirectory, path), "utf8");
  } catch (error) {
    throw new EngineError("USAGE", `cannot read ${path}: ${String(error)}`, { cause: error });
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
