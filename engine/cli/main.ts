#!/usr/bin/env node
import { stderr } from "node:process";
import process from "node:process";
import yargs from "yargs";
import { hideBin } from "yargs/helpers";
import manifest from "../../package.json" with { type: "json" };
import { EngineError, exitCode } from "../core/errors.ts";
import { nearestName } from "../core/nearest.ts";
import { asEngineError } from "../runtime/io-error.ts";
import { consumeCommand } from "./consume-command.ts";
import { explainCommand } from "./explain-command.ts";
import { tolerateClosedReaders } from "./output.ts";
import { produceCommand } from "./produce-command.ts";
import { runCommand } from "./run-command.ts";
import { stateCommand } from "./state-command.ts";
import { validateCommand } from "./validate-command.ts";

/** A message for people; a stack trace only where the fault is ours. */
function describe(error: EngineError): string {
  const lines = [`${error.code} ${error.message}`];
  if (error.hint !== undefined) lines.push(`  ${error.hint}`);
  if (error.exit === exitCode.bug) {
    const cause = error.cause instanceof Error ? error.cause : error;
    lines.push("  This is a bug in pipeline; please report it with this trace:", cause.stack ?? "");
  }
  return `${lines.join("\n")}\n`;
}

/** Options and positionals that take several values. */
const repeatable: ReadonlySet<string> = new Set([
  "_",
  "jobs",
  "param",
  "input",
  "reset",
  "headers",
]);

/** yargs makes a list of a repeated option, NaN of a bad number and "" of a missing value: none of them is meant. */
function checkArguments(options: Readonly<Record<string, unknown>>): true {
  for (const [name, value] of Object.entries(options)) {
    if (Array.isArray(value) && !repeatable.has(name)) {
      throw new EngineError("USAGE", `--${name} is given ${value.length} times`, {
        hint: "give it once",
      });
    }
    if (value === "") throw new EngineError("USAGE", `--${name} needs a value`);
    if (Number.isNaN(value)) throw new EngineError("USAGE", `--${name} must be a number`);
  }
  return true;
}

/** The options that nobody declared, in one spelling, and what may have been meant. */
function unknownOptions(message: string, known: readonly string[]): EngineError | undefined {
  const listed = /^Unknown arguments?: (.*)$/.exec(message)?.[1];
  if (listed === undefined) return undefined;
  const names = listed.split(", ").filter((name) => !/[a-z][A-Z]/.test(name));
  const nearest = names.flatMap((name) => nearestName(name, known) ?? []);
  return new EngineError(
    "USAGE",
    `there is no such option or argument: ${names.join(", ") || listed}`,
    nearest.length === 0 ? {} : { hint: `did you mean --${nearest.join(", --")}?` },
  );
}

/** yargs types each command by its own options; a handler's result becomes the exit code. */
function command<A>(found: {
  command: string;
  describe: string;
  builder: (parser: ReturnType<typeof yargs>) => { parseAsync(): Promise<A> | A };
  handler: (options: A) => Promise<number>;
}) {
  return {
    command: found.command,
    describe: found.describe,
    builder: found.builder as never,
    handler: async (options: A): Promise<void> => {
      process.exitCode = await found.handler(options);
    },
  } as never;
}

async function main(): Promise<void> {
  const parser = yargs(hideBin(process.argv))
    .scriptName("pipeline")
    // As everything else that is said.
    .locale("en")
    .usage("$0 <command>\n\nDeclarative stream pipelines: a YAML job, exactly-once output.")
    .command(command(runCommand))
    .command(command(validateCommand))
    .command(command(explainCommand))
    .command(command(produceCommand))
    .command(command(consumeCommand))
    .command(command(stateCommand))
    .demandCommand(1, "Name a command.")
    .strict()
    .recommendCommands()
    .parserConfiguration({
      "camel-case-expansion": true,
      "parse-positional-numbers": false,
    })
    .check(checkArguments)
    .updateStrings({
      "Not enough arguments following: %s": "--%s needs a value",
      "Did you mean %s?": "there is no such command or option; did you mean %s?",
      // A plural form is right for this key, which the types do not know.
      "Not enough non-option arguments: got %s, need at least %s": {
        one: "an argument is missing: got %s, need at least %s",
        other: "an argument is missing: got %s, need at least %s",
      } as never,
    })
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined, failed) => {
      if (error instanceof EngineError) throw error;
      // The usage text is the one place that lists the options of the command at hand.
      const known = String(failed.help()).matchAll(/--([a-z][a-z-]*)/g);
      const unknown = unknownOptions(
        message ?? "",
        Array.from(known, ([, name]) => name ?? ""),
      );
      if (unknown !== undefined) throw unknown;
      // yargs' own errors, such as an option at the end of the line without its value.
      if (error === undefined || error.name === "YError") {
        throw new EngineError("USAGE", message ?? error?.message ?? "bad usage");
      }
      throw error;
    })
    .help()
    .alias("help", "h")
    .version(manifest.version);
  await parser.parseAsync();
}

function tell(error: unknown): EngineError {
  const stop = asEngineError(error);
  stderr.write(describe(stop));
  if (stop.code === "USAGE") stderr.write("  See pipeline --help.\n");
  return stop;
}

tolerateClosedReaders();
// What nobody caught: nothing is known of the state in memory any more, that on the disk is safe.
process.on("uncaughtException", (error) => process.exit(tell(error).exit));
try {
  await main();
} catch (error) {
  process.exitCode = tell(error).exit;
}
