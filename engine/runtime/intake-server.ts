import type { Catalog } from "../plan/catalog.ts";
import { RunEvaluation } from "./evaluation-scope.ts";
import { Graph } from "./graph.ts";
import type { IntakeReply, IntakeRequest, IntakeSetup } from "./intake-message.ts";

/** The worker's half of the intake: the steps in front of the state, built once, batch after batch. */
export class IntakeServer {
  readonly #graph: Graph;

  constructor({ plan, sources }: IntakeSetup, catalog: Catalog) {
    const elsewhere = (what: string) => (): never => {
      throw new Error(`${what} is the state thread's`);
    };
    this.#graph = new Graph({
      plan,
      part: "intake",
      catalog,
      evaluation: new RunEvaluation(),
      sources,
      stateOf: () => ({
        timedKeySet: elsewhere("keyed state"),
        windowStore: elsewhere("keyed state"),
      }),
      writerOf: elsewhere("output"),
    });
  }

  intake(request: IntakeRequest): IntakeReply {
    return this.#graph.intake(request);
  }
}
