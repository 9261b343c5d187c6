import { readFileSync } from "node:fs";
import { stdout } from "node:process";
import type { Argv } from "yargs";
import { exitCode } from "../core/errors.ts";
import type { Finding } from "../core/finding.ts";
import { formatFindings } from "./findings-format.ts";
import { loadJob } from "./load-job.ts";
import { colorsOn, print } from "./output.ts";

function build(yargs: Argv) {
  return yargs
    .positional("jobs", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Job specs, YAML files",
    })
    .option("param", {
      type: "string",
      array: true,
      nargs: 1,
      describe: "name=value: set a parameter of the jobs",
    })
    .option("params-file", { type: "string", describe: "A JSON file of parameters" })
    .option("format", {
      nargs: 1,
      choices: ["pretty", "json"] as const,
      default: "pretty" as const,
      describe: "json: one document on stdout",
    })
    .example("$0 validate jobs/*.yaml", "All findings at once; exit 3 if one is an error");
}

type ValidateArguments = Awaited<ReturnType<ReturnType<typeof build>["parseAsync"]>>;

export const validateCommand = {
  command: "validate <jobs..>",
  describe: "Check jobs without running them: spec, schemas, expressions",
  builder: build,
  handler: async (options: ValidateArguments): Promise<number> => {
    const jobs = options.jobs ?? [];
    const { param, paramsFile } = options;
    const findings = jobs.flatMap((job) => loadJob({ job, param, paramsFile }).findings);
    await print(
      formatFindings(findings, {
        format: options.format,
        color: options.format === "pretty" && colorsOn(stdout),
        readText: readTextOf,
        files: jobs.length,
      }),
    );
    return hasErrors(findings) ? exitCode.invalidSpec : exitCode.ok;
  },
};

function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === "error");
}

export function readTextOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
