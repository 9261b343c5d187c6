import type { Argv } from "yargs";

/** What every command on one job takes. */
export function jobOptions(yargs: Argv) {
  return parameterOptions(yargs).positional("job", {
    type: "string",
    demandOption: true,
    describe: "The job spec, a YAML file",
  });
}

/** Values of a job's parameters. */
export function parameterOptions(yargs: Argv) {
  return yargs
    .option("param", {
      type: "string",
      array: true,
      nargs: 1,
      describe: "name=value: set a parameter of the job",
    })
    .option("params-file", { type: "string", describe: "A JSON file of parameters" });
}
