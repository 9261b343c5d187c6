import { faultTypes } from "../core/fault.ts";
import type { FaultCode } from "../core/fault.ts";
import type { JsonObject } from "../core/json.ts";

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

  countPort(port: string): void {
    this.ports.set(port, (this.ports.get(port) ?? 0) + 1);
  }

  countFault(code: FaultCode): void {
    this.faults.set(code, (this.faults.get(code) ?? 0) + 1);
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
