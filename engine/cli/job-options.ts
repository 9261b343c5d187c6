import type { Argv } from "yargs";
import { EngineError } from "../core/errors.ts";

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

/** What `--OPTION name=value` gives, each name once. */
export function assignments(
  option: string,
  form: string,
  texts: readonly string[],
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const text of texts) {
    const end = text.indexOf("=");
    if (end <= 0) throw new EngineError("USAGE", `--${option} ${text}: write --${option} ${form}`);
    const name = text.slice(0, end);
    if (values.has(name)) {
      throw new EngineError("USAGE", `--${option} ${name}= is given more than once`, {
        hint: "give each name once",
      });
    }
    values.set(name, text.slice(end + 1));
  }
  return values;
}
