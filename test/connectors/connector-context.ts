import type { Clock } from "../../engine/core/clock.ts";
import { noFailpoints } from "../../engine/core/failpoints.ts";
import type { EvaluationContext } from "../../engine/expression/expression.ts";
import type { ConnectorContext } from "../../engine/connectors/connector.ts";
import { nodeFiles } from "../../engine/runtime/node-files.ts";

function evaluationContext(): EvaluationContext {
  return {
    eventTimeMs: Number.NaN,
    brokerTimeMs: Number.NaN,
    processingTimeMs: 0,
    result: undefined,
    error: undefined,
    late: undefined,
    index: 0,
    random: () => 0,
  };
}

/** Moves on only by what sleeps through it. */
export class SleepingClock implements Clock {
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  set(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  async sleep(ms: number): Promise<void> {
    this.#nowMs += ms;
  }
}

/** A context on the machine's files, without expressions. */
export function connectorContext(
  baseDirectory: string,
  changes: Partial<ConnectorContext> = {},
): ConnectorContext {
  return {
    job: "job",
    files: nodeFiles,
    clock: new SleepingClock(),
    failpoints: noFailpoints,
    logger: { info() {}, warn() {}, error() {} },
    stop: new AbortController().signal,
    topicsDirectory: `${baseDirectory}/topics`,
    baseDirectory,
    maxRecordBytes: 1 << 20,
    compile() {
      throw new Error("no expressions here");
    },
    evaluation: evaluationContext(),
    ...changes,
  };
}
