import { failpointNames } from "../../engine/core/failpoints.ts";
import type { FailpointName } from "../../engine/core/failpoints.ts";
import type { PipelineProcess, ProcessEnd } from "../crash/pipeline-process.ts";
import type { LifeOptions } from "./orders-round.ts";

/** How far the delivery of its last committed epoch was when a process died. */
export type Standing = "unanswered" | "answered" | "finished";

/** What the start after that found. */
export type Verdict = "deliver" | "already there, unanswered" | "already there, answered";

/** The commit record of an epoch is durable, and its delivery is next: at once, or by a later life. */
export const deliveryBegins: readonly FailpointName[] = [
  "commit.record.after",
  "recover.deliver.before",
];
const answers: readonly FailpointName[] = ["kafka.answer.after", "recover.deliver.after"];
const finishes: readonly FailpointName[] = ["outbox.remove.before", "outbox.remove.after"];
const tellAll = failpointNames.map((name) => `${name}=tell`);
const settledLine = /had left a transaction open after an unclean stop; settled/;

/** A process that tells each place it comes to before anything happens there: its last words are facts. */
export class WatchedLife {
  readonly told: FailpointName[] = [];
  readonly ended: Promise<ProcessEnd>;
  /** It has closed a transaction that a broker had left open. */
  settled = false;
  /** From the commit record to the answer to the end of the transaction, as they were heard of, ms. */
  readonly deliveriesMs: number[] = [];
  readonly #process: PipelineProcess;
  readonly #waiting: { names: readonly FailpointName[]; left: number; act: () => void }[] = [];
  #begunAtMs = 0;

  /** `failpoints`: what else than telling happens at the places. */
  constructor(
    start: (options: LifeOptions) => PipelineProcess,
    failpoints: readonly string[] = [],
  ) {
    this.#process = start({
      failpoints: [...tellAll, ...failpoints].join(","),
      onLine: (line) => this.#hear(line),
    });
    this.ended = this.#process.ended;
  }

  get pid(): number {
    return this.#process.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Acts when it comes to one of these places for the `nth` time, from 1. */
  at(names: readonly FailpointName[], nth: number, act: () => void): void {
    this.#waiting.push({ names, left: nth, act });
  }

  /** Throws if it ends without coming there for the `nth` time. */
  async reached(name: FailpointName, nth: number): Promise<void> {
    const there = new Promise<"there">((resolve) => {
      this.at([name], nth, () => resolve("there"));
    });
    const first = await Promise.race([there, this.ended]);
    if (first !== "there") throw new Error(`${name} was not reached: ${first.stderr}`);
  }

  /** Undefined: it did not commit, and had nothing to deliver. */
  get standing(): Standing | undefined {
    const last = (names: readonly FailpointName[]): number =>
      Math.max(...names.map((name) => this.told.lastIndexOf(name)));
    const begun = last(deliveryBegins);
    if (begun < 0) return undefined;
    if (last(finishes) > begun) return "finished";
    return last(answers) > begun ? "answered" : "unanswered";
  }

  /** `before`: how the life before it stood. Undefined if it died before it knew, or all was finished. */
  verdict(before: Standing): Verdict | undefined {
    if (before === "finished") return undefined;
    const { told } = this;
    const begun = told.indexOf("recover.deliver.before");
    const ended = told.indexOf("recover.deliver.after", begun);
    const joined = told.indexOf("kafka.join.before", begun);
    if (begun >= 0 && joined >= 0 && (ended < 0 || joined < ended)) return "deliver";
    const hasDecided =
      begun < 0
        ? told.includes("kafka.barrier.after") && told.at(-1) !== "kafka.barrier.after"
        : ended >= 0;
    return hasDecided ? `already there, ${before}` : undefined;
  }

  #hear(line: string): void {
    if (settledLine.test(line)) this.settled = true;
    const name = failpointNames.find((known) => line === `failpoint ${known}`);
    if (name === undefined) return;
    this.told.push(name);
    if (name === "commit.record.after") this.#begunAtMs = performance.now();
    if (name === "kafka.answer.after" && this.#begunAtMs > 0) {
      this.deliveriesMs.push(performance.now() - this.#begunAtMs);
      this.#begunAtMs = 0;
    }
    for (const one of this.#waiting) {
      if (!one.names.includes(name)) continue;
      one.left -= 1;
      if (one.left === 0) one.act();
    }
  }
}
