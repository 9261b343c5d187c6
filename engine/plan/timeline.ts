import { formatDuration } from "../core/duration.ts";
import { formatInstantShort } from "../core/event-time.ts";
import type { Plan, PlanStep } from "./plan.ts";
import { numberOf, objectOf } from "./raw.ts";

/** Any instant does as an example; this one is that of the engine's documentation. */
const exampleMs = Date.UTC(2025, 0, 13, 15, 20);
/** How far the example is behind the point where it is late. */
const exampleLatenessMs = 5_000;

/** How the watermark that a step reads trails the event times of one source. */
interface WatermarkDelay {
  readonly source: string;
  /** Watermark = largest event time of the source minus this. */
  readonly delayMs: number;
}

/** When the windows of one step fire, and when a record is late for them. Instants are RFC 3339 texts. */
interface WindowTimeline {
  readonly step: string;
  readonly kind: "window";
  readonly sizeMs: number;
  readonly allowedLatenessMs: number;
  readonly emit: string;
  readonly watermark: readonly WatermarkDelay[];
  readonly openWindowsPerKeyMax: number;
  readonly example: {
    readonly record: string;
    readonly window: readonly [start: string, end: string];
    /** The watermark that makes the first result leave, and the event time that has to come for it. */
    readonly firesAt: { readonly watermark: string; readonly eventTime: string };
    /** From this watermark on a record of the window is late. */
    readonly lateFrom: { readonly watermark: string; readonly eventTime: string };
    /** One late record, in numbers. */
    readonly late: {
      readonly largestEventTime: string;
      readonly watermark: string;
      readonly latenessMs: number;
    };
  };
}

/** Until when repeats of a record are caught. */
interface RepeatTimeline {
  readonly step: string;
  readonly kind: "repeats";
  readonly ttlMs: number;
  readonly granularityMs: number;
  readonly watermark: readonly WatermarkDelay[];
  readonly example: {
    readonly record: string;
    /** A repeat with an earlier event time is caught while the watermark of its partition is before this. */
    readonly caughtUntil: string;
    /** From this watermark on the record itself would be too old to be told from a repeat. */
    readonly expiredFrom: string;
  };
}

export type Timeline = WindowTimeline | RepeatTimeline;

/** What time does to each step that goes by it. */
export function timelinesOf(plan: Plan): readonly Timeline[] {
  const delays = delaysByStep(plan);
  return plan.steps.flatMap((step): readonly Timeline[] => {
    const watermark = delays.get(step.id) ?? [];
    const window = objectOf(step.config["window"]);
    const sizeMs = numberOf(window["sizeMs"]);
    if (sizeMs !== undefined) return [windowTimeline(step, sizeMs, watermark)];
    const ttlMs = numberOf(step.config["ttlMs"]);
    return ttlMs === undefined ? [] : [repeatTimeline(step, ttlMs, watermark)];
  });
}

function windowTimeline(
  step: PlanStep,
  sizeMs: number,
  watermark: readonly WatermarkDelay[],
): WindowTimeline {
  const offsetMs = numberOf(objectOf(step.config["window"])["offsetMs"]) ?? 0;
  const allowedLatenessMs = numberOf(step.config["allowedLatenessMs"]) ?? 0;
  const emit = step.config["emit"] === "updates" ? "updates" : "final";
  const delayMs = Math.max(0, ...watermark.map((delay) => delay.delayMs));
  const sinceStartMs = (((exampleMs - offsetMs) % sizeMs) + sizeMs) % sizeMs;
  const endMs = exampleMs - sinceStartMs + sizeMs;
  const closesMs = endMs + allowedLatenessMs;
  const firesMs = emit === "updates" ? endMs : closesMs;
  return {
    step: step.id,
    kind: "window",
    sizeMs,
    allowedLatenessMs,
    emit,
    watermark,
    openWindowsPerKeyMax: Math.ceil((delayMs + allowedLatenessMs) / sizeMs) + 1,
    example: {
      record: formatInstantShort(exampleMs),
      window: [formatInstantShort(endMs - sizeMs), formatInstantShort(endMs)],
      firesAt: moment(firesMs, delayMs),
      lateFrom: moment(closesMs, delayMs),
      late: {
        largestEventTime: formatInstantShort(closesMs + delayMs + exampleLatenessMs),
        watermark: formatInstantShort(closesMs + exampleLatenessMs),
        latenessMs: exampleLatenessMs,
      },
    },
  };
}

function moment(watermarkMs: number, delayMs: number): { watermark: string; eventTime: string } {
  return {
    watermark: formatInstantShort(watermarkMs),
    eventTime: formatInstantShort(watermarkMs + delayMs),
  };
}

function repeatTimeline(
  step: PlanStep,
  ttlMs: number,
  watermark: readonly WatermarkDelay[],
): RepeatTimeline {
  const granularityMs = numberOf(step.config["granularityMs"]) ?? 1;
  const roundedMs = Math.ceil(exampleMs / granularityMs) * granularityMs;
  const until = formatInstantShort(roundedMs + ttlMs);
  return {
    step: step.id,
    kind: "repeats",
    ttlMs,
    granularityMs,
    watermark,
    example: { record: formatInstantShort(exampleMs), caughtUntil: until, expiredFrom: until },
  };
}

/**
 * For each step, how its watermark trails each source upstream: the source's out-of-orderness, and the allowed
 * lateness of every aggregate on the way, whichever way is longest.
 */
function delaysByStep(plan: Plan): ReadonlyMap<string, readonly WatermarkDelay[]> {
  const bySource = new Map<string, ReadonlyMap<string, number>>(
    plan.sources.map(({ id, watermark }) => [id, new Map([[id, watermark.maxOutOfOrdernessMs]])]),
  );
  for (const step of plan.steps) {
    const merged = new Map<string, number>();
    for (const { node, port } of step.inputs) {
      const before = plan.steps.find(({ id }) => id === node);
      const addedMs = port === "main" ? (numberOf(before?.config["allowedLatenessMs"]) ?? 0) : 0;
      for (const [source, delayMs] of bySource.get(node) ?? []) {
        merged.set(source, Math.max(merged.get(source) ?? 0, delayMs + addedMs));
      }
    }
    bySource.set(step.id, merged);
  }
  return new Map(
    plan.steps.map(({ id }) => [
      id,
      [...(bySource.get(id) ?? [])].map(([source, delayMs]) => ({ source, delayMs })),
    ]),
  );
}

/** Sentences about a timeline, with its worked example. */
export function timelineText(timeline: Timeline): readonly string[] {
  return timeline.kind === "window" ? windowText(timeline) : repeatText(timeline);
}

function watermarkText(delays: readonly WatermarkDelay[]): string {
  const texts = delays.map(({ source, delayMs }) =>
    delayMs === 0
      ? `the largest event time of ${source}`
      : `the largest event time of ${source} - ${formatDuration(delayMs)}`,
  );
  return texts.length > 1 ? `the smallest of: ${texts.join("; ")}` : texts.join("");
}

function windowText(timeline: WindowTimeline): readonly string[] {
  const { example, emit } = timeline;
  const [start, end] = example.window.map(clock);
  const record = clock(example.record);
  const first = emit === "updates" ? "its first result leaves" : "it fires, once,";
  const delayed = example.firesAt.watermark !== example.firesAt.eventTime;
  return [
    `watermark = ${watermarkText(timeline.watermark)}`,
    `a record of ${record} belongs to the window [${start}, ${end})`,
    `${first} when the watermark reaches ${clock(example.firesAt.watermark)}` +
      (delayed ? `: when a record of ${clock(example.firesAt.eventTime)} or later has come` : "") +
      " on every partition",
    ...(emit === "updates" && timeline.allowedLatenessMs > 0
      ? [`later records revise it until the watermark reaches ${clock(example.lateFrom.watermark)}`]
      : []),
    `example: the largest event time is ${clock(example.late.largestEventTime)}, so the watermark is ${clock(example.late.watermark)}: the record of ${record} is late by ${formatDuration(example.late.latenessMs)} and leaves on ${timeline.step}.late`,
    `state: at most ${timeline.openWindowsPerKeyMax} open windows per key while partitions advance together`,
  ];
}

function repeatText(timeline: RepeatTimeline): readonly string[] {
  const { example, ttlMs, granularityMs } = timeline;
  const record = clock(example.record);
  return [
    `watermark = ${watermarkText(timeline.watermark)}`,
    `a repeat is caught for ${formatDuration(ttlMs)} of event time, at most ${formatDuration(ttlMs + granularityMs)}`,
    `example: after a record of ${record}, a repeat with an event time before ${clock(example.caughtUntil)} is a duplicate while the watermark of its partition is before that`,
    `a record of ${record} that first comes when the watermark is ${clock(example.expiredFrom)} or later is too old to be told from a repeat: it leaves on ${timeline.step}.failed with DEDUPE_EXPIRED`,
    "state: about 16 bytes per key on disk and in memory, forgotten as the watermark passes",
  ];
}

/** The time of day alone where the date is the example's. */
function clock(instant: string | undefined): string {
  const text = instant ?? "";
  const day = formatInstantShort(exampleMs).slice(0, 10);
  return text.startsWith(day) ? text.slice(11, -1) : text.replace("T", " ").slice(0, -1);
}
