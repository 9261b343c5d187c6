import type { ApiName, BrokerRequest } from "./broker-server.ts";

/** Before a request is acted upon, or after that and before its answer. */
export type Point = "request" | "answer";

/** A request or an answer that waits at a broker until the test lets it go. */
export class Held {
  /** Resolves when it is there. */
  readonly arrived: Promise<void>;
  readonly #released: Promise<void>;
  #arrive: () => void = () => undefined;
  #release: () => void = () => undefined;

  constructor() {
    this.arrived = new Promise((resolve) => (this.#arrive = resolve));
    this.#released = new Promise((resolve) => (this.#release = resolve));
  }

  /** What was held goes on, also if nobody waits for it any more. */
  release(): void {
    this.#release();
  }

  async wait(): Promise<void> {
    this.#arrive();
    await this.#released;
  }
}

interface Step {
  readonly api: ApiName;
  readonly when: (body: Buffer) => boolean;
  readonly at: Point;
  /** Undefined: lost, and the connection with it. */
  readonly held: Held | undefined;
}

interface Refusal {
  readonly api: ApiName;
  readonly code: number;
  /** Undefined: whatever it is about. */
  readonly topic: string | undefined;
  left: number;
}

const always = (): boolean => true;

/** What befalls requests, each step once and in the order in which they were given. */
export class Script {
  readonly #steps: Step[] = [];
  readonly #refusals: Refusal[] = [];

  /** The next such request, or its answer, waits. */
  hold(api: ApiName, at: Point, when: (body: Buffer) => boolean = always): Held {
    const held = new Held();
    this.#steps.push({ api, at, when, held });
    return held;
  }

  /** The next such request, or its answer, is lost with its connection. */
  lose(api: ApiName, at: Point, when: (body: Buffer) => boolean = always): void {
    this.#steps.push({ api, at, when, held: undefined });
  }

  /** Such requests get this error code and nothing is done, `times` times or until the function that this gives is called. */
  refuse(
    api: ApiName,
    code: number,
    options: { readonly topic?: string; readonly times?: number } = {},
  ): () => void {
    const refusal = { api, code, topic: options.topic, left: options.times ?? Infinity };
    this.#refusals.push(refusal);
    return () => (refusal.left = 0);
  }

  /** The step that is meant for a request. */
  stepFor({ api, body }: BrokerRequest): Step | undefined {
    const index = this.#steps.findIndex((step) => step.api === api && step.when(body));
    return index < 0 ? undefined : this.#steps.splice(index, 1)[0];
  }

  /** The error code for what one request wants of a topic; 0 if it is not refused. */
  refusalFor(api: ApiName): (topic?: string) => number {
    const met = new Set<Refusal>();
    return (topic) => {
      const refusal = this.#refusals.find(
        (one) =>
          one.api === api &&
          (one.left > 0 || met.has(one)) &&
          (one.topic === undefined || one.topic === topic),
      );
      if (refusal === undefined) return 0;
      // A request counts once, however many partitions it is about.
      if (!met.has(refusal)) refusal.left -= 1;
      met.add(refusal);
      return refusal.code;
    };
  }
}
