import { join, resolve } from "node:path";
import type { Argv } from "yargs";
import { catalog } from "../catalog.ts";
import { readHead } from "../checkpoint/head.ts";
import { readIdentity } from "../checkpoint/identity.ts";
import type { PartitionLag } from "../connectors/connector.ts";
import { EngineError, exitCode } from "../core/errors.ts";
import { formatInstant } from "../core/event-time.ts";
import { noFailpoints } from "../core/failpoints.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { nodeClock } from "../runtime/node-clock.ts";
import { nodeFiles } from "../runtime/node-files.ts";
import { sourceLags } from "../runtime/source-lags.ts";
import type { SourceLag } from "../runtime/source-lags.ts";
import { readLockOwner } from "../state/directory-lock.ts";
import { jobOptions } from "./job-options.ts";
import { loadJob } from "./load-job.ts";
import { consoleLogger, number, print, StatusLine } from "./output.ts";

function build(yargs: Argv) {
  return jobOptions(yargs)
    .option("state-dir", { type: "string", describe: "Default: .pipeline/state/<job>" })
    .option("topics-dir", {
      nargs: 1,
      type: "string",
      default: ".pipeline/topics",
      describe: "Folder of embedded topics",
    })
    .option("format", { nargs: 1, choices: ["text", "json"] as const, default: "text" as const })
    .example(
      "$0 state jobs/orders.yaml",
      "Epoch, positions, lag and watermarks, also of a running job",
    );
}

type StateArguments = Awaited<ReturnType<ReturnType<typeof build>["parseAsync"]>>;

export const stateCommand = {
  command: "state <job>",
  describe: "Show what a job's state directory holds",
  builder: build,
  handler: async (options: StateArguments): Promise<number> => {
    const { plan, secrets } = loadJob(options);
    if (plan === undefined) {
      throw new EngineError("SPEC_INVALID", `${options.job} is not valid`, {
        hint: `see \`pipeline validate ${options.job}\``,
      });
    }
    const directory = resolve(options.stateDir ?? join(".pipeline", "state", plan.job));
    const identity = await readIdentity(nodeFiles, directory);
    if (identity === undefined) {
      await print(
        options.format === "json"
          ? `${JSON.stringify({ directory, fresh: true })}\n`
          : `${directory}: no state yet\n`,
      );
      return exitCode.ok;
    }
    const head = await readHead(nodeFiles, directory);
    const owner = await readLockOwner(nodeFiles, directory);
    const summary = (head?.summary ?? {}) as JsonObject;
    const lags = await sourceLags(
      plan,
      new Map(Object.entries((summary["positions"] ?? {}) as Record<string, JsonValue[]>)),
      { topicsDirectory: resolve(options.topicsDir) },
      {
        clock: nodeClock,
        files: nodeFiles,
        failpoints: noFailpoints,
        logger: consoleLogger(new StatusLine()),
        catalog,
        secrets,
        stop: new AbortController().signal,
      },
    );
    const facts = {
      directory,
      job: identity.job,
      epoch: head?.epoch ?? 0,
      hash: head?.hash ?? null,
      sessions: identity.incarnations.length,
      holder: owner === undefined ? null : { pid: owner.pid, host: owner.host },
      ...summary,
      lags: Object.fromEntries(lags),
    };
    await print(
      options.format === "json"
        ? `${JSON.stringify(facts, null, 2)}\n`
        : stateText(facts, summary, lags),
    );
    return exitCode.ok;
  },
};

interface StateFacts {
  readonly directory: string;
  readonly job: string;
  readonly epoch: number;
  readonly sessions: number;
  readonly holder: { readonly pid: number; readonly host: string } | null;
}

function stateText(
  facts: StateFacts,
  summary: JsonObject,
  lags: ReadonlyMap<string, SourceLag>,
): string {
  const { directory, job, epoch, sessions, holder } = facts;
  const lines = [
    `${job} in ${directory}`,
    `  epoch      ${epoch}${summary["finished"] === true ? " (finished)" : ""}`,
    `  sessions   ${sessions}`,
    `  holder     ${holder === null ? "none" : `process ${holder.pid} on ${holder.host}`}`,
  ];
  const at = summary["atMs"];
  if (typeof at === "number") lines.push(`  committed  ${formatInstant(at)}`);
  for (const [source, positions] of Object.entries((summary["positions"] ?? {}) as JsonObject)) {
    const lag = lags.get(source);
    for (const [partition, position] of (positions as readonly JsonValue[]).entries()) {
      const place = typeof lag === "object" ? lag[partition] : undefined;
      const text = place === undefined ? JSON.stringify(position) : lagText(place);
      lines.push(`  position   ${source}/${partition} ${text}`);
    }
    if (typeof lag === "string") lines.push(`  lag        ${source}: not known: ${lag}`);
  }
  for (const [step, clock] of Object.entries((summary["clocks"] ?? {}) as JsonObject)) {
    const { watermark } = clock as { watermark?: unknown };
    lines.push(`  watermark  ${step} ${watermarkText(watermark)}`);
  }
  return `${lines.join("\n")}\n`;
}

function lagText({ readTo, end, unit }: PartitionLag): string {
  const behind = Math.max(0, end - readTo);
  return `${number(readTo)} of ${number(end)} ${unit}, ${number(behind)} behind`;
}

function watermarkText(watermark: unknown): string {
  if (typeof watermark === "number") return formatInstant(watermark);
  return watermark === "end" ? "end of input" : "none yet";
}
