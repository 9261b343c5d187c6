import { join, resolve } from "node:path";
import { stderr } from "node:process";
import { setImmediate } from "node:timers/promises";
import type { Argv } from "yargs";
import { catalog } from "../catalog.ts";
import { parseDuration } from "../core/duration.ts";
import { EngineError, exitCode } from "../core/errors.ts";
import { overridePlan } from "../plan/override-plan.ts";
import type { Plan } from "../plan/plan.ts";
import { nodeClock } from "../runtime/node-clock.ts";
import { nodeFiles } from "../runtime/node-files.ts";
import { runJob } from "../runtime/run-job.ts";
import type { RunOptions, RunSummary } from "../runtime/run.ts";
import { formatFindings } from "./findings-format.ts";
import {
  defaultThreads,
  failpoints,
  host,
  newHashSeed,
  newIncarnation,
  startIntakeWorker,
} from "./host.ts";
import { loadJob } from "./load-job.ts";
import { assignments, jobOptions } from "./job-options.ts";
import { warnOfStalls } from "./loop-watch.ts";
import { colorsOn, consoleLogger, print, StatusLine } from "./output.ts";
import { progressLine, summaryText } from "./run-report.ts";
import { drainOnSignals } from "./signals.ts";
import { readTextOf } from "./validate-command.ts";

const batchSize = 1000;
/** Between two log lines of progress where there is no terminal. */
const plainProgressMs = 10_000;

function build(yargs: Argv) {
  return jobOptions(yargs)
    .option("until-end", {
      type: "boolean",
      default: false,
      describe: "Stop at the end of every source as seen at start",
    })
    .option("close", {
      type: "boolean",
      default: false,
      describe: "With --until-end: the end of a topic also fires all open windows and finishes",
    })
    .option("input", {
      type: "string",
      array: true,
      nargs: 1,
      describe: "SOURCE=FILE: read a source from newline-delimited JSON instead",
    })
    .option("output-dir", {
      type: "string",
      describe: "Write each sink to DIR/<sink>.jsonl instead",
    })
    .option("state-dir", { type: "string", describe: "Default: .pipeline/state/<job>" })
    .option("topics-dir", {
      nargs: 1,
      type: "string",
      default: ".pipeline/topics",
      describe: "Folder of embedded topics",
    })
    .option("checkpoint-interval", { type: "string", describe: "Such as 10s; default: the job's" })
    .option("reset", {
      type: "string",
      array: true,
      nargs: 1,
      describe: "Drop the state of this step first",
    })
    .option("overwrite", {
      type: "boolean",
      default: false,
      describe: "A first run may replace output files that are not empty",
    })
    .option("threads", {
      nargs: 1,
      choices: ["auto", 1, 2] as const,
      default: "auto" as const,
      describe:
        "A second thread takes in, validates and enriches; auto: once the job does not keep up with its sources",
    })
    .option("batch-size", { type: "number", nargs: 1, default: batchSize, hidden: true })
    .option("format", {
      nargs: 1,
      choices: ["pretty", "json"] as const,
      default: "pretty" as const,
      describe: "Of the closing summary",
    })
    .example("$0 run jobs/orders.yaml", "Run until stopped; Ctrl-C drains")
    .example(
      "$0 run jobs/orders.yaml --input orders=orders.jsonl --output-dir out --until-end",
      "A bounded run from file to files",
    );
}

type RunArguments = Awaited<ReturnType<ReturnType<typeof build>["parseAsync"]>>;

export const runCommand = {
  command: "run <job>",
  describe: "Run a job",
  builder: build,
  handler: async (options: RunArguments): Promise<number> => {
    const { plan: loaded, findings, paths, secrets } = loadJob(options);
    if (findings.length > 0)
      stderr.write(
        formatFindings(findings, {
          format: "pretty",
          color: colorsOn(stderr),
          readText: readTextOf,
          files: 1,
        }),
      );
    if (loaded === undefined) return exitCode.invalidSpec;
    const plan = withOverrides(loaded, options);
    return runToExit(plan, runOptions(plan, options, paths), options.format, secrets);
  },
};

/** Runs a plan with progress, summary and signals as a user sees them. The exit code. */
export async function runToExit(
  plan: Plan,
  options: RunOptions,
  format: "pretty" | "json",
  secrets: ReadonlyMap<string, string> = new Map(),
): Promise<number> {
  const status = new StatusLine();
  const logger = consoleLogger(status);
  const drain = drainOnSignals(logger);
  const stalls = warnOfStalls(logger);
  let toldAtMs = -Infinity;
  try {
    const summary = await runJob(plan, options, {
      clock: nodeClock,
      files: nodeFiles,
      failpoints: failpoints(),
      logger,
      catalog,
      host: host(),
      newIncarnation,
      newHashSeed,
      secrets,
      startIntakeWorker,
      turn: setImmediate,
      stop: drain.signal,
      onProgress(progress) {
        if (status.capable) return status.show(progressLine(progress));
        if (progress.elapsedMs - toldAtMs < plainProgressMs) return;
        toldAtMs = progress.elapsedMs;
        logger.info(progressLine(progress));
      },
    });
    status.clear();
    await print(
      format === "json" ? `${JSON.stringify(summary, null, 2)}\n` : summaryText(summary, options),
    );
    return exitOf(summary, options);
  } finally {
    status.clear();
    stalls.close();
    drain.close();
  }
}

function exitOf({ outcome }: RunSummary, { untilEnd }: RunOptions): number {
  return outcome === "drained" && untilEnd ? exitCode.retry : exitCode.ok;
}

function withOverrides(plan: Plan, options: RunArguments): Plan {
  const named = assignments("input", "SOURCE=FILE", options.input ?? []);
  const inputs = new Map(Array.from(named, ([id, file]) => [id, resolve(file)]));
  const outputDirectory = options.outputDir === undefined ? undefined : resolve(options.outputDir);
  return overridePlan(plan, { inputs, outputDirectory, catalog });
}

function runOptions(plan: Plan, options: RunArguments, jobPaths: readonly string[]): RunOptions {
  const interval = options.checkpointInterval;
  const checkpointIntervalMs =
    interval === undefined ? plan.checkpoint.intervalMs : parseDuration(interval);
  if (checkpointIntervalMs === undefined || checkpointIntervalMs === 0) {
    throw new EngineError(
      "USAGE",
      `--checkpoint-interval ${interval}: write a duration above zero, such as 10s`,
    );
  }
  if (!Number.isInteger(options.batchSize) || options.batchSize < 1) {
    throw new EngineError("USAGE", "--batch-size must be a whole number from 1");
  }
  return {
    stateDirectory: resolve(options.stateDir ?? join(".pipeline", "state", plan.job)),
    topicsDirectory: resolve(options.topicsDir),
    untilEnd: options.untilEnd || options.close,
    close: options.close,
    overwrite: options.overwrite,
    jobPaths,
    reset: options.reset ?? [],
    checkpointIntervalMs,
    batchSize: options.batchSize,
    threads: options.threads === "auto" ? defaultThreads() : options.threads,
  };
}
