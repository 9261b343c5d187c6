import { resolve } from "node:path";
import { env } from "node:process";
import type { Argv } from "yargs";
import type { TopicsFolder } from "../connectors/embedded/topics-folder.ts";
import { EngineError } from "../core/errors.ts";
import { nodeClock } from "../runtime/node-clock.ts";
import { nodeFiles } from "../runtime/node-files.ts";

/** What `produce` and `consume` share. */
export function topicOptions(yargs: Argv) {
  return yargs
    .positional("topic", { type: "string", demandOption: true, describe: "The topic's name" })
    .option("topics-dir", {
      type: "string",
      default: ".pipeline/topics",
      describe: "Folder of embedded topics",
    });
}

/** The folder of embedded topics; a real cluster is refused until its client is there. */
export function topicsFolder(topicsDirectory: string): TopicsFolder {
  const servers = env["KAFKA_BOOTSTRAP_SERVERS"];
  if (servers !== undefined && servers !== "embedded") {
    throw new EngineError("USAGE", `there is no client for the Kafka cluster ${servers} yet`, {
      hint: "unset KAFKA_BOOTSTRAP_SERVERS, or set it to `embedded`",
    });
  }
  return { directory: resolve(topicsDirectory), files: nodeFiles, clock: nodeClock };
}
