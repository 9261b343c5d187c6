import type { Catalog } from "../plan/catalog.ts";
import { fieldsBehind } from "./fields-behind.ts";
import type { Graph } from "./graph.ts";
import { intakeGraph } from "./intake-graph.ts";
import { batchOf, replyOf } from "./intake-message.ts";
import type { IntakeReply, IntakeRequest, IntakeSetup } from "./intake-message.ts";

/** The worker's half of the intake. Undefined: too large to cross. */
export class IntakeServer {
  readonly #graph: Graph;
  readonly #fields: readonly string[];

  constructor(setup: IntakeSetup, catalog: Catalog) {
    this.#graph = intakeGraph(setup, catalog);
    this.#fields = fieldsBehind(setup.plan);
  }

  intake({
    sourceId,
    batch,
    processingTimeMs,
    closesLane,
  }: IntakeRequest): IntakeReply | undefined {
    const rows = this.#graph.intake(sourceId, batchOf(batch), processingTimeMs, closesLane);
    return replyOf(batch.buffer, rows, this.#fields);
  }
}
