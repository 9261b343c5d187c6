import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { classPath, javaOptions } from "./kafka-jars.ts";

export { brokerMissing } from "./kafka-jars.ts";

const startTimeoutMs = 60_000;

/** How others than this process's own tests may come in. */
interface BrokerAccess {
  /** More listeners by name, with their protocol. */
  readonly listeners?: Readonly<
    Record<string, "PLAINTEXT" | "SSL" | "SASL_SSL" | "SASL_PLAINTEXT">
  >;
  /** `host:port` that clients of a listener are sent to, if not straight to it. */
  readonly advertised?: Readonly<Record<string, string>>;
  /** Users of SCRAM-SHA-512 and their passwords. */
  readonly users?: Readonly<Record<string, string>>;
}

/** A single Kafka node on loopback with data of its own. */
export class TestBroker {
  readonly bootstrap: string;
  /** Where the listeners of `BrokerAccess` are. */
  readonly addresses = new Map<string, string>();
  readonly #folder: string;
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    this.bootstrap = `127.0.0.1:${port}`;
  }

  /** `settings` go into the broker's properties file. */
  static async start(
    settings: Readonly<Record<string, string>> = {},
    access: BrokerAccess = {},
  ): Promise<TestBroker> {
    const folder = mkdtempSync(join(tmpdir(), "test-broker-"));
    const broker = new TestBroker(folder, await freePort());
    const lines = Object.entries({ ...(await broker.#settings(access)), ...settings });
    writeFileSync(broker.#config, lines.map(([key, value]) => `${key}=${value}\n`).join(""));
    const users = Object.entries(access.users ?? {}).flatMap(([name, password]) => {
      return ["--add-scram", `SCRAM-SHA-512=[name=${name},password=${password}]`];
    });
    const format = ["format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", broker.#config, ...users];
    const formatted = spawnSync("java", broker.#java("kafka.tools.StorageTool", ...format), {
      encoding: "utf8",
    });
    if (formatted.status !== 0) throw new Error(`${formatted.stdout}${formatted.stderr}`);
    await broker.restart();
    return broker;
  }

  /** With the same port and data. */
  async restart(): Promise<void> {
    const out = openSync(join(this.#folder, "out.log"), "a");
    const started = spawn("java", this.#java("kafka.Kafka", this.#config), {
      stdio: ["ignore", out, out],
    });
    this.#process = started;
    for (const endMs = Date.now() + startTimeoutMs; Date.now() < endMs; await sleep(50)) {
      if (await answers(this.#port)) return;
      if (started.exitCode !== null) break;
    }
    started.kill("SIGKILL");
    throw new Error(
      `the broker did not start: ${readFileSync(join(this.#folder, "out.log"), "utf8")}`,
    );
  }

  /** The process is gone when it resolves. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const gone = new Promise((resolve) => running.once("exit", resolve));
    running.kill(signal);
    await gone;
  }

  /** Ends it and removes its data. */
  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #config(): string {
    return join(this.#folder, "server.properties");
  }

  #java(main: string, ...args: readonly string[]): string[] {
    return [...javaOptions, "-cp", classPath("broker"), main, ...args];
  }

  async #settings({
    listeners = {},
    advertised = {},
  }: BrokerAccess): Promise<Record<string, string>> {
    const controller = await freePort();
    for (const name of Object.keys(listeners)) {
      this.addresses.set(name, `127.0.0.1:${await freePort()}`);
    }
    const more = [...this.addresses].map(([name, address]) => `,${name}://${address}`).join("");
    const told = [...this.addresses].map(
      ([name, address]) => `,${name}://${advertised[name] ?? address}`,
    );
    const protocols = Object.entries(listeners).map(([name, protocol]) => `,${name}:${protocol}`);
    return {
      "process.roles": "broker,controller",
      "node.id": "1",
      "controller.quorum.voters": `1@127.0.0.1:${controller}`,
      listeners: `PLAINTEXT://127.0.0.1:${this.#port},CONTROLLER://127.0.0.1:${controller}${more}`,
      "advertised.listeners": `PLAINTEXT://127.0.0.1:${this.#port}${told.join("")}`,
      "listener.security.protocol.map": `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${protocols.join("")}`,
      "controller.listener.names": "CONTROLLER",
      "inter.broker.listener.name": "PLAINTEXT",
      "log.dirs": join(this.#folder, "data"),
      "auto.create.topics.enable": "false",
      "group.initial.rebalance.delay.ms": "0",
      "default.replication.factor": "1",
      "min.insync.replicas": "1",
      "offsets.topic.replication.factor": "1",
      "offsets.topic.num.partitions": "1",
      "transaction.state.log.replication.factor": "1",
      "transaction.state.log.min.isr": "1",
      "transaction.state.log.num.partitions": "1",
      "share.coordinator.state.topic.replication.factor": "1",
      "share.coordinator.state.topic.min.isr": "1",
      // Records are as old as their events: retention would remove them while they are compared.
      "log.retention.ms": "-1",
      // A killed broker must not outlive itself in the controller's eyes: it would skip transaction markers.
      "broker.session.timeout.ms": "500",
      "broker.heartbeat.interval.ms": "100",
    };
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** True once the broker answers the oldest request there is. */
function answers(port: number): Promise<boolean> {
  const apiVersions = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (isUp: boolean): void => {
      socket.destroy();
      resolve(isUp);
    };
    socket.setTimeout(1000, () => end(false));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
    socket.once("data", () => end(true));
    socket.once("connect", () => socket.write(apiVersions));
  });
}
