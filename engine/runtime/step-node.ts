import type { StreamRecord } from "../core/record.ts";
import type { Operator, Outputs } from "../operators/operator.ts";
import type { PlanStep } from "../plan/plan.ts";
import type { NodeCounters } from "./node-counters.ts";
import type { Cursor, OutputPort } from "./output-port.ts";
import { ghostRow, mergeInOrder, recordRow, watermarkRow } from "./port-buffer.ts";
import type { Mark, PortBuffer, RowKind } from "./port-buffer.ts";
import type { StepClock } from "./step-clock.ts";

export interface StepNodeOptions {
  readonly step: PlanStep;
  readonly operator: Operator;
  readonly inputs: readonly PortBuffer[];
  readonly ports: readonly OutputPort[];
  readonly counters: NodeCounters;
  readonly cursor: Cursor;
  /** Stateful steps only. */
  readonly clock: StepClock | undefined;
  readonly absorbs: boolean;
  /** Steps that make records: their own lane and how far its watermark trails W. */
  readonly output: { readonly lane: number; readonly delayMs: number } | undefined;
}

/**
 * Drives one step over a batch: merges its inputs in causal order, asks and moves its clocks around each record,
 * fires when the watermark rises, and passes time by on the ports that need it.
 */
export class StepNode {
  readonly id: string;
  readonly counters: NodeCounters;
  readonly clock: StepClock | undefined;
  readonly operator: Operator;
  readonly #inputs: readonly PortBuffer[];
  readonly #out: Outputs<string>;
  readonly #cursor: Cursor;
  readonly #absorbs: boolean;
  readonly #output: StepNodeOptions["output"];
  /** Facts ports that a clock downstream reads through: settled rows appear there as ghosts. */
  readonly #timePorts: readonly OutputPort[];
  readonly #mainPort: OutputPort | undefined;

  constructor(options: StepNodeOptions) {
    this.id = options.step.id;
    this.counters = options.counters;
    this.clock = options.clock;
    this.operator = options.operator;
    this.#inputs = options.inputs;
    this.#cursor = options.cursor;
    this.#absorbs = options.absorbs;
    this.#output = options.output;
    this.#out = Object.fromEntries(options.ports.map((port) => [port.name, port]));
    this.#mainPort = options.ports.find((port) => port.kind === "main");
    // The main port of a step with a lane of its own carries that lane's time only.
    this.#timePorts = options.ports.filter(
      (port) =>
        port.kind !== "error" &&
        port.buffer.carriesTime &&
        !(options.output !== undefined && port.kind === "main"),
    );
  }

  run(): void {
    mergeInOrder(this.#inputs, (input, kind, row) => {
      this.#cursor.sequence = row.sequence;
      if (kind === recordRow) this.#settle(input, row as StreamRecord);
      else this.#passTime(input, kind, row);
    });
  }

  /** After a restart: the operator learns the watermark that the restored clock stands at. */
  resume(): void {
    this.#cursor.sequence = 0;
    if (this.clock !== undefined && this.clock.watermark > -Infinity) this.#fire(this.clock);
  }

  #settle(input: number, record: StreamRecord): void {
    const { counters, clock } = this;
    const cursor = this.#cursor;
    counters.in += 1;
    cursor.emitted = 0;
    cursor.port = undefined;
    const watermarkMs = clock?.laneWatermark(input, record.lane) ?? -Infinity;
    this.operator.onRecord(record, this.#out, watermarkMs);
    if (cursor.emitted === 0 && this.#absorbs) counters.absorbed += 1;
    else if (cursor.emitted !== 1) {
      throw new Error(`step ${this.id} settled a record ${cursor.emitted} times`);
    }
    const taker = cursor.taker();
    // A failed record moves no clock, neither here nor behind.
    if (taker?.kind === "error") return;
    for (const port of this.#timePorts) {
      if (port !== taker) port.buffer.push(ghostRow, record);
    }
    if (clock?.observe(input, record.lane, record.eventTimeMs) === true) this.#fire(clock);
  }

  #passTime(input: number, kind: RowKind, row: StreamRecord | Mark): void {
    for (const port of this.#timePorts) port.buffer.push(kind, row);
    const { clock } = this;
    if (clock === undefined) return;
    const rose =
      kind === ghostRow
        ? clock.observe(input, row.lane, row.eventTimeMs)
        : kind === watermarkRow
          ? clock.raise(input, row.lane, row.eventTimeMs)
          : clock.rest(input, row.lane);
    if (rose) this.#fire(clock);
  }

  /** Results go downstream with the watermark before them; then the lane's watermark rises. */
  #fire(clock: StepClock): void {
    this.operator.onWatermark?.(clock.watermark, this.#out);
    const output = this.#output;
    if (output === undefined || this.#mainPort?.buffer.carriesTime !== true) return;
    this.#mainPort.buffer.push(watermarkRow, {
      lane: output.lane,
      sequence: this.#cursor.sequence + 1,
      eventTimeMs: clock.watermark - output.delayMs,
    });
  }
}
