import { formatDuration } from "../core/duration.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Plan, PlanPort, PlanSink, PlanSource, PlanStep, PortReference } from "./plan.ts";
import { isObject } from "./raw.ts";
import { layoutHash } from "./state-identity.ts";
import { timelinesOf, timelineText } from "./timeline.ts";
import { portName } from "./wiring.ts";

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly kind: PlanPort["kind"];
}

/** The compiled plan with every default: its nodes, edges, stages, state and what time does to it. */
export function explainPlan(plan: Plan, format: "text" | "json"): string {
  const edges = edgesOf(plan);
  const timelines = timelinesOf(plan);
  if (format === "json") {
    const explained = {
      plan,
      edges,
      state_layout_hash: layoutHash(plan),
      timelines,
      notes: notesOf(plan),
    };
    return `${JSON.stringify(explained, undefined, 2)}\n`;
  }
  const lines = [
    ...jobLines(plan),
    ...plan.tables.flatMap((table) => [
      "",
      `table ${table.name}`,
      `  key ${table.key}; ${Object.entries(table.columns)
        .map(([column, type]) => `${column} ${type}`)
        .join(", ")}; ${Object.keys(table.rows).length} rows`,
    ]),
    ...plan.sources.flatMap((source) => ["", ...sourceLines(source, edges)]),
    ...plan.steps.flatMap((step) => ["", ...stepLines(plan, step, edges)]),
    ...plan.sinks.flatMap((sink) => ["", ...sinkLines(sink, edges)]),
    ...section(
      "state",
      plan.stateLayout.map(
        ({ step, type, states }) =>
          `${step} (${type}): ${Object.entries(states)
            .map(([name, { version }]) => `${name}, layout ${version}`)
            .join("; ")}`,
      ),
    ),
    ...timelines.flatMap((timeline) => section(`time in ${timeline.step}`, timelineText(timeline))),
    ...section("notes", notesOf(plan)),
  ];
  return `${lines.join("\n")}\n`;
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
}

function edgesOf(plan: Plan): readonly Edge[] {
  const edge =
    (to: string) =>
    (port: PortReference): Edge => ({ from: portName(port), to, kind: kindOf(plan, port) });
  return [
    ...plan.steps.flatMap((step) => step.inputs.map(edge(step.id))),
    ...plan.sinks.flatMap((sink) => sink.inputs.map(edge(`sinks.${sink.id}`))),
    ...plan.discarded.map(edge("discard")),
  ];
}

function kindOf(plan: Plan, { node, port }: PortReference): PlanPort["kind"] {
  const step = plan.steps.find(({ id }) => id === node);
  const declared = step?.ports.find(({ name }) => name === port);
  return declared?.kind ?? (port === "main" ? "main" : "error");
}

function jobLines(plan: Plan): readonly string[] {
  const { checkpoint } = plan;
  const parameters = Object.entries(plan.parameters);
  return [
    `job ${plan.job}`,
    ...(plan.description === null ? [] : [`  ${plan.description}`]),
    `  checkpoint every ${formatDuration(checkpoint.intervalMs)}, or after ${checkpoint.maxBytes} bytes or ${checkpoint.maxRecords} records`,
    `  decimals are rounded ${plan.rounding} where an expression names nothing else`,
    ...(Object.keys(plan.kafka).length === 0 ? [] : ["  kafka:", ...configLines(plan.kafka, 4)]),
    ...(parameters.length === 0
      ? []
      : ["  parameters:", ...parameters.map(([name, value]) => `    ${name}: ${String(value)}`)]),
  ];
}

function sourceLines(source: PlanSource, edges: readonly Edge[]): readonly string[] {
  const { eventTime, watermark } = source;
  const limit = (ms: number | null): string => (ms === null ? "none" : formatDuration(ms));
  return [
    `source ${source.id} (${source.type}, ${source.bounded ? "ends by itself" : "never ends"})`,
    ...configLines(source.config, 2),
    "  format: json",
    eventTime === null
      ? "  event_time: none"
      : `  event_time: ${eventTime.field.join(".")} (${eventTime.format})`,
    `  max_out_of_orderness: ${formatDuration(watermark.maxOutOfOrdernessMs)}`,
    `  idle_timeout: ${limit(watermark.idleTimeoutMs)}`,
    `  max_future_skew: ${limit(watermark.maxFutureSkewMs)}`,
    `  max_record_bytes: ${source.maxRecordBytes}`,
    ...["main", "rejected"].map((port) =>
      portLine(source.id, port, port === "main" ? "" : " (error)", edges),
    ),
  ];
}

function stepLines(plan: Plan, step: PlanStep, edges: readonly Edge[]): readonly string[] {
  return [
    `step ${step.id} (${step.type}, ${stageText(plan, step)})`,
    `  reads ${step.inputs.map(portName).join(", ")}`,
    ...(step.was === null ? [] : [`  was: ${step.was}`]),
    ...configLines(step.config, 2),
    ...step.ports.map(({ name, kind, shape }) => {
      const kindText = kind === "main" ? "" : ` (${kind})`;
      const shapeText = shape.kind === "facts" ? "" : ` (changes of ${shape.key.join(", ")})`;
      return portLine(step.id, name, kindText + shapeText, edges);
    }),
  ];
}

function stageText(plan: Plan, step: PlanStep): string {
  if (step.stage === "intake") return "intake: stateless, may run on a second thread";
  const stateful = plan.stateLayout.some((layout) => layout.step === step.id);
  return stateful ? "state: keeps state" : "state: stateless, behind a step that keeps state";
}

function sinkLines(sink: PlanSink, edges: readonly Edge[]): readonly string[] {
  return [
    `sink ${sink.id} (${sink.type})`,
    `  reads ${sink.inputs.map(portName).join(", ")}`,
    ...configLines(sink.config, 2),
    `  format: ${sink.format}`,
    `  key: ${sink.key === null ? "none" : oneLine(sink.key.expression)}`,
    ...setLines(sink),
    ...(sink.rejects ? [portLine(`sinks.${sink.id}`, "rejected", " (error)", edges)] : []),
  ];
}

function setLines({ set, format }: PlanSink): readonly string[] {
  if (set !== null) {
    return [
      "  set:",
      ...set.map(({ field, value }) => `    ${field}: ${oneLine(value.expression)}`),
    ];
  }
  return format === "raw"
    ? ["  set: none: the bytes of the source record"]
    : ["  set: none: the record as it is, the error envelope on error ports"];
}

function portLine(node: string, port: string, kind: string, edges: readonly Edge[]): string {
  const readers = edges.filter(({ from }) => from === `${node}.${port}`).map(({ to }) => to);
  return `  -> ${port}${kind}: ${readers.length === 0 ? "read by nothing" : readers.join(", ")}`;
}

/** Longer JSON in one line would hide more than it shows. */
const inlineMax = 80;

/** Resolved config as YAML-like lines: expressions as their text, names in `Ms` as durations. */
function configLines(config: JsonObject, indent: number): readonly string[] {
  return Object.entries(config).flatMap(([name, value]) => memberLines(name, value, indent));
}

function memberLines(name: string, value: JsonValue, indent: number): readonly string[] {
  const space = " ".repeat(indent);
  const label = snakeCase(name.replace(/Ms$/, ""));
  if (name.endsWith("Ms") && typeof value === "number") {
    return [`${space}${label}: ${formatDuration(value)}`];
  }
  if (name === "schema" && isObject(value)) return [`${space}${label}: ${schemaText(value)}`];
  if (Array.isArray(value)) {
    const lines = value.flatMap((item: JsonValue) => itemLines(item, indent + 2));
    return [`${space}${label}:${lines.length === 0 ? " []" : ""}`, ...lines];
  }
  if (!isObject(value)) return [`${space}${label}: ${scalarText(value)}`];
  if (typeof value["expression"] === "string") {
    return [`${space}${label}: ${oneLine(value["expression"])}`];
  }
  return [`${space}${label}:`, ...configLines(value, indent + 2)];
}

/** An item of a list; `{ field, value }` and its like print as `field: value`. */
function itemLines(item: JsonValue, indent: number): readonly string[] {
  const space = " ".repeat(indent);
  if (!isObject(item)) return [`${space}- ${scalarText(item)}`];
  const label = item["field"] ?? item["name"];
  const { value } = item;
  if (typeof label === "string" && isObject(value) && typeof value["expression"] === "string") {
    {
      return [`${space}${label}: ${oneLine(value["expression"])}`];
    }
  }
  const [first, ...rest] = configLines(item, indent + 2);
  return first === undefined ? [] : [`${space}- ${first.trimStart()}`, ...rest];
}

/** Expressions of several lines would break the outline. */
function oneLine(expression: string): string {
  return expression.trim().replaceAll(/\s*\n\s*/g, " ");
}

function scalarText(value: JsonValue): string {
  if (value === null) return "none";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= inlineMax ? text : `${text.slice(0, inlineMax)}...`;
}

function schemaText(schema: JsonObject): string {
  const fields = isObject(schema["properties"]) ? Object.keys(schema["properties"]) : [];
  const title = typeof schema["title"] === "string" ? `${schema["title"]}; ` : "";
  return `${title}${fields.length === 0 ? "JSON Schema" : `fields ${fields.join(", ")}`}`;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What the author of a job may not expect. */
function notesOf(plan: Plan): readonly string[] {
  const notes: string[] = [];
  const timed = plan.sources.filter(({ eventTime }) => eventTime !== null);
  if (plan.stateLayout.length > 0) {
    const holding = timed.filter(({ watermark }) => watermark.idleTimeoutMs === null);
    if (holding.length > 0) {
      notes.push(
        `a partition of ${names(holding)} without records holds the watermark back: until it has one, or the source ends, no window fires`,
      );
    }
  }
  for (const source of timed) {
    const { idleTimeoutMs, maxFutureSkewMs } = source.watermark;
    if (idleTimeoutMs !== null) {
      notes.push(
        `source ${source.id} has an idle_timeout of ${formatDuration(idleTimeoutMs)}: results then depend on the wall clock, and a replay may give others`,
      );
    }
    if (maxFutureSkewMs === null && !source.bounded && plan.stateLayout.length > 0) {
      notes.push(
        `source ${source.id} has no max_future_skew: one record dated far ahead moves the watermark there for good`,
      );
    }
  }
  const left = plan.steps.flatMap((step) =>
    step.ports
      .filter((port) => port.kind === "side" && port.name === "dropped")
      .filter((port) => !isRead(plan, { node: step.id, port: port.name }))
      .map((port) => `${step.id}.${port.name}`),
  );
  if (left.length > 0) notes.push(`nothing reads ${left.join(", ")}: those records end there`);
  notes.push("outputs become visible at checkpoints");
  return notes;
}

function names(sources: readonly PlanSource[]): string {
  return sources.map(({ id }) => id).join(" or ");
}

function isRead(plan: Plan, port: PortReference): boolean {
  const name = portName(port);
  return [...plan.steps, ...plan.sinks].some(({ inputs }) =>
    inputs.some((input) => portName(input) === name),
  );
}
