import { faultTypes } from "../core/fault.ts";
import type { FaultCode } from "../core/fault.ts";
import type { JsonObject } from "../core/json.ts";

/** How much a node's counters have grown. Plain data: it crosses threads. */
export interface CounterValues {
  readonly in: number;
  readonly absorbed: number;
  readonly made: number;
  readonly ports: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<FaultCode, number>;
}

/** What became of the records of one node. Kept in commit records, so totals survive restarts. */
export class NodeCounters {
  readonly node: string;
  readonly kind: "source" | "step" | "sink";
  in = 0;
  absorbed = 0;
  made = 0;
  readonly ports = new Map<string, number>();
  readonly faults = new Map<FaultCode, number>();

  constructor(node: string, kind: "source" | "step" | "sink") {
    this.node = node;
    this.kind = kind;
  }

  countPort(port: string, count = 1): void {
    addTo(this.ports, port, count);
  }

  countFault(code: FaultCode): void {
    addTo(this.faults, code, 1);
  }

  add(values: CounterValues): void {
    this.in += values.in;
    this.absorbed += values.absorbed;
    this.made += values.made;
    for (const [port, count] of values.ports) addTo(this.ports, port, count);
    for (const [code, count] of values.faults) addTo(this.faults, code, count);
  }

  /** What was counted since the last call; counting begins anew. */
  take(): CounterValues {
    const { absorbed, made } = this;
    const values = {
      in: this.in,
      absorbed,
      made,
      ports: new Map(this.ports),
      faults: new Map(this.faults),
    };
    this.in = 0;
    this.absorbed = 0;
    this.made = 0;
    this.ports.clear();
    this.faults.clear();
    return values;
  }

  /** Every record that came in went out on one port or was absorbed (semantics.md section 1). */
  get settled(): boolean {
    let out = this.absorbed - this.made;
    for (const count of this.ports.values()) out += count;
    return out === this.in;
  }

  snapshot(): JsonObject {
    return {
      in: this.in,
      absorbed: this.absorbed,
      made: this.made,
      ports: Object.fromEntries(this.ports),
      faults: Object.fromEntries(this.faults),
    };
  }

  restore(snapshot: JsonObject): void {
    const number = (name: string): number => (snapshot[name] as number | undefined) ?? 0;
    this.in = number("in");
    this.absorbed = number("absorbed");
    this.made = number("made");
    for (const [port, count] of Object.entries((snapshot["ports"] ?? {}) as JsonObject)) {
      this.ports.set(port, count as number);
    }
    for (const [code, count] of Object.entries((snapshot["faults"] ?? {}) as JsonObject)) {
      if (code in faultTypes) this.faults.set(code as FaultCode, count as number);
    }
  }
}

function addTo<Name>(counts: Map<Name, number>, name: Name, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more);
}
