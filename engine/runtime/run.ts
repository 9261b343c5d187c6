import type { Clock } from "../core/clock.ts";
import type { Failpoints } from "../core/failpoints.ts";
import type { FileSystem } from "../core/file-system.ts";
import type { Logger } from "../core/logger.ts";
import type { Catalog } from "../plan/catalog.ts";
import type { OpenLogStore } from "../state/log-store.ts";
import type { StartIntakeWorker } from "./intake-message.ts";

export interface RunOptions {
  /** Absolute. */
  readonly stateDirectory: string;
  /** Absolute. */
  readonly topicsDirectory: string;
  /** Stop at the end of every source as seen at start. */
  readonly untilEnd: boolean;
  /** At that end also close topics: all windows fire and the run is finished. */
  readonly close: boolean;
  readonly overwrite: boolean;
  /** Absolute, of the files that the job was read from: no output may replace one. */
  readonly jobPaths: readonly string[];
  /** Steps whose state is dropped before the run. */
  readonly reset: readonly string[];
  readonly checkpointIntervalMs: number;
  readonly batchSize: number;
  /** `auto`: a second one for the steps in front of the state once the job does not keep up with its sources. */
  readonly threads: 1 | 2 | "auto";
}

/** What a run needs from outside. */
export interface RunPorts {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly failpoints: Failpoints;
  readonly logger: Logger;
  readonly catalog: Catalog;
  /** How the log under keyed state is opened; default: Level. */
  readonly openLogStore?: OpenLogStore;
  /** Names this process in lock, identity and marks. */
  readonly host: { readonly name: string; readonly pid: number; readonly bootId: string };
  /** A fresh random name for each start. */
  readonly newIncarnation: () => string;
  /** 32 random hexadecimal digits: keys the hash of deduplication. */
  readonly newHashSeed: () => string;
  /** Values of the job's secret parameters by name; none of them is in the plan. */
  readonly secrets?: ReadonlyMap<string, string>;
  /** A second thread for jobs that do not keep up; without it all work is done on one. */
  readonly startIntakeWorker?: StartIntakeWorker;
  /** Lets events in that have arrived, between two batches: signals, replies of the second thread. */
  readonly turn?: () => Promise<void>;
  /** Aborts: drain gracefully. */
  readonly stop: AbortSignal;
  /** About twice a second, and once at the end. */
  readonly onProgress?: (progress: RunProgress) => void;
}

export interface RunProgress {
  /** Since the start of this process. */
  readonly records: number;
  readonly elapsedMs: number;
  /** Smallest watermark of the stateful steps; undefined before there is one. */
  readonly watermarkMs: number | undefined;
  readonly lag: { readonly amount: number; readonly unit: "records" | "bytes" } | undefined;
  readonly rejected: number;
  readonly openWindows: number;
  readonly epoch: number;
}

/** Figures of this process and, where named `total`, of the whole life of the state directory. */
export interface RunSummary {
  readonly job: string;
  readonly outcome: "finished" | "drained" | "already_finished";
  readonly elapsedMs: number;
  readonly records: number;
  readonly checkpoints: number;
  readonly epoch: number;
  /** Per node in plan order: what came in, went out per port, was absorbed and made. Totals over all runs. */
  readonly nodes: readonly NodeFigures[];
  /** Records on error and side ports by step, type and code. Totals over all runs. */
  readonly faults: readonly {
    readonly node: string;
    readonly type: string;
    readonly code: string;
    readonly count: number;
  }[];
  readonly windows: { readonly fired: number; readonly open: number };
  readonly outputs: readonly {
    readonly sink: string;
    readonly target: string;
    readonly records: number;
  }[];
}

export interface NodeFigures {
  readonly node: string;
  readonly kind: "source" | "step" | "sink";
  readonly in: number;
  readonly ports: Readonly<Record<string, number>>;
  readonly absorbed: number;
  readonly made: number;
  /** What a step holds now, by kind: `keys`, `open_windows`. Empty for all others. */
  readonly state: Readonly<Record<string, number>>;
}
