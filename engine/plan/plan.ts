import type { JsonObject, JsonValue } from "../core/json.ts";
import type { RoundingMode } from "../core/decimal.ts";
import type { ExpressionSource } from "../operators/operator.ts";

/** A port by its owner: a source or step id (`main`, `rejected`, ...), or `sinks.<id>` with `rejected`. */
export interface PortReference {
  readonly node: string;
  readonly port: string;
}

export type PortShape =
  | { readonly kind: "facts" }
  | { readonly kind: "changes"; readonly key: readonly string[] };

export interface PlanPort {
  readonly name: string;
  readonly kind: "main" | "side" | "error";
  readonly shape: PortShape;
}

export interface PlanSource {
  readonly id: string;
  readonly type: string;
  readonly config: JsonObject;
  readonly bounded: boolean;
  readonly maxRecordBytes: number;
  readonly eventTime: {
    readonly field: readonly string[];
    readonly format: "rfc3339" | "epoch_millis";
  } | null;
  readonly watermark: {
    readonly maxOutOfOrdernessMs: number;
    readonly idleTimeoutMs: number | null;
    readonly maxFutureSkewMs: number | null;
  };
}

export interface PlanStep {
  readonly id: string;
  readonly type: string;
  readonly was: string | null;
  readonly inputs: readonly PortReference[];
  readonly config: JsonObject;
  readonly ports: readonly PlanPort[];
  readonly stateful: boolean;
  /** `intake`: in the stateless prefix of a source, may run on a second thread. `state`: on the state thread. */
  readonly stage: "intake" | "state";
}

export interface PlanSink {
  readonly id: string;
  readonly type: string;
  readonly inputs: readonly PortReference[];
  readonly config: JsonObject;
  readonly key: ExpressionSource | null;
  readonly set: readonly { readonly field: string; readonly value: ExpressionSource }[] | null;
  /** `raw`: the bytes of the source record as they came; `set` is then null. */
  readonly format: "json" | "raw";
  /** False for a sink that consumes error ports: it writes the bare envelope instead. */
  readonly rejects: boolean;
}

export interface PlanTable {
  readonly name: string;
  readonly key: string;
  readonly columns: Readonly<Record<string, "decimal" | "text" | "number" | "boolean">>;
  /** Decimals as text. */
  readonly rows: Readonly<Record<string, JsonObject>>;
}

/** Layout of the keyed state of one step: two plans with equal layouts may share a state directory. */
export interface StateLayout {
  readonly step: string;
  readonly was: string | null;
  readonly type: string;
  readonly states: Readonly<Record<string, { readonly version: number }>>;
  readonly layout: JsonValue;
}

/**
 * A job, resolved: frozen plain JSON with every default. Whatever runs, draws or explains a job reads this and
 * nothing else. Steps are in an order in which each stands behind its inputs; sinks likewise (error sinks last).
 */
export interface Plan {
  readonly kind: "plan";
  readonly version: 1;
  readonly job: string;
  readonly description: string | null;
  /** Folder that relative paths in configs start from, as given by the caller. */
  readonly baseDirectory: string;
  readonly rounding: RoundingMode;
  readonly checkpoint: {
    readonly intervalMs: number;
    readonly maxBytes: number;
    readonly maxRecords: number;
  };
  readonly kafka: JsonObject;
  /** Values that `$param` reads; secrets are left out. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly tables: readonly PlanTable[];
  readonly sources: readonly PlanSource[];
  readonly steps: readonly PlanStep[];
  readonly sinks: readonly PlanSink[];
  readonly discarded: readonly PortReference[];
  readonly stateLayout: readonly StateLayout[];
}
