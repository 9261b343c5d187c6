import { stderr } from "node:process";
import type { Argv } from "yargs";
import { exitCode } from "../core/errors.ts";
import { explainPlan } from "../plan/explain.ts";
import { formatFindings } from "./findings-format.ts";
import { jobOptions } from "./job-options.ts";
import { loadJob } from "./load-job.ts";
import { colorsOn, print } from "./output.ts";
import { readTextOf } from "./validate-command.ts";

function build(yargs: Argv) {
  return jobOptions(yargs)
    .option("format", { nargs: 1, choices: ["text", "json"] as const, default: "text" as const })
    .example("$0 explain jobs/orders.yaml", "Every default, and when windows fire");
}

type ExplainArguments = Awaited<ReturnType<ReturnType<typeof build>["parseAsync"]>>;

export const explainCommand = {
  command: "explain <job>",
  describe: "Show the compiled plan with every default and the timeline of its windows",
  builder: build,
  handler: async (options: ExplainArguments): Promise<number> => {
    const { plan, findings } = loadJob(options);
    if (findings.length > 0) {
      stderr.write(
        formatFindings(findings, {
          format: "pretty",
          color: colorsOn(stderr),
          readText: readTextOf,
          files: 1,
        }),
      );
    }
    if (plan === undefined) return exitCode.invalidSpec;
    const text = explainPlan(plan, options.format);
    await print(text.endsWith("\n") ? text : `${text}\n`);
    return exitCode.ok;
  },
};
