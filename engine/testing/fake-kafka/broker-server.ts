import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { apis } from "../../connectors/kafka/api.ts";
import type { Api } from "../../connectors/kafka/api.ts";
import { WireReader } from "../../connectors/kafka/wire-reader.ts";
import { WireWriter } from "../../connectors/kafka/wire-writer.ts";
import { resetSocket } from "../reset-socket.ts";

export type ApiName = keyof typeof apis;
const apiNames = Object.keys(apis) as readonly ApiName[];

/** A request without its header. */
export interface BrokerRequest {
  readonly api: ApiName;
  readonly body: Buffer;
}

export interface BrokerPorts {
  /** The body of the answer; undefined: the connection is cut instead. */
  answer(request: BrokerRequest): Promise<Buffer | undefined>;
  /** The highest version of a request that is taken. */
  highestVersion(api: ApiName): number;
}

const sizeBytes = 4;
const apiVersionsKey = 18;

/** One node of a fake cluster on loopback: connections, framing and headers. */
export class BrokerServer {
  readonly #ports: BrokerPorts;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(ports: BrokerPorts) {
    this.#ports = ports;
  }

  get port(): number {
    return this.#port;
  }

  get isUp(): boolean {
    return this.#server !== undefined;
  }

  /** On the same port each time. */
  async start(): Promise<void> {
    const server = createServer((socket) => this.#serve(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Its connections are reset. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.cut();
    await new Promise((resolve) => (server === undefined ? resolve(0) : server.close(resolve)));
  }

  cut(): void {
    for (const socket of this.#sockets) resetSocket(socket);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    let received: Buffer = Buffer.alloc(0);
    // A broker answers the requests of a connection one after the other.
    let turn: Promise<void> = Promise.resolve();
    socket.on("data", (bytes: Buffer) => {
      received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
      while (received.length >= sizeBytes) {
        const end = sizeBytes + received.readInt32BE(0);
        if (received.length < end) break;
        const request = received.subarray(sizeBytes, end);
        received = received.subarray(end);
        turn = turn.then(() => this.#reply(socket, request));
      }
    });
  }

  async #reply(socket: Socket, bytes: Buffer): Promise<void> {
    const reader = new WireReader(bytes);
    const key = reader.int16();
    reader.skip(2);
    const correlation = reader.int32();
    reader.nullableString();
    const answer =
      key === apiVersionsKey
        ? new WireWriter().int32(correlation).raw(this.#versions())
        : await this.#answer(key, correlation, reader);
    if (socket.destroyed) return;
    if (answer === undefined) {
      resetSocket(socket);
      return;
    }
    const frame = answer.finish();
    const size = Buffer.alloc(sizeBytes);
    size.writeInt32BE(frame.length);
    socket.write(Buffer.concat([size, frame]));
  }

  async #answer(
    key: number,
    correlation: number,
    reader: WireReader,
  ): Promise<WireWriter | undefined> {
    const api = apiNames.find((name) => apis[name].key === key);
    if (api === undefined) return undefined;
    const { flexible }: Api = apis[api];
    if (flexible) reader.skipTags();
    const body = await this.#ports.answer({ api, body: reader.buffer.subarray(reader.at) });
    if (body === undefined) return undefined;
    const writer = new WireWriter().int32(correlation);
    if (flexible) writer.noTags();
    return writer.raw(body);
  }

  #versions(): Buffer {
    const writer = new WireWriter().int16(0);
    writer.array(apiNames, (name) => {
      writer.int16(apis[name].key).int16(0).int16(this.#ports.highestVersion(name));
    });
    return writer.int32(0).finish();
  }
}
