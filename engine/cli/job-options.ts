import type { Argv } from "yargs";

/** What every command on one job takes. */
export function jobOptions(yargs: Argv) {
  return yargs
    .positional("job", {
      type: "string",
      demandOption: true,
      describe: "The job spec, a YAML file",
    })
    .option("param", {
      type: "string",
      array: true,
      nargs: 1,
      describe: "name=value: set a parameter of the job",
    })
    .option("params-file", { type: "string", describe: "A JSON file of parameters" });
}
