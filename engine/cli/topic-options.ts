import { resolve } from "node:path";
import { env } from "node:process";
import type { Argv } from "yargs";
import type { TopicsFolder } from "../connectors/embedded/topics-folder.ts";
import { resolveCluster } from "../connectors/kafka/block.ts";
import { KafkaCluster } from "../connectors/kafka/cluster.ts";
import { clusterSettings } from "../connectors/kafka/settings.ts";
import { nodeClock } from "../runtime/node-clock.ts";
import { nodeFiles } from "../runtime/node-files.ts";
import { consoleLogger, StatusLine } from "./output.ts";

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

/** Where `produce` and `consume` find their topic: a real cluster, or a folder of embedded topics. */
export function topicsPlace(
  topicsDirectory: string,
): { readonly cluster: KafkaCluster } | { readonly folder: TopicsFolder } {
  const servers = env["KAFKA_BOOTSTRAP_SERVERS"];
  if (servers === undefined || servers === "embedded") {
    return {
      folder: { directory: resolve(topicsDirectory), files: nodeFiles, clock: nodeClock },
    };
  }
  const client = resolveCluster({}, () => undefined);
  const sources = { secrets: new Map<string, string>(), baseDirectory: resolve(".") };
  const settings = clusterSettings("kafka", servers, client, sources);
  const logger = consoleLogger(new StatusLine());
  return { cluster: new KafkaCluster(settings, { clock: nodeClock, logger }) };
}
