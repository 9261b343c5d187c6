import type { JsonObject } from "../core/json.ts";
import type { SinkDefinition, SourceDefinition } from "../connectors/connector.ts";
import type { StepDefinition } from "../operators/operator.ts";

/** Everything a spec may name, handed to `plan/` and `runtime/` by whoever starts them. */
export interface Catalog {
  readonly steps: readonly StepDefinition[];
  readonly sources: readonly SourceDefinition[];
  readonly sinks: readonly SinkDefinition[];
  /** JSON Schema of the job's `kafka:` block; without one there is no such block. */
  readonly kafkaSchema?: JsonObject;
}
