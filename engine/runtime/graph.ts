import type { JsonObject } from "../core/json.ts";
import type { Origin, RawBatch } from "../core/record.ts";
import type { Catalog } from "../plan/catalog.ts";
import type { Plan, PlanPort, PlanSink, PlanStep, PortReference } from "../plan/plan.ts";
import { compileRecordSchema } from "../schema/compile-schema.ts";
import type { StepState } from "../state/state.ts";
import type { RunEvaluation } from "./evaluation-scope.ts";
import { expressionCompiler } from "./expressions.ts";
import { Lanes, partitionLaneName } from "./lanes.ts";
import { NodeCounters } from "./node-counters.ts";
import type { CounterValues } from "./node-counters.ts";
import { Cursor, OutputPort } from "./output-port.ts";
import { idleRow, PortBuffer, watermarkRow } from "./port-buffer.ts";
import type { PortRows } from "./port-buffer.ts";
import { SinkNode } from "./sink-node.ts";
import type { OutputWriter } from "./sink-node.ts";
import { SourceNode } from "./source-node.ts";
import { StepClock } from "./step-clock.ts";
import { StepNode } from "./step-node.ts";

export interface GraphOptions {
  readonly plan: Plan;
  /** `intake`: only the steps in front of the border. */
  readonly part?: "intake";
  readonly catalog: Catalog;
  readonly evaluation: RunEvaluation;
  /** Of opened sources: what to call them in envelopes, and how many partitions they have. */
  readonly sources: ReadonlyMap<string, { readonly name: string; readonly partitions: number }>;
  readonly stateOf: (stepId: string) => StepState;
  readonly writerOf: (sinkId: string) => OutputWriter;
  /** What the target of a sink takes as it was found, where that is less than its type says. */
  readonly maxRecordBytesOf?: (sinkId: string) => number | undefined;
}

/** A batch at the border: what the steps in front made of it. */
export interface BorderRows {
  /** By what the batch has changed them. */
  readonly counters: readonly CounterValues[];
  /** Of each port at the border. */
  readonly ports: readonly PortRows[];
  /** When the batch was taken to the border: at times older than that of the one before it. */
  readonly processingTimeMs: number;
}

function definitionOf<D extends { readonly type: string }>(list: readonly D[], type: string): D {
  const found = list.find((definition) => definition.type === type);
  if (found === undefined) throw new Error(`the catalog has no ${type}`);
  return found;
}

/**
 * The operator graph of a plan, ready to take batches. Its border is where the stateless steps in front of the state
 * end: up to there another graph, on another thread, may have taken a batch.
 */
export class Graph {
  readonly lanes = new Lanes();
  /** The ports that something behind the border reads. */
  readonly #border: readonly PortBuffer[];
  readonly #plan: Plan;
  readonly #options: GraphOptions;
  readonly #buffers = new Map<string, PortBuffer>();
  readonly #cursor = new Cursor();
  readonly #sources = new Map<string, SourceNode>();
  /** In the plan's order, and by the side of the border. */
  readonly #steps: StepNode[] = [];
  readonly #intakeSteps: StepNode[] = [];
  readonly #stateSteps: StepNode[] = [];
  readonly #sinks: SinkNode[] = [];
  readonly #outputLanes = new Map<string, number>();

  constructor(options: GraphOptions) {
    this.#plan = options.plan;
    this.#options = options;
    this.#addLanes();
    const compile = expressionCompiler(options.plan);
    for (const source of this.#plan.sources) {
      const opened = options.sources.get(source.id);
      const buffers = {
        main: this.#buffer({ node: source.id, port: "main" }),
        rejected: this.#buffer({ node: source.id, port: "rejected" }),
      };
      const name = opened?.name ?? source.id;
      this.#sources.set(source.id, new SourceNode(source, name, buffers, options.evaluation));
    }
    this.#border = this.#borderPorts().map((port) => this.#buffer(port));
    for (const step of this.#plan.steps) {
      if (step.stage === "state" && options.part === "intake") continue;
      const node = this.#stepNode(step, compile);
      this.#steps.push(node);
      (step.stage === "state" ? this.#stateSteps : this.#intakeSteps).push(node);
    }
    if (options.part === "intake") return;
    for (const sink of this.#plan.sinks) this.#sinks.push(this.#sinkNode(sink, compile));
  }

  /** Takes one polled batch through all nodes. Synchronous: sinks have been handed everything when it returns. */
  process(sourceId: string, batch: RawBatch, processingTimeMs: number, closesLane: boolean): void {
    this.#decode(sourceId, batch, processingTimeMs, closesLane);
    this.#runState();
  }

  /** The first half of `process`, in a graph that ends at the border. Its counters begin anew. */
  intake(
    sourceId: string,
    batch: RawBatch,
    processingTimeMs: number,
    closesLane: boolean,
  ): BorderRows {
    this.#decode(sourceId, batch, processingTimeMs, closesLane);
    const ports = this.#border.map((buffer) => buffer.take());
    this.#clear();
    const counters = this.#intakeCounters.map((node) => node.take());
    return { ports, counters, processingTimeMs };
  }

  /** The second half of `process`, for a batch that another graph has taken to the border. */
  finish({ ports, counters, processingTimeMs }: BorderRows): void {
    this.#options.evaluation.context.processingTimeMs = processingTimeMs;
    for (const [index, node] of this.#intakeCounters.entries()) {
      node.add(counters[index] as CounterValues);
    }
    for (const [index, buffer] of this.#border.entries()) buffer.put(ports[index] as PortRows);
    this.#runState();
  }

  /** Where the records of a batch come from, and on which lane they are. */
  placeOf(sourceId: string, batch: RawBatch): { readonly origin: Origin; readonly lane: number } {
    return {
      origin: this.#source(sourceId).originOf(batch),
      lane: this.#laneOf(sourceId, batch.partition),
    };
  }

  /** The lane has been without records for its `idle_timeout`: it no longer holds watermarks back. */
  rest(sourceId: string, partition: number, processingTimeMs: number): void {
    this.#options.evaluation.context.processingTimeMs = processingTimeMs;
    this.#source(sourceId).mark(idleRow, this.#laneOf(sourceId, partition), 0);
    this.#runIntake();
    this.#runState();
  }

  get counters(): readonly NodeCounters[] {
    return [...this.#sources.values(), ...this.#steps, ...this.#sinks].map((node) => node.counters);
  }

  get #intakeCounters(): readonly NodeCounters[] {
    return [...this.#sources.values(), ...this.#intakeSteps].map((node) => node.counters);
  }

  get steps(): readonly StepNode[] {
    return this.#steps;
  }

  /** Clocks of every stateful step, for the commit record. */
  clocks(): JsonObject {
    return Object.fromEntries(
      this.#stateSteps.flatMap(({ id, clock }) =>
        clock === undefined ? [] : [[id, clock.snapshot()]],
      ),
    );
  }

  /** True if windows fired at once, as they do when their allowed lateness has become shorter. */
  restoreClocks(
    snapshot: JsonObject,
    idBefore: (stepId: string) => string,
    processingTimeMs: number,
  ): boolean {
    this.#options.evaluation.context.processingTimeMs = processingTimeMs;
    const madeBefore = this.#made;
    for (const step of this.#stateSteps) {
      const saved = snapshot[idBefore(step.id)] as JsonObject | undefined;
      if (step.clock === undefined || saved === undefined) continue;
      step.clock.restore(saved);
      step.resume();
    }
    this.#runState();
    return this.#made > madeBefore;
  }

  get #made(): number {
    return this.#stateSteps.reduce((sum, { counters }) => sum + counters.made, 0);
  }

  #decode(sourceId: string, batch: RawBatch, processingTimeMs: number, closesLane: boolean): void {
    this.#options.evaluation.context.processingTimeMs = processingTimeMs;
    const source = this.#source(sourceId);
    const lane = this.#laneOf(sourceId, batch.partition);
    source.decode(batch, lane);
    if (closesLane) source.mark(watermarkRow, lane, batch.starts.length);
    this.#runIntake();
  }

  #runIntake(): void {
    for (const step of this.#intakeSteps) step.run();
  }

  #runState(): void {
    for (const step of this.#stateSteps) step.run();
    for (const sink of this.#sinks) sink.run();
    this.#clear();
  }

  #clear(): void {
    for (const buffer of this.#buffers.values()) buffer.clear();
  }

  /** Each port before the border that a step or sink behind it reads, once. */
  #borderPorts(): readonly PortReference[] {
    const { sources, steps, sinks } = this.#plan;
    const stateful = steps.filter(({ stage }) => stage === "state");
    const before = new Set([
      ...sources.map(({ id }) => id),
      ...steps.filter(({ stage }) => stage === "intake").map(({ id }) => id),
    ]);
    const crossing = [...stateful, ...sinks]
      .flatMap(({ inputs }) => inputs)
      .filter(({ node }) => before.has(node));
    return crossing.filter((port, index) => crossing.findIndex(same(port)) === index);
  }

  #addLanes(): void {
    for (const { id, watermark } of this.#plan.sources) {
      const partitions = this.#options.sources.get(id)?.partitions ?? 0;
      for (let partition = 0; partition < partitions; partition++) {
        this.lanes.add({
          name: partitionLaneName(id, partition),
          maxOutOfOrdernessMs: watermark.maxOutOfOrdernessMs,
        });
      }
    }
    for (const step of this.#plan.steps) {
      if (this.#stepDefinition(step).outputDelayMs === undefined) continue;
      const lane = this.lanes.add({ name: step.id, maxOutOfOrdernessMs: Infinity });
      this.#outputLanes.set(step.id, lane);
    }
  }

  #stepNode(step: PlanStep, compile: ReturnType<typeof expressionCompiler>): StepNode {
    const { evaluation } = this.#options;
    const definition = this.#stepDefinition(step);
    const counters = new NodeCounters(step.id, "step");
    const outputLane = this.#outputLanes.get(step.id);
    return new StepNode({
      step,
      operator: definition.create(step.config, {
        stepId: step.id,
        compile,
        recordSchema: compileRecordSchema,
        state: this.#options.stateOf(step.id),
        evaluation,
        rounding: this.#plan.rounding,
      }),
      inputs: step.inputs.map((input) => this.#buffer(input)),
      ports: step.ports.map((port) => this.#port(step.id, port, counters, outputLane)),
      counters,
      cursor: this.#cursor,
      clock: step.stateful
        ? new StepClock(
            this.lanes,
            step.inputs.map((input) => [...this.#lanesOf(input)]),
          )
        : undefined,
      absorbs: definition.absorbs,
      output:
        outputLane === undefined
          ? undefined
          : { lane: outputLane, delayMs: definition.outputDelayMs?.(step.config) ?? 0 },
    });
  }

  #sinkNode(sink: PlanSink, compile: ReturnType<typeof expressionCompiler>): SinkNode {
    const counters = new NodeCounters(sink.id, "sink");
    const definition = definitionOf(this.#options.catalog.sinks, sink.type);
    const rejected = { name: "rejected", kind: "error", shape: { kind: "facts" } } as const;
    return new SinkNode({
      sink,
      inputs: sink.inputs.map((input) => this.#buffer(input)),
      rejected: sink.rejects
        ? this.#port(`sinks.${sink.id}`, rejected, counters, undefined)
        : undefined,
      counters,
      cursor: this.#cursor,
      evaluation: this.#options.evaluation,
      compile,
      maxValueBytes:
        this.#options.maxRecordBytesOf?.(sink.id) ?? definition.maxValueBytes(sink.config),
      writer: this.#options.writerOf(sink.id),
    });
  }

  #port(
    nodeId: string,
    port: PlanPort,
    counters: NodeCounters,
    outputLane: number | undefined,
  ): OutputPort {
    return new OutputPort({
      name: port.name,
      kind: port.kind,
      nodeId,
      buffer: this.#buffer({ node: nodeId, port: port.name }),
      counters,
      cursor: this.#cursor,
      evaluation: this.#options.evaluation,
      lanes: this.lanes,
      outputLane,
    });
  }

  #buffer(reference: PortReference): PortBuffer {
    const name = `${reference.node}.${reference.port}`;
    let buffer = this.#buffers.get(name);
    if (buffer === undefined) {
      const sinks = this.#plan.sinks.some((sink) => sink.inputs.some(same(reference)));
      const read = sinks || this.#readers(reference).length > 0;
      buffer = new PortBuffer({ read, carriesTime: this.#carriesTime(reference) });
      this.#buffers.set(name, buffer);
    }
    return buffer;
  }

  #readers(reference: PortReference): readonly PlanStep[] {
    return this.#plan.steps.filter((step) => step.inputs.some(same(reference)));
  }

  /** True if some clock downstream counts the time of this port's rows. */
  #carriesTime(reference: PortReference): boolean {
    return this.#readers(reference).some(
      (step) =>
        step.stateful ||
        step.ports.some(
          (port) => port.kind !== "error" && this.#carriesTime({ node: step.id, port: port.name }),
        ),
    );
  }

  /** The lanes whose records can arrive over a port. */
  #lanesOf(reference: PortReference): ReadonlySet<number> {
    const { node, port } = reference;
    const partitions = this.#options.sources.get(node)?.partitions;
    if (partitions !== undefined) {
      return new Set(Array.from({ length: partitions }, (_, index) => this.#laneOf(node, index)));
    }
    const own = this.#outputLanes.get(node);
    if (own !== undefined && port === "main") return new Set([own]);
    const step = this.#plan.steps.find(({ id }) => id === node);
    return new Set((step?.inputs ?? []).flatMap((input) => [...this.#lanesOf(input)]));
  }

  #laneOf(sourceId: string, partition: number): number {
    const lane = this.lanes.numberOf(partitionLaneName(sourceId, partition));
    if (lane === undefined) throw new RangeError(`${sourceId} has no partition ${partition}`);
    return lane;
  }

  #source(id: string): SourceNode {
    const source = this.#sources.get(id);
    if (source === undefined) throw new RangeError(`no source ${id}`);
    return source;
  }

  #stepDefinition(step: PlanStep) {
    return definitionOf(this.#options.catalog.steps, step.type);
  }
}

function same(a: PortReference): (b: PortReference) => boolean {
  return (b) => a.node === b.node && a.port === b.port;
}
