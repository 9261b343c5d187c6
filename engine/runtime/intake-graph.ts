import type { Catalog } from "../plan/catalog.ts";
import { RunEvaluation } from "./evaluation-scope.ts";
import { Graph } from "./graph.ts";
import type { IntakeSetup } from "./intake-message.ts";

/** The steps in front of the state alone: what they count, and what time they take it to be, is nobody else's. */
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
