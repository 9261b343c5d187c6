import { formatDuration } from "../core/duration.ts";
import { formatInstant } from "../core/event-time.ts";
import { excerpt } from "../core/json-text.ts";
import type { JsonObject } from "../core/json.ts";
import type { StreamRecord } from "../core/record.ts";
import type { TimedKeySet } from "../state/state.ts";
import { KeyReader, keyLayout, keySchema, resolveKey } from "./key-fields.ts";
import type { KeyField } from "./key-fields.ts";
import { durationSchema } from "./operator.ts";
import type {
  EvaluationScope,
  Operator,
  OperatorContext,
  Outputs,
  ResolveContext,
  StepDefinition,
} from "./operator.ts";
import { instantText } from "./record-faults.ts";

type Out = "main" | "duplicates" | "failed";

interface DedupeConfig extends JsonObject {
  readonly key: readonly KeyField[];
  readonly ttlMs: number;
  readonly granularityMs: number;
}

/** Times of a key set are stored as multiples of the granularity, and this many fit into its tags. */
const stepsOfTtlMax = 60_000;
const defaultStepsOfTtl = 96;

/**
 * Per key one time is kept: F, the event time of the accepted record rounded up to a multiple of the granularity
 * (semantics.md section 4). F is a time, not a number of steps: times stored under another granularity or ttl stay
 * valid, and the set must give them back as they were put, or rounded up to its own steps.
 */
class Dedupe implements Operator<Out> {
  readonly #key: KeyReader;
  readonly #names: string;
  readonly #ttlMs: number;
  readonly #granularityMs: number;
  readonly #seen: TimedKeySet;
  readonly #evaluation: EvaluationScope;

  constructor(config: DedupeConfig, context: OperatorContext) {
    this.#key = new KeyReader(config.key, context);
    this.#names = config.key.map(({ name }) => name).join(", ");
    this.#ttlMs = config.ttlMs;
    this.#granularityMs = config.granularityMs;
    this.#seen = context.state.timedKeySet("seen", {
      ttlMs: config.ttlMs,
      granularityMs: config.granularityMs,
    });
    this.#evaluation = context.evaluation;
  }

  onRecord(record: StreamRecord, out: Outputs<Out>, laneWatermarkMs: number): void {
    const { eventTimeMs } = record;
    const roundedMs = roundUp(eventTimeMs, this.#granularityMs);
    // Before anything else: what is this old may have been forgotten, so nobody could tell whether it is a repeat.
    if (roundedMs + this.#ttlMs <= laneWatermarkMs) {
      out.failed.emit(record, {
        code: "DEDUPE_EXPIRED",
        message:
          `event time ${instantText(eventTimeMs)} is more than the ttl of ${formatDuration(this.#ttlMs)} ` +
          `behind the watermark ${instantText(laneWatermarkMs)}: a repeat could not be told`,
      });
      return;
    }
    const key = this.#key.read(record, this.#evaluation.begin(record));
    if (typeof key !== "string") {
      out.failed.emit(record, key);
      return;
    }
    const firstMs = this.#seen.get(key);
    if (firstMs !== undefined) {
      const endMs = firstMs + this.#ttlMs;
      if (eventTimeMs < endMs && laneWatermarkMs < endMs) {
        out.duplicates.emit(record, {
          code: "DUPLICATE",
          message: `repeats ${this.#names} ${this.#keyText()}, first seen with an event time up to ${instantText(firstMs)}`,
          // The set keeps only the rounded time.
          details: { first_event_time_up_to: formatInstant(firstMs) },
        });
        return;
      }
    }
    // Later than any F that was there: either the event time is beyond F + ttl, or the watermark is and the record is
    // not expired. So F never goes back.
    this.#seen.put(key, roundedMs);
    out.main.emit(record);
  }

  onWatermark(watermarkMs: number): void {
    this.#seen.expire(watermarkMs);
  }

  figures(): Readonly<Record<string, number>> {
    return { keys: this.#seen.size };
  }

  #keyText(): string {
    return this.#key.values.map((value) => excerpt(value)).join(", ");
  }
}

/** The next multiple of `stepMs` at or above `ms`, for times before the epoch too. Exact: no quotient is formed. */
function roundUp(ms: number, stepMs: number): number {
  const rest = ms % stepMs;
  if (rest === 0) return ms;
  return rest > 0 ? ms - rest + stepMs : ms - rest;
}

function resolve(raw: JsonObject, context: ResolveContext): DedupeConfig | undefined {
  const key = resolveKey(raw["key"], context, false);
  const ttlMs = context.durationMs(["ttl"]);
  const given = context.durationMs(["granularity"]);
  if (ttlMs === 0) {
    context.report(["ttl"], {
      code: "SPEC_DURATION_RANGE",
      message: "a ttl of zero would remember nothing",
      at: "value",
    });
    return undefined;
  }
  if (ttlMs === undefined || key === undefined) return undefined;
  if (given === undefined) {
    // Given, but bad: reported already.
    if (raw["granularity"] !== undefined) return undefined;
    const granularityMs = Math.ceil(ttlMs / defaultStepsOfTtl / 1_000) * 1_000;
    return { key, ttlMs, granularityMs };
  }
  const leastMs = Math.max(Math.ceil(ttlMs / stepsOfTtlMax), 1);
  if (given < leastMs || given > ttlMs) {
    context.report(["granularity"], {
      code: "SPEC_DURATION_RANGE",
      message:
        `granularity must be from ${formatDuration(leastMs)} (ttl / ${stepsOfTtlMax}) ` +
        `to ${formatDuration(ttlMs)} (ttl), found ${formatDuration(given)}`,
      at: "value",
    });
    return undefined;
  }
  return { key, ttlMs, granularityMs: given };
}

/** Passes the first record of each key; repeats within `ttl` of event time leave on `duplicates`. */
export const dedupe: StepDefinition = {
  type: "dedupe",
  summary: "Passes the first record of each key; repeats within the ttl leave on `duplicates`.",
  configSchema: {
    type: "object",
    properties: {
      key: {
        ...keySchema,
        description:
          "What makes two records the same: an expression, a list, or name -> expression.",
      },
      ttl: {
        ...durationSchema,
        description: "How long after its event time a record's repeats are caught, at least.",
      },
      granularity: {
        ...durationSchema,
        description:
          "Steps in which the state forgets: repeats are caught for at most ttl + granularity. Default ttl / 96, rounded up to whole seconds.",
      },
    },
    required: ["key", "ttl"],
    additionalProperties: false,
  },
  ports: { main: "main", duplicates: "side", failed: "error" },
  stateful: true,
  absorbs: false,
  states: { seen: { version: 1 } },
  resolve,
  stateLayout: (config) => ({ key: keyLayout((config as DedupeConfig).key) }),
  create: (config, context) => new Dedupe(config as DedupeConfig, context),
};
