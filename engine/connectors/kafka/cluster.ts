import type { Clock } from "../../core/clock.ts";
import { EngineError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import { apis } from "./api.ts";
import type { Api } from "./api.ts";
import { isMoved, KafkaProtocolError } from "./kafka-errors.ts";
import {
  decodeFindCoordinator,
  decodeMetadata,
  encodeFindCoordinator,
  encodeMetadataRequest,
} from "./metadata.ts";
import type { BrokerNode, ClusterMetadata } from "./metadata.ts";
import type { ClusterSettings } from "./settings.ts";
import { ConnectionLost, Transport } from "./transport.ts";
import type { BrokerLink } from "./transport.ts";
import { WireReader } from "./wire-reader.ts";

export interface ClusterPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts when nobody wants to wait for the cluster any more. */
  readonly stop?: AbortSignal;
}

const backoffFirstMs = 50;
const backoffMaxMs = 5000;
/** How long the cluster is waited for once everything is to stop. */
const lastPatienceMs = 10_000;
/** Between two lines about an outage. */
const outageLineMs = 10_000;

/** One cluster: finds its brokers and sends them requests. Not shared between a source and a target: long polls block. */
export class KafkaCluster {
  readonly settings: ClusterSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly #stop: AbortSignal | undefined;
  readonly #transport: Transport;
  readonly #links = new Map<string, Promise<BrokerLink>>();
  readonly #closing = new AbortController();
  #nodes: readonly BrokerNode[] = [];
  #lostLinks = 0;

  constructor(settings: ClusterSettings, { clock, logger, stop }: ClusterPorts) {
    this.settings = settings;
    this.clock = clock;
    this.logger = logger;
    this.#stop = stop;
    this.#transport = new Transport(settings.transport);
  }

  /** `host:port,...` as the job names it. */
  get address(): string {
    return this.settings.servers.map(({ host, port }) => `${host}:${port}`).join(",");
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Rises whenever a connection was lost, also one that nobody was waiting on: what a broker held may be gone. */
  async lostLinks(): Promise<number> {
    for (const [address, opening] of this.#links) {
      const link = await opening.catch(() => undefined);
      if (link?.isOpen !== true) this.#forget(address, opening);
    }
    return this.#lostLinks;
  }

  /** Topics that do not exist come with an error code. */
  async metadata(topics: readonly string[]): Promise<ClusterMetadata> {
    const body = encodeMetadataRequest(topics);
    const metadata = decodeMetadata(await this.#onAny(apis.metadata, body));
    this.#nodes = metadata.nodes;
    return metadata;
  }

  /** Throws ConnectionLost, KAFKA_REFUSED, KAFKA_UNSUPPORTED. */
  async onNode(node: number, api: Api, body: Buffer, timeoutMs?: number): Promise<Buffer> {
    const found = this.#nodes.find(({ id }) => id === node);
    if (found === undefined) throw new ConnectionLost(`broker ${node} is not known`);
    return this.#send(await this.#link(found), api, body, timeoutMs);
  }

  /** On any broker. */
  onAny(api: Api, body: Buffer): Promise<Buffer> {
    return this.#onAny(api, body);
  }

  /** The broker that coordinates a group or the transactions of an id. Throws KafkaProtocolError. */
  async coordinator(key: string, type: "group" | "transaction"): Promise<number> {
    const body = await this.#onAny(apis.findCoordinator, encodeFindCoordinator(key, type));
    const { error, node } = decodeFindCoordinator(body);
    if (error !== 0) throw new KafkaProtocolError(`finding the coordinator of ${key}`, error);
    if (!this.#nodes.some(({ id }) => id === node.id)) this.#nodes = [...this.#nodes, node];
    return node.id;
  }

  /**
   * Repeats `work` while the cluster is out of reach or leaders move, with growing pauses. For requests that may be
   * repeated only. Throws KAFKA_UNREACHABLE after `outageTimeoutMs`, other errors of `work` at once.
   */
  async repeated<T>(what: string, work: () => Promise<T>): Promise<T> {
    const startMs = this.clock.nowMs();
    let toldMs = startMs;
    let giveUpMs = startMs + this.settings.outageTimeoutMs;
    for (let pauseMs = backoffFirstMs; ; pauseMs = Math.min(pauseMs * 2, backoffMaxMs)) {
      try {
        return await work();
      } catch (error) {
        if (!isPassing(error)) throw error;
        if (this.closed) throw error;
        const nowMs = this.clock.nowMs();
        if (this.#stop?.aborted === true) giveUpMs = Math.min(giveUpMs, nowMs + lastPatienceMs);
        if (nowMs >= giveUpMs) throw this.unreachable(what, error);
        if (nowMs - toldMs >= outageLineMs) {
          toldMs = nowMs;
          this.logger.warn(`kafka at ${this.address}: ${what} is waiting: ${error.message}`);
        }
      }
      // Many clients that lost the same broker must not come back in step.
      await this.sleep(pauseMs * (0.5 + Math.random() / 2));
    }
  }

  unreachable(what: string, cause: Error): EngineError {
    return new EngineError(
      "KAFKA_UNREACHABLE",
      `kafka at ${this.address}: ${what} failed: ${cause.message}`,
      { hint: "Start the job again when the cluster is back; it goes on where it stopped.", cause },
    );
  }

  /** Shorter if the cluster is closed meanwhile. */
  sleep(ms: number): Promise<void> {
    return this.clock.sleep(ms, this.#closing.signal);
  }

  close(): void {
    this.#closing.abort();
    for (const opening of this.#links.values()) {
      void opening.then(
        (link) => link.close(),
        () => undefined,
      );
    }
    this.#links.clear();
  }

  async #onAny(api: Api, body: Buffer): Promise<Buffer> {
    let failure: unknown;
    for (const address of this.#addresses()) {
      try {
        return await this.#send(await this.#link(address), api, body);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        failure = error;
      }
    }
    throw failure instanceof Error ? failure : new ConnectionLost("no broker is known");
  }

  /** Brokers with a connection first, then those known, then where the job said to begin. */
  #addresses(): readonly { readonly host: string; readonly port: number }[] {
    const known = [...this.#nodes].sort(
      (a, b) => Number(this.#links.has(addressOf(b))) - Number(this.#links.has(addressOf(a))),
    );
    return [...known, ...this.settings.servers];
  }

  async #send(link: BrokerLink, api: Api, body: Buffer, timeoutMs?: number): Promise<Buffer> {
    if (!api.flexible) return link.request(api, body, timeoutMs);
    // The header of a flexible request ends with its tagged fields, the one of its answer is nothing but them.
    const answer = await link.request(api, Buffer.concat([noTags, body]), timeoutMs);
    const reader = new WireReader(answer);
    reader.skipTags();
    return answer.subarray(reader.at);
  }

  async #link(node: { readonly host: string; readonly port: number }): Promise<BrokerLink> {
    if (this.closed) throw new ConnectionLost("the cluster was closed");
    const address = addressOf(node);
    const known = this.#links.get(address);
    if (known !== undefined) {
      const link = await known;
      if (link.isOpen) return link;
      this.#forget(address, known);
      return this.#link(node);
    }
    const opening = this.#open(node);
    this.#links.set(address, opening);
    try {
      const link = await opening;
      if (this.closed) link.close();
      return link;
    } catch (error) {
      if (this.#links.get(address) === opening) this.#links.delete(address);
      throw error;
    }
  }

  async #open({
    host,
    port,
  }: {
    readonly host: string;
    readonly port: number;
  }): Promise<BrokerLink> {
    const link = await this.#transport.open(host, port);
    // All at once: a broker that lacks one of them must not be written to before that is found.
    const lacking = Object.values(apis).find(({ key, version }) => {
      const { min, max } = link.versions.get(key) ?? { min: 0, max: -1 };
      return version < min || version > max;
    });
    if (lacking === undefined) return link;
    link.close();
    throw new EngineError(
      "KAFKA_UNSUPPORTED",
      `${link.address} does not take ${lacking.name} ${lacking.version}: it is older than Kafka 3.1, or newer than this release knows`,
      { hint: "Kafka 3.1 to 4.x is supported. Nothing was read or written." },
    );
  }

  #forget(address: string, opening: Promise<BrokerLink>): void {
    if (this.#links.get(address) !== opening) return;
    this.#links.delete(address);
    this.#lostLinks += 1;
  }
}

const noTags = Buffer.from([0]);

/** May be otherwise in a moment. */
export function isPassing(error: unknown): error is Error {
  if (error instanceof ConnectionLost) return true;
  return error instanceof KafkaProtocolError && isMoved(error.answer);
}

function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}
