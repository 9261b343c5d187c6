import type { Clock } from "../core/clock.ts";
import type { Failpoints } from "../core/failpoints.ts";
import type { FileSystem } from "../core/file-system.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { Logger } from "../core/logger.ts";
import type { RawBatch } from "../core/record.ts";
import type { FileSegment } from "../checkpoint/commit-record.ts";
import type { DeliveryMark, DeliveryTarget } from "../checkpoint/delivery.ts";
import type {
  CompiledExpression,
  EvaluationContext,
  ExpressionScope,
} from "../expression/expression.ts";
import type { ExpressionPlace } from "../expression/place.ts";

/** Reads raw records. Phases: create (no I/O), resolveStart or nothing, open, poll..., close. */
export interface Source {
  /** Topic or path, for messages and envelopes. */
  readonly name: string;
  /** Absolute path, where it reads one file. */
  readonly path?: string;
  /**
   * Positions of a first run, one per partition: fixes what `latest` means. Reads only.
   * Throws EngineError INPUT_MISSING, INPUT_UNREADABLE, TOPIC_MISSING.
   */
  resolveStart(): Promise<readonly JsonValue[]>;
  /**
   * Continues at these positions, one per partition. Throws EngineError INPUT_CHANGED when what was read
   * before is no longer there. `untilEnd`: each partition ends at its end as seen now. Gives the positions it really
   * begins with if there are more than before: a topic may have got new partitions.
   */
  open(
    positions: readonly JsonValue[],
    options: { untilEnd: boolean },
  ): Promise<readonly JsonValue[] | void>;
  /**
   * The next rows of some partition, at most `maxRecords`; undefined if nothing came within a short wait (at most
   * about 100 ms, less when `signal` aborts). Each partition ends once: a batch with `ended`, rows or none. After all
   * have ended it gives undefined. At most one call at a time. The bytes of a batch stay as they are until it is
   * released, whatever is polled meanwhile.
   */
  poll(maxRecords: number, signal: AbortSignal): Promise<RawBatch | undefined>;
  /** Number of partitions, known after resolveStart or open. */
  readonly partitions: number;
  /**
   * Positions that a commit record holds now, for systems that show how far a reader is. Returns at once; nothing
   * depends on it and nothing is read back.
   */
  committed?(positions: readonly JsonValue[]): void;
  /**
   * How far saved positions are behind the ends as of now, by partition, without opening: for people. Reads only.
   * Throws what `open` throws, and at once if the system is out of reach.
   */
  lags?(positions: readonly JsonValue[]): Promise<readonly PartitionLag[]>;
  /** Records or bytes behind the end, as far as known: for progress. */
  lag(): { readonly amount: number; readonly unit: "records" | "bytes" } | undefined;
  close(): Promise<void>;
}

/** Where a partition was read to and where it ends, both counted in `unit` from its beginning. */
export interface PartitionLag {
  readonly readTo: number;
  readonly end: number;
  readonly unit: "offsets" | "bytes";
}

/**
 * Appends at once and can cut back to a committed length: files. Readers go by the marker beside the file.
 */
export interface PositionedSink {
  readonly name: string;
  /** Absolute paths of all files that it writes. */
  readonly paths: readonly string[];
  /** Facts for the recovery decision; touches nothing. */
  inspect(): Promise<PositionedSinkFacts>;
  /** True if the file has all these bytes, unchanged. Touches nothing. */
  holds(tail: readonly FileSegment[]): Promise<boolean>;
  /** After the decision: makes the file if missing, cuts it to `length`. `tail`: what lies before, where it is known. */
  open(length: number, tail?: readonly FileSegment[]): Promise<void>;
  /** Takes a line, without its newline, behind those before it. A failure to write it is thrown by `room` or `flush`. */
  append(line: string): void;
  /** Resolves when there is room for more (back-pressure). */
  room(): Promise<void>;
  /** Makes durable what was taken before the call, and gives the file's end there; more may be appended at once. */
  flush(): Promise<FileEnd>;
  /** After the commit record: tells readers how far the file is valid. */
  publish(mark: DeliveryMark, length: number): Promise<void>;
  close(): Promise<void>;
}

/** How far a file goes, and the last of it with its checksums. */
export interface FileEnd {
  readonly length: number;
  readonly tail: readonly FileSegment[];
}

export interface PositionedSinkFacts {
  /** Bytes in the file; undefined if there is none. */
  readonly length: number | undefined;
  readonly mark: (DeliveryMark & { readonly length: number }) | undefined;
}

/** Handed to `create`. */
export interface ConnectorContext {
  /** The job's name. */
  readonly job: string;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly failpoints: Failpoints;
  readonly logger: Logger;
  /** Aborts when the run is to drain: what waits for something out of reach should not wait for long. */
  readonly stop: AbortSignal;
  /** Absolute folder of embedded topics. */
  readonly topicsDirectory: string;
  /** Absolute folder that relative paths of the spec start from. */
  readonly baseDirectory: string;
  /** Record cap in bytes of this source. */
  readonly maxRecordBytes: number;
  compile(source: {
    readonly expression: string;
    readonly scope: ExpressionScope;
  }): CompiledExpression;
  readonly evaluation: EvaluationContext;
  /** Values of the job's secret parameters by name: a config holds `{ secret: name }` only. */
  readonly secrets?: ReadonlyMap<string, string>;
}

/** Handed to `resolve` at plan time: reports faults with their positions, throws nothing. */
export interface ConnectorResolveContext {
  expression(
    path: readonly (string | number)[],
    scope?: ExpressionScope,
  ):
    | {
        readonly expression: string;
        readonly scope: ExpressionScope;
        readonly place?: ExpressionPlace;
      }
    | undefined;
  durationMs(path: readonly (string | number)[]): number | undefined;
  /** A path of the spec, checked to stay inside the project root, relative to the base directory. */
  path(path: readonly (string | number)[]): string | undefined;
  report(
    path: readonly (string | number)[],
    finding: {
      code: string;
      message: string;
      suggestion?: string;
      severity?: "error" | "warning";
      at?: "key" | "value";
    },
  ): void;
  /** The resolved `kafka:` block of the job. */
  readonly kafka: JsonObject;
}

export interface SourceDefinition {
  readonly type: string;
  readonly summary: string;
  readonly configSchema: JsonObject;
  /** True if it ends by itself (file, generate): its end closes windows. */
  readonly bounded: boolean;
  resolve(raw: JsonObject, context: ConnectorResolveContext): JsonObject | undefined;
  create(config: JsonObject, context: ConnectorContext): Source;
}

export interface SinkDefinition {
  readonly type: string;
  readonly summary: string;
  readonly configSchema: JsonObject;
  resolve(raw: JsonObject, context: ConnectorResolveContext): JsonObject | undefined;
  /** Largest value in bytes the target takes; undefined: no limit. Larger ones go to the sink's `rejected`. */
  maxValueBytes(config: JsonObject): number | undefined;
  /** Of a sink that writes files: all that it writes, named as in the config. */
  paths?(config: JsonObject): readonly string[];
  /** Exactly one of the two: */
  readonly positioned?: (config: JsonObject, context: ConnectorContext) => PositionedSink;
  /** Sinks whose configs give the same target id share one target and one transaction. */
  readonly delivered?: {
    targetId(config: JsonObject): string;
    topic(config: JsonObject): string;
    create(config: JsonObject, context: ConnectorContext): DeliveryTarget;
  };
}
