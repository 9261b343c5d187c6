import { join, resolve } from "node:path";
import type { Argv } from "yargs";
import { readHead } from "../checkpoint/head.ts";
import { readIdentity } from "../checkpoint/identity.ts";
import { EngineError, exitCode } from "../core/errors.ts";
import { formatInstant } from "../core/event-time.ts";
import type { JsonObject } from "../core/json.ts";
import { nodeFiles } from "../runtime/node-files.ts";
import { readLockOwner } from "../state/directory-lock.ts";
import { jobOptions } from "./job-options.ts";
import { loadJob } from "./load-job.ts";
import { print } from "./output.ts";

function build(yargs: Argv) {
  return jobOptions(yargs)
    .option("state-dir", { type: "string", describe: "Default: .pipeline/state/<job>" })
    .option("format", { choices: ["text", "json"] as const, default: "text" as const })
    .example("$0 state jobs/orders.yaml", "Epoch, positions and watermarks, also of a running job");
}

type StateArguments = Awaited<ReturnType<ReturnType<typeof build>["parseAsync"]>>;

export const stateCommand = {
  command: "state <job>",
  describe: "Show what a job's state directory holds",
  builder: build,
  handler: async (options: StateArguments): Promise<number> => {
    const { plan } = loadJob(options);
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
    const facts = {
      directory,
      job: identity.job,
      epoch: head?.epoch ?? 0,
      hash: head?.hash ?? null,
      sessions: identity.incarnations.length,
      holder: owner === undefined ? null : { pid: owner.pid, host: owner.host },
      ...summary,
    };
    await print(
      options.format === "json" ? `${JSON.stringify(facts, null, 2)}\n` : stateText(facts, summary),
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

function stateText(facts: StateFacts, summary: JsonObject): string {
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
    (positions as readonly unknown[]).forEach((position, partition) =>
      lines.push(`  position   ${source}/${partition} ${JSON.stringify(position)}`),
    );
  }
  for (const [step, clock] of Object.entries((summary["clocks"] ?? {}) as JsonObject)) {
    const { watermark } = clock as { watermark?: unknown };
    lines.push(`  watermark  ${step} ${watermarkText(watermark)}`);
  }
  return `${lines.join("\n")}\n`;
}

function watermarkText(watermark: unknown): string {
  if (typeof watermark === "number") return formatInstant(watermark);
  return watermark === "end" ? "end of input" : "none yet";
}
