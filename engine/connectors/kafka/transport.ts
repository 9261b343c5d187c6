import { createRequire } from "node:module";
import type * as Kafkajs from "kafkajs";
import type { KafkaConfig } from "kafkajs";
import { EngineError } from "../../core/errors.ts";

/** The release whose internals this file knows; another one might differ in silence. */
const knownVersion = "2.2.4";

/** How to reach a cluster, as the transport takes it. */
export interface TransportOptions {
  readonly clientId: string;
  readonly ssl: NonNullable<KafkaConfig["ssl"]> | undefined;
  readonly sasl: NonNullable<KafkaConfig["sasl"]> | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** A connection broke, could not be made, or an answer did not come in time: what was asked may have been done. */
export class ConnectionLost extends EngineError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super("KAFKA_UNREACHABLE", message, {
      hint: "Start again when the cluster is back.",
      ...options,
    });
  }
}

/** One authenticated connection to one broker. Once it is lost it stays lost. */
export interface BrokerLink {
  readonly address: string;
  /** Highest version of each request that the broker takes, by its key. */
  readonly versions: ReadonlyMap<number, { readonly min: number; readonly max: number }>;
  readonly isOpen: boolean;
  /** Sends one request and gives the body of its answer. Throws ConnectionLost, also if it takes too long. */
  request(
    api: { readonly key: number; readonly name: string; readonly version: number },
    body: Buffer,
    timeoutMs?: number,
  ): Promise<Buffer>;
  close(): void;
}

/** The parts of the client that are used here. */
interface Connection {
  readonly socket?: { destroy(): void };
  readonly requestQueue: { destroy(): void };
  isConnected(): boolean;
  rejectRequests(error: Error): void;
  send(exchange: {
    readonly request: {
      readonly apiKey: number;
      readonly apiName: string;
      readonly apiVersion: number;
      encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
    };
    readonly response: {
      decode(payload: Buffer): Promise<Buffer>;
      parse(data: Buffer): Promise<Buffer>;
    };
    readonly requestTimeout: number | null;
    readonly logResponseError: boolean;
  }): Promise<Buffer>;
}

interface Broker {
  readonly connectionPool: { readonly pool: readonly Connection[] };
  readonly versions: Readonly<Record<string, { minVersion: number; maxVersion: number }>> | null;
  connect(): Promise<void>;
}

interface Cluster {
  readonly rootLogger: unknown;
  readonly connectionPoolBuilder: {
    build(destination: { host: string; port: number }): Promise<unknown>;
  };
  readonly brokerPool: {
    createBroker(options: { connectionPool: unknown; logger: unknown }): Broker;
  };
}

/** Makes connections to brokers: sockets, TLS, SASL and the versions they speak are the client's, the rest is ours. */
export class Transport {
  readonly #cluster: Cluster;

  /** Throws INTERNAL if the installed client is not the release that this file knows. */
  constructor(options: TransportOptions) {
    this.#cluster = createCluster(options);
  }

  /** Throws ConnectionLost; KAFKA_REFUSED if the broker does not let us in. */
  async open(host: string, port: number): Promise<BrokerLink> {
    const cluster = this.#cluster;
    const connectionPool = await cluster.connectionPoolBuilder.build({ host, port });
    const broker = cluster.brokerPool.createBroker({ connectionPool, logger: cluster.rootLogger });
    const address = `${host}:${port}`;
    const connection = broker.connectionPool.pool[0];
    if (connection === undefined) throw new EngineError("INTERNAL", "the client has no connection");
    try {
      await broker.connect();
    } catch (error) {
      closeConnection(connection, new ConnectionLost("closed"));
      throw connectFailure(error, address);
    }
    return new KafkajsLink(address, connection, broker.versions ?? {});
  }
}

class KafkajsLink implements BrokerLink {
  readonly address: string;
  readonly versions: ReadonlyMap<number, { readonly min: number; readonly max: number }>;
  readonly #connection: Connection;
  #closed = false;

  constructor(address: string, connection: Connection, versions: NonNullable<Broker["versions"]>) {
    this.address = address;
    this.#connection = connection;
    this.versions = new Map(
      Object.entries(versions).map(([key, { minVersion, maxVersion }]) => [
        Number(key),
        { min: minVersion, max: maxVersion },
      ]),
    );
  }

  get isOpen(): boolean {
    return !this.#closed && this.#connection.isConnected();
  }

  async request(
    api: { readonly key: number; readonly name: string; readonly version: number },
    body: Buffer,
    timeoutMs?: number,
  ): Promise<Buffer> {
    if (!this.isOpen) throw new ConnectionLost(`the connection to ${this.address} is closed`);
    try {
      return await this.#connection.send({
        request: {
          apiKey: api.key,
          apiName: api.name,
          apiVersion: api.version,
          encode: async () => ({ buf: body, buffer: body }),
        },
        response: { decode: async (payload) => payload, parse: async (data) => data },
        requestTimeout: timeoutMs ?? null,
        logResponseError: false,
      });
    } catch (error) {
      this.close();
      const message = error instanceof Error ? error.message : String(error);
      throw new ConnectionLost(`${api.name} to ${this.address}: ${message}`, { cause: error });
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeConnection(this.#connection, new ConnectionLost(`${this.address} was closed`));
  }
}

/** The client's own way to disconnect waits for answers that may never come. */
function closeConnection(connection: Connection, reason: Error): void {
  connection.rejectRequests(reason);
  connection.requestQueue.destroy();
  connection.socket?.destroy();
}

function createCluster(options: TransportOptions): Cluster {
  // Loaded here, since a run without a broker does not need it.
  const load = createRequire(import.meta.url);
  const installed = (load("kafkajs/package.json") as { version: string }).version;
  if (installed !== knownVersion) {
    throw new EngineError(
      "INTERNAL",
      `kafkajs ${installed} is installed, but this release works with ${knownVersion} only`,
    );
  }
  const { Kafka, logLevel } = load("kafkajs") as typeof Kafkajs;
  const client = new Kafka({
    clientId: options.clientId,
    // Never used: each connection is opened to an address of ours.
    brokers: ["unused:0"],
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    connectionTimeout: options.connectTimeoutMs,
    authenticationTimeout: options.connectTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    logLevel: logLevel.ERROR,
    // What matters is thrown too, and what is only repeated would be logged as an error.
    logCreator: () => () => undefined,
  });
  const symbols = Object.getOwnPropertySymbols(client);
  const create = symbols.find(({ description }) => description === "private:Kafka:createCluster");
  const made: unknown =
    create === undefined
      ? undefined
      : (client as unknown as Record<symbol, (options: object) => unknown>)[create]?.({});
  if (!isCluster(made)) {
    throw new EngineError("INTERNAL", `kafkajs ${installed} has no cluster inside`);
  }
  return made;
}

function isCluster(value: unknown): value is Cluster {
  return typeof value === "object" && value !== null && "brokerPool" in value;
}

function connectFailure(error: unknown, address: string): Error {
  const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
  if (name === "KafkaJSSASLAuthenticationError" || name === "KafkaJSNotImplemented") {
    return new EngineError("KAFKA_REFUSED", `${address} does not accept the login: ${message}`, {
      hint: "Check mechanism, user name and password of the job's kafka block.",
      cause: error,
    });
  }
  if (/certificate|SSL|TLS|alert|self.signed|hostname/i.test(message)) {
    return new EngineError("KAFKA_REFUSED", `${address}: ${message}`, {
      hint: "Check the certificates of the job's kafka block, and that the port speaks TLS.",
      cause: error,
    });
  }
  return new ConnectionLost(`${address}: ${message}`, { cause: error });
}
