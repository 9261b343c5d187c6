import { dirname, resolve } from "node:path";
import { env } from "node:process";
import type { Argv } from "yargs";
import { topicNameFault } from "../connectors/embedded/topic-name.ts";
import type { TopicsFolder } from "../connectors/embedded/topics-folder.ts";
import { resolveCluster } from "../connectors/kafka/block.ts";
import { KafkaCluster } from "../connectors/kafka/cluster.ts";
import { clusterSettings } from "../connectors/kafka/settings.ts";
import { EngineError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { nodeClock } from "../runtime/node-clock.ts";
import { nodeFiles } from "../runtime/node-files.ts";
import { parameterOptions } from "./job-options.ts";
import { loadJob } from "./load-job.ts";
import { consoleLogger, StatusLine } from "./output.ts";

/** What `produce` and `consume` share. */
export function topicOptions(yargs: Argv) {
  return parameterOptions(yargs)
    .positional("topic", { type: "string", demandOption: true, describe: "The topic's name" })
    .option("job", {
      type: "string",
      describe:
        "Reach the topic as this job does (its kafka block: TLS, login); default: KAFKA_BOOTSTRAP_SERVERS, else embedded topics",
    })
    .option("topics-dir", {
      nargs: 1,
      type: "string",
      default: ".pipeline/topics",
      describe: "Folder of embedded topics",
    });
}

interface TopicArguments {
  readonly topic: string;
  readonly job?: string | undefined;
  readonly param?: readonly string[] | undefined;
  readonly paramsFile?: string | undefined;
  readonly topicsDir: string;
}

/** How a cluster is reached, before secrets are put in. */
interface ClusterAccess {
  readonly servers: string;
  readonly client: JsonObject;
  readonly secrets: ReadonlyMap<string, string>;
  readonly baseDirectory: string;
}

/**
 * Where `produce` and `consume` find their topic: a real cluster, or a folder of embedded topics. `stop`: when nobody
 * wants to wait for the cluster any more.
 */
export function topicsPlace(
  options: TopicArguments,
  stop?: AbortSignal,
): { readonly cluster: KafkaCluster } | { readonly folder: TopicsFolder } {
  const { servers, client, ...sources } =
    options.job === undefined ? environmentAccess() : jobAccess(options.job, options);
  const fault = topicNameFault(options.topic);
  if (fault !== undefined) {
    throw new EngineError("USAGE", `topic name ${JSON.stringify(options.topic)} ${fault}`);
  }
  if (servers === "embedded") {
    const directory = resolve(options.topicsDir);
    return { folder: { directory, files: nodeFiles, clock: nodeClock } };
  }
  const settings = clusterSettings("kafka", servers, client, sources);
  const logger = consoleLogger(new StatusLine());
  return {
    cluster: new KafkaCluster(settings, { clock: nodeClock, logger, ...(stop && { stop }) }),
  };
}

function environmentAccess(): ClusterAccess {
  return {
    servers: env["KAFKA_BOOTSTRAP_SERVERS"] ?? "embedded",
    client: resolveCluster({}, () => undefined),
    secrets: new Map(),
    baseDirectory: resolve("."),
  };
}

/** As the job's source or sink of this topic; for other topics as its kafka block says. */
function jobAccess(job: string, options: TopicArguments): ClusterAccess {
  const { plan, secrets } = loadJob({ job, param: options.param, paramsFile: options.paramsFile });
  if (plan === undefined) {
    throw new EngineError("SPEC_INVALID", `${job} is not valid`, {
      hint: `see \`pipeline validate ${job}\``,
    });
  }
  const user = [...plan.sources, ...plan.sinks].find(
    ({ type, config }) => type === "kafka" && config["topic"] === options.topic,
  );
  const { bootstrap_servers: servers, client } = user?.config ?? {
    ...plan.kafka,
    client: resolveCluster(plan.kafka, () => undefined),
  };
  if (typeof servers !== "string") {
    throw new EngineError("USAGE", `${job} has no kafka block and no topic ${options.topic}`);
  }
  return {
    servers,
    client: (client ?? {}) as JsonObject,
    secrets,
    baseDirectory: resolve(dirname(job)),
  };
}
