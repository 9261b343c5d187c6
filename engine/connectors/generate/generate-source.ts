import { createHash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { EngineError } from "../../core/errors.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import type { OversizedRecord, RawBatch } from "../../core/record.ts";
import type { ExpressionPlace } from "../../expression/place.ts";
import type { EvaluationContext } from "../../expression/expression.ts";
import type {
  ConnectorContext,
  ConnectorResolveContext,
  Source,
  SourceDefinition,
} from "../connector.ts";
import { headOf } from "../oversized-record.ts";
import { recordText } from "./record-maker.ts";
import type { RecordRecipe } from "./record-maker.ts";

/** A batch ends at this many bytes even if more rows were asked for. */
const batchBytesMax = 1 << 20;
/** How long one poll waits for the next record to fall due. */
const waitMsMax = 100;

/** The next record to make. The fingerprint tells of a recipe that changed under a saved position. */
interface GeneratePosition {
  readonly index: number;
  readonly ended: boolean;
  readonly fingerprint: string;
}

/** What `resolve` leaves in the plan. */
interface GenerateConfig extends JsonObject {
  readonly count: number;
  /** Records per second; null: as fast as they are taken. */
  readonly rate: number | null;
  readonly seed: number;
  readonly set: readonly GeneratedField[];
  readonly malformed: { readonly odds: number };
  readonly repeats: { readonly odds: number; readonly within: number };
}

interface GeneratedField extends JsonObject {
  readonly field: string;
  readonly value: {
    readonly expression: string;
    readonly scope: "generate";
    readonly place?: ExpressionPlace;
  };
}

class GenerateSource implements Source {
  readonly name = "generate";
  readonly partitions = 1;
  readonly #recipe: RecordRecipe;
  readonly #fingerprint: string;
  readonly #count: number;
  readonly #rate: number | null;
  readonly #clock: Clock;
  readonly #evaluation: EvaluationContext;
  readonly #maxRecordBytes: number;
  #index = 0;
  #endReported = false;
  /** Pacing: record `#pacedFrom` fell due at `#pacedFromMs`. */
  #pacedFrom = 0;
  #pacedFromMs = 0;

  constructor(config: GenerateConfig, context: ConnectorContext) {
    this.#recipe = {
      seed: config.seed,
      set: config.set.map(({ field, value }) => ({
        field,
        value: context.compile(value),
        place: value.place,
      })),
      malformedOdds: config.malformed.odds,
      repeatOdds: config.repeats.odds,
      repeatWithin: config.repeats.within,
    };
    this.#fingerprint = fingerprintOf(config);
    this.#count = config.count;
    this.#rate = config.rate;
    this.#clock = context.clock;
    this.#evaluation = context.evaluation;
    this.#maxRecordBytes = context.maxRecordBytes;
  }

  async resolveStart(): Promise<readonly JsonValue[]> {
    return [this.#position(0, false)];
  }

  async open(positions: readonly JsonValue[]): Promise<void> {
    const position = positions[0];
    if (positions.length !== 1 || !isGeneratePosition(position)) {
      throw new EngineError("STATE_FOREIGN", "the saved position is not one of a generate source", {
        hint: "the job read this source from another kind of system before; use its own state directory",
      });
    }
    const { index, ended, fingerprint } = position;
    if (index > 0 && fingerprint !== this.#fingerprint) {
      throw this.#changed(`its set, seed, malformed or repeats changed after ${index} records`);
    }
    if (index > this.#count || (ended && index < this.#count)) {
      throw this.#changed(`${index} records were made before and count is ${this.#count} now`);
    }
    this.#index = index;
    this.#endReported = false;
    this.#pacedFrom = index;
    this.#pacedFromMs = this.#clock.nowMs();
  }

  async poll(maxRecords: number, signal: AbortSignal): Promise<RawBatch | undefined> {
    if (this.#endReported) return undefined;
    let due = this.#due();
    if (due === 0 && this.#index < this.#count) {
      await this.#clock.sleep(this.#untilNextMs(), signal);
      due = this.#due();
      if (due === 0 || signal.aborted) return undefined;
    }
    const batch = this.#make(Math.min(maxRecords, due));
    this.#endReported = batch.ended;
    return batch;
  }

  lag(): { readonly amount: number; readonly unit: "records" } {
    return { amount: this.#count - this.#index, unit: "records" };
  }

  async close(): Promise<void> {}

  /** Records that may leave now. */
  #due(): number {
    const left = this.#count - this.#index;
    if (this.#rate === null) return left;
    const elapsedMs = this.#clock.nowMs() - this.#pacedFromMs;
    if (elapsedMs < 0) {
      // The clock was set back: the pace starts over rather than pausing until the clock has caught up.
      this.#pacedFrom = this.#index;
      this.#pacedFromMs = this.#clock.nowMs();
      return 0;
    }
    const dueIndex = this.#pacedFrom + Math.floor((elapsedMs * this.#rate) / 1000);
    return Math.max(0, Math.min(left, dueIndex - this.#index));
  }

  #untilNextMs(): number {
    if (this.#rate === null) return 0;
    const nextMs = this.#pacedFromMs + ((this.#index + 1 - this.#pacedFrom) * 1000) / this.#rate;
    return Math.min(waitMsMax, Math.max(1, Math.ceil(nextMs - this.#clock.nowMs())));
  }

  #make(rows: number): RawBatch {
    const buffers: Buffer[] = [];
    const starts: number[] = [];
    const ends: number[] = [];
    const offsets: number[] = [];
    let oversized: Map<number, OversizedRecord> | undefined;
    let length = 0;
    while (starts.length < rows && length < batchBytesMax) {
      let bytes: Buffer = Buffer.from(recordText(this.#recipe, this.#index, this.#evaluation));
      if (bytes.length > this.#maxRecordBytes) {
        oversized ??= new Map();
        oversized.set(starts.length, {
          length: bytes.length,
          sha256: createHash("sha256").update(bytes).digest("hex"),
        });
        bytes = headOf(bytes);
      }
      buffers.push(bytes);
      starts.push(length);
      length += bytes.length;
      ends.push(length);
      offsets.push(this.#index);
      this.#index += 1;
    }
    const ended = this.#index === this.#count;
    return {
      partition: 0,
      bytes: Buffer.concat(buffers, length),
      starts,
      ends,
      offsets,
      ...(oversized === undefined ? {} : { oversized }),
      resumeAt: this.#position(this.#index, ended),
      ended,
    };
  }

  #position(index: number, ended: boolean): JsonObject {
    return { index, ended, fingerprint: this.#fingerprint };
  }

  #changed(what: string): EngineError {
    return new EngineError(
      "INPUT_CHANGED",
      `the generated input is not the one read before: ${what}`,
      {
        hint: "undo the change, or start over with a fresh state directory (--state-dir)",
      },
    );
  }
}

/** Everything that decides the text of a record, except parameters and tables that its expressions read. */
function fingerprintOf(config: GenerateConfig): string {
  const { seed, malformed, repeats } = config;
  // Not the places: to move an expression in its file changes no record.
  const set = config.set.map(({ field, value: { expression: text, scope } }) => ({
    field,
    value: { expression: text, scope },
  }));
  return createHash("sha256")
    .update(JSON.stringify([seed, set, malformed.odds, repeats.odds, repeats.within]))
    .digest("hex")
    .slice(0, 16);
}

function isGeneratePosition(value: unknown): value is GeneratePosition {
  if (typeof value !== "object" || value === null) return false;
  const position = value as Partial<Record<keyof GeneratePosition, unknown>>;
  return (
    Number.isSafeInteger(position.index) &&
    typeof position.ended === "boolean" &&
    typeof position.fingerprint === "string"
  );
}

const odds = { type: "number", minimum: 0, maximum: 1 } as const;
/** As steps mark theirs (operators/operator.ts). */
const expression = { type: ["string", "number", "boolean"], "x-pipeline": "expression" } as const;

function resolveFields(
  raw: JsonObject,
  context: ConnectorResolveContext,
): readonly JsonObject[] | undefined {
  const fields: JsonObject[] = [];
  let complete = true;
  for (const field of Object.keys(raw)) {
    const value = context.expression(["set", field], "generate");
    if (value === undefined) complete = false;
    else fields.push({ field, value: { ...value } });
  }
  return complete ? fields : undefined;
}

/** Makes test records: each depends on the seed and its ordinal alone. Bounded by `count`. */
export const generateSource: SourceDefinition = {
  type: "generate",
  summary: "Makes a fixed number of records from expressions, the same ones for the same seed.",
  configSchema: {
    required: ["count", "set"],
    properties: {
      count: { type: "integer", minimum: 0, description: "Records to make." },
      rate: {
        type: "number",
        exclusiveMinimum: 0,
        description: "Records per second; without it as fast as they are taken.",
      },
      seed: {
        type: "integer",
        minimum: 0,
        default: 1,
        description: "Another seed, other records.",
      },
      set: {
        type: "object",
        minProperties: 1,
        additionalProperties: expression,
        description:
          "Fields in order; later ones may read earlier ones, an absent value leaves out the field.",
      },
      malformed: {
        type: "object",
        additionalProperties: false,
        required: ["odds"],
        properties: { odds },
        description: "Share of records whose JSON text is cut short.",
      },
      repeats: {
        type: "object",
        additionalProperties: false,
        required: ["odds"],
        properties: {
          odds: { type: "number", minimum: 0, exclusiveMaximum: 1 },
          within: { type: "integer", minimum: 1, default: 1000 },
        },
        description: "Share of records that repeat, byte for byte, one of the last `within`.",
      },
    },
  },
  bounded: true,
  resolve(raw, context) {
    const set = resolveFields((raw["set"] ?? {}) as JsonObject, context);
    if (set === undefined) return undefined;
    const malformed = (raw["malformed"] ?? {}) as JsonObject;
    const repeats = (raw["repeats"] ?? {}) as JsonObject;
    return {
      count: raw["count"] ?? 0,
      rate: raw["rate"] ?? null,
      seed: raw["seed"] ?? 1,
      set,
      malformed: { odds: malformed["odds"] ?? 0 },
      repeats: { odds: repeats["odds"] ?? 0, within: repeats["within"] ?? 1000 },
    };
  },
  create: (config, context) => new GenerateSource(config as GenerateConfig, context),
};
