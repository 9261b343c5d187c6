import type { Catalog } from "../plan/catalog.ts";
import { RunEvaluation } from "./evaluation-scope.ts";
import { fieldsReadBehind } from "./fields-behind.ts";
import { Graph } from "./graph.ts";
import { batchOf, replyOf } from "./intake-message.ts";
import type { IntakeReply, IntakeRequest, IntakeSetup } from "./intake-message.ts";

/** The steps in front of the state alone: what they count, and when they think it is, is nobody else's. */
export function intakeGraph({ plan, sources }: IntakeSetup, catalog: Catalog): Graph {
  const elsewhere = (): never => {
    throw new Error("keyed state and outputs are behind the border");
  };
  return new Graph({
    plan,
    part: "intake",
    catalog,
    evaluation: new RunEvaluation(),
    sources,
    stateOf: () => ({ timedKeySet: elsewhere, windowStore: elsewhere }),
    writerOf: elsewhere,
  });
}

/** The worker's half of the intake. */
export class IntakeServer {
  readonly #graph: Graph;
  readonly #fields: readonly string[];

  constructor(setup: IntakeSetup, catalog: Catalog) {
    this.#graph = intakeGraph(setup, catalog);
    this.#fields = fieldsReadBehind(setup.plan);
  }

  intake({ sourceId, batch, processingTimeMs }: IntakeRequest): IntakeReply {
    return replyOf(this.#graph.intake(sourceId, batchOf(batch), processingTimeMs), this.#fields);
  }
}
