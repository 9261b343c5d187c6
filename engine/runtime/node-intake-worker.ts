import { Worker, parentPort, workerData } from "node:worker_threads";
import type { Catalog } from "../plan/catalog.ts";
import { IntakeServer } from "./intake-server.ts";
import type {
  IntakeReply,
  IntakeRequest,
  IntakeSetup,
  IntakeWorker,
  StartIntakeWorker,
} from "./intake-message.ts";

const ready = "ready";

/** V8 lets a young generation grow to 48 MB and keeps it. Nearly nothing outlives a batch here: 12 MB are enough. */
const resourceLimits = { maxYoungGenerationSizeMb: 12 };

/** Starts the program `entry`, which calls `serveIntake`, on a thread of its own. */
export function nodeIntakeWorker(entry: URL): StartIntakeWorker {
  return async (setup) => {
    const worker = new NodeIntakeWorker(new Worker(entry, { workerData: setup, resourceLimits }));
    await worker.ready();
    return worker;
  };
}

/** The program of that thread. */
export function serveIntake(catalog: Catalog): void {
  const server = new IntakeServer(workerData as IntakeSetup, catalog);
  // oxlint-disable unicorn/require-post-message-target-origin -- between threads there are no origins
  parentPort?.on("message", (request: IntakeRequest) => {
    const reply = server.intake(request);
    parentPort?.postMessage(reply, reply && [reply.buffer]);
  });
  parentPort?.postMessage(ready);
  // oxlint-enable unicorn/require-post-message-target-origin
}

interface Asked {
  resolve(reply: IntakeReply | undefined): void;
  reject(error: unknown): void;
}

class NodeIntakeWorker implements IntakeWorker {
  readonly #worker: Worker;
  /** In the order of the requests, which is that of the replies. */
  readonly #asked: Asked[] = [];
  #failure: unknown;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (reply: IntakeReply | undefined) => this.#asked.shift()?.resolve(reply));
    worker.on("error", (error) => this.#fail(error));
    worker.on("messageerror", (error) => this.#fail(error));
    worker.on("exit", () => this.#fail(new Error("the thread of the intake has ended")));
  }

  /** Its first message says that it is there, whatever is in it. */
  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve: () => resolve(), reject });
    });
  }

  intake(request: IntakeRequest): Promise<IntakeReply | undefined> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      if (this.#failure !== undefined) return this.#fail(this.#failure);
      this.#worker.postMessage(request, [request.batch.buffer]);
    });
  }

  async close(): Promise<void> {
    for (const asked of this.#asked.splice(0)) asked.resolve(undefined);
    await this.#worker.terminate();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const outOfMemory = codeOf(this.#failure) === "ERR_WORKER_OUT_OF_MEMORY";
    for (const asked of this.#asked.splice(0)) {
      if (outOfMemory) asked.resolve(undefined);
      else asked.reject(this.#failure);
    }
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
