import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { resetSocket } from "../../engine/testing/reset-socket.ts";

/** Which way bytes go. */
export type Direction = "to-target" | "to-client" | "both";

type Manner =
  | { readonly kind: "pass" }
  /** Bytes stay here: nobody is told that they do not arrive. */
  | { readonly kind: "hold" }
  | { readonly kind: "slow"; readonly bytesPerSecond: number };

const pass: Manner = { kind: "pass" };
/** Beyond this many waiting bytes the sender is not read from, as in a network whose buffers are full. */
const waitingBytesMax = 1 << 20;
const slowestTurnMs = 50;

/** A network on loopback that can fail: stands between clients and one port. */
export class TcpProxy {
  /** Of the port behind it; may be set later than the clients come, and again. */
  targetPort: number | undefined;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #manners = { "to-target": pass, "to-client": pass };
  #isCut = false;
  #accepted = 0;

  private constructor(server: Server, targetPort: number | undefined) {
    this.#server = server;
    this.targetPort = targetPort;
  }

  static async start(targetPort?: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server, targetPort);
    server.on("connection", (client) => proxy.#connect(client));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that have ever come. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Resets every connection, and each new one until `resume`: the way is down and both ends know. */
  cut(): void {
    this.#isCut = true;
    this.reset();
  }

  /** Resets every connection; new ones pass. What was under way is lost. */
  reset(): void {
    for (const pair of this.#pairs) pair.reset();
  }

  /** Keeps all bytes of a direction from now on, of new connections too: nobody is told. */
  blackhole(direction: Direction = "both"): void {
    this.#set(direction, { kind: "hold" });
  }

  slow(bytesPerSecond: number, direction: Direction = "both"): void {
    this.#set(direction, { kind: "slow", bytesPerSecond });
  }

  /** All passes again; what was kept of connections that are still there arrives now. */
  resume(): void {
    this.#isCut = false;
    this.#set("both", pass);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #set(direction: Direction, manner: Manner): void {
    for (const one of ["to-target", "to-client"] as const) {
      if (direction !== "both" && direction !== one) continue;
      this.#manners[one] = manner;
      for (const pair of this.#pairs) pair[one].become(manner);
    }
  }

  #connect(client: Socket): void {
    this.#accepted += 1;
    if (this.#isCut || this.targetPort === undefined) {
      resetSocket(client);
      return;
    }
    const target = connect({ port: this.targetPort, host: "127.0.0.1", noDelay: true });
    client.setNoDelay(true);
    const pair = new Pair(client, target);
    this.#pairs.add(pair);
    for (const one of ["to-target", "to-client"] as const) pair[one].become(this.#manners[one]);
    for (const socket of [client, target]) {
      socket.on("error", () => pair.reset());
      socket.on("close", () => {
        this.#pairs.delete(pair);
        pair.reset();
      });
    }
  }
}

class Pair {
  readonly "to-target": Flow;
  readonly "to-client": Flow;
  readonly #sockets: readonly Socket[];

  constructor(client: Socket, target: Socket) {
    this["to-target"] = new Flow(client, target);
    this["to-client"] = new Flow(target, client);
    this.#sockets = [client, target];
  }

  reset(): void {
    this["to-target"].stop();
    this["to-client"].stop();
    for (const socket of this.#sockets) resetSocket(socket);
  }
}

/** Bytes on their way from one socket to another. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  #manner = pass;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    from.on("data", (bytes: Buffer) => {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes >= waitingBytesMax) from.pause();
      this.#move();
    });
    from.on("end", () => {
      this.#ended = true;
      this.#move();
    });
    to.on("drain", () => from.resume());
  }

  become(manner: Manner): void {
    this.stop();
    this.#manner = manner;
    if (manner.kind === "slow") {
      const turnMs = Math.max(slowestTurnMs, 1000 / manner.bytesPerSecond);
      const bytes = Math.max(1, Math.floor((manner.bytesPerSecond * turnMs) / 1000));
      this.#timer = setInterval(() => this.#send(bytes), turnMs);
    }
    this.#move();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #move(): void {
    if (this.#manner.kind === "pass") this.#send(Infinity);
  }

  #send(most: number): void {
    for (let left = most; left > 0;) {
      const first = this.#waiting[0];
      if (first === undefined) break;
      const part = first.subarray(0, left);
      if (part.length === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(part.length);
      this.#waitingBytes -= part.length;
      left -= part.length;
      if (!this.#to.write(part)) this.#from.pause();
    }
    if (this.#waitingBytes < waitingBytesMax && !this.#to.writableNeedDrain) this.#from.resume();
    if (this.#ended && this.#waiting.length === 0) this.#to.end();
  }
}
