import type {
  ConnectorContext,
  PositionedSink,
  SinkDefinition,
  Source,
} from "../connectors/connector.ts";
import type { DeliveryTarget } from "../checkpoint/delivery.ts";
import type { Plan, PlanSink, PlanSource } from "../plan/plan.ts";
import type { EvaluationContext } from "../expression/expression.ts";
import { expressionCompiler } from "./expressions.ts";
import type { RunOptions, RunPorts } from "./run.ts";

/** One system that topic sinks deliver to, and the topics the job writes there. */
export interface TargetConnection {
  readonly target: DeliveryTarget;
  readonly topics: string[];
}

export type ConnectionOptions = Pick<RunOptions, "topicsDirectory">;
export type ConnectionPorts = Pick<
  RunPorts,
  "clock" | "files" | "failpoints" | "logger" | "catalog" | "secrets" | "stop"
>;

/** Sources, file sinks and delivery targets of a plan: made, not yet opened. */
export class Connections {
  readonly sources = new Map<string, { readonly plan: PlanSource; readonly source: Source }>();
  readonly files = new Map<string, PositionedSink>();
  readonly targets = new Map<string, TargetConnection>();
  /** By sink id: its target and its topic's number there. */
  readonly topicOf = new Map<string, { readonly targetId: string; readonly topic: number }>();

  constructor(
    plan: Plan,
    options: ConnectionOptions,
    ports: ConnectionPorts,
    evaluation: EvaluationContext,
  ) {
    const compile = expressionCompiler(plan);
    const context = (maxRecordBytes: number): ConnectorContext => ({
      job: plan.job,
      files: ports.files,
      clock: ports.clock,
      failpoints: ports.failpoints,
      logger: ports.logger,
      stop: ports.stop,
      topicsDirectory: options.topicsDirectory,
      baseDirectory: plan.baseDirectory,
      maxRecordBytes,
      compile,
      evaluation,
      ...(ports.secrets === undefined ? {} : { secrets: ports.secrets }),
    });
    for (const source of plan.sources) {
      const definition = ports.catalog.sources.find(({ type }) => type === source.type);
      if (definition === undefined) throw new Error(`the catalog has no source ${source.type}`);
      const made = definition.create(source.config, context(source.maxRecordBytes));
      this.sources.set(source.id, { plan: source, source: made });
    }
    for (const sink of plan.sinks) {
      const definition = ports.catalog.sinks.find(({ type }) => type === sink.type);
      if (definition === undefined) throw new Error(`the catalog has no sink ${sink.type}`);
      this.#addSink(sink, definition, context(0));
    }
  }

  /** How many bytes key and value of a record may have together; known after the targets were prepared. */
  maxRecordBytes(sinkId: string): number | undefined {
    const place = this.topicOf.get(sinkId);
    if (place === undefined) return undefined;
    return this.targets.get(place.targetId)?.target.maxRecordBytes?.(place.topic);
  }

  async close(): Promise<void> {
    await Promise.allSettled([
      ...[...this.sources.values()].map(({ source }) => source.close()),
      ...[...this.files.values()].map((sink) => sink.close()),
      ...[...this.targets.values()].map(({ target }) => target.close()),
    ]);
  }

  #addSink(sink: PlanSink, definition: SinkDefinition, context: ConnectorContext): void {
    if (definition.positioned !== undefined) {
      this.files.set(sink.id, definition.positioned(sink.config, context));
      return;
    }
    const delivered = definition.delivered;
    if (delivered === undefined) throw new Error(`sink type ${sink.type} cannot write`);
    const targetId = delivered.targetId(sink.config);
    let connection = this.targets.get(targetId);
    if (connection === undefined) {
      connection = { target: delivered.create(sink.config, context), topics: [] };
      this.targets.set(targetId, connection);
    }
    const name = delivered.topic(sink.config);
    let topic = connection.topics.indexOf(name);
    if (topic < 0) topic = connection.topics.push(name) - 1;
    this.topicOf.set(sink.id, { targetId, topic });
  }
}
