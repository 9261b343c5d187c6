import type { DeliveryTarget } from "../../checkpoint/delivery.ts";
import { EngineError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { nearestName } from "../../core/nearest.ts";
import type {
  ConnectorContext,
  ConnectorResolveContext,
  SinkDefinition,
  Source,
  SourceDefinition,
} from "../connector.ts";
import { EmbeddedSource } from "../embedded/embedded-source.ts";
import { EmbeddedTarget } from "../embedded/embedded-target.ts";
import { partitionsDefault } from "../embedded/embedded-topics.ts";
import { topicNameFault } from "../embedded/topic-name.ts";
import type { TopicsFolder } from "../embedded/topics-folder.ts";
import { maxValueBytes } from "../embedded/topic-writer.ts";
import { resolveCluster } from "./block.ts";
import { KafkaCluster } from "./cluster.ts";
import { KafkaSource } from "./kafka-source.ts";
import { KafkaTarget } from "./kafka-target.ts";
import { clusterSettings } from "./settings.ts";

const embedded = "embedded";

const topicSchema: JsonObject = {
  type: "string",
  minLength: 1,
  description: "Letters, digits, `.`, `_` and `-`, at most 249 characters.",
};

const clusterSchema: JsonObject = {
  type: "string",
  description: "A name under `kafka.clusters`; default: the cluster of the block itself.",
};

export const kafkaSource: SourceDefinition = {
  type: "kafka",
  summary: "Reads a topic of Kafka or of the embedded topics, and follows it.",
  configSchema: {
    required: ["topic"],
    properties: {
      topic: topicSchema,
      cluster: clusterSchema,
      start: {
        enum: ["earliest", "latest"],
        default: "earliest",
        description: "Where the first run starts; later ones go on where the last one stopped.",
      },
    },
  },
  bounded: false,
  resolve(raw, context) {
    const config = resolveTopic(raw, context);
    return config && { ...config, start: raw["start"] === "latest" ? "latest" : "earliest" };
  },
  create(config, context): Source {
    if (!isEmbedded(config)) {
      const options = {
        topic: textOf(config, "topic"),
        start: config["start"] === "latest" ? "latest" : "earliest",
        maxRecordBytes: context.maxRecordBytes,
        group: context.job,
      } as const;
      return new KafkaSource(clusterOf(config, context), options);
    }
    return new EmbeddedSource(topicsFolder(context), {
      topic: textOf(config, "topic"),
      start: config["start"] === "latest" ? "latest" : "earliest",
      partitions: Number(config["partitions"]),
      maxRecordBytes: context.maxRecordBytes,
      failpoints: context.failpoints,
    });
  },
};

export const kafkaSink: SinkDefinition = {
  type: "kafka",
  summary:
    "Writes to a topic of Kafka or of the embedded topics, in one transaction per checkpoint.",
  configSchema: { required: ["topic"], properties: { topic: topicSchema, cluster: clusterSchema } },
  resolve: resolveTopic,
  maxValueBytes: (config) => (isEmbedded(config) ? maxValueBytes : undefined),
  delivered: {
    targetId: targetOf,
    topic: (config) => textOf(config, "topic"),
    create(config, context): DeliveryTarget {
      const { failpoints, logger } = context;
      if (!isEmbedded(config)) {
        return new KafkaTarget(clusterOf(config, context), { failpoints, logger });
      }
      return new EmbeddedTarget(topicsFolder(context), Number(config["partitions"]), {
        failpoints,
      });
    },
  },
};

function resolveTopic(raw: JsonObject, context: ConnectorResolveContext): JsonObject | undefined {
  const cluster = blockOf(raw, context);
  const servers = cluster?.["bootstrap_servers"];
  if (cluster !== undefined && typeof servers !== "string") {
    context.report(["type"], {
      code: "SPEC_MISSING_FIELD",
      message: "type kafka needs kafka.bootstrap_servers",
      suggestion: "add `kafka: { bootstrap_servers: embedded }`, or host:port",
    });
  }
  const topic = raw["topic"];
  if (typeof topic !== "string") return undefined;
  const fault = topicNameFault(topic);
  if (fault !== undefined) {
    context.report(["topic"], {
      code: "SPEC_TOPIC_NAME",
      message: `topic name ${JSON.stringify(topic)} ${fault}`,
    });
    return undefined;
  }
  if (cluster === undefined || typeof servers !== "string") return undefined;
  if (servers === embedded) {
    return { topic, bootstrap_servers: servers, partitions: embeddedPartitions(context.kafka) };
  }
  const name = raw["cluster"];
  const resolved = resolveCluster(cluster, (field) => {
    context.report(["type"], {
      code: "SPEC_DURATION_RANGE",
      message: `kafka.${field} is no duration above 0`,
      suggestion: 'write a whole number and a unit, such as "30s"',
    });
  });
  const id = typeof name === "string" ? `kafka:${name}` : "kafka";
  return { topic, bootstrap_servers: servers, cluster: id, client: resolved };
}

/** The part of the `kafka:` block that a source or sink uses. */
function blockOf(raw: JsonObject, context: ConnectorResolveContext): JsonObject | undefined {
  const name = raw["cluster"];
  if (typeof name !== "string") return context.kafka;
  const clusters = context.kafka["clusters"];
  const names = typeof clusters === "object" && clusters !== null ? Object.keys(clusters) : [];
  const found = names.includes(name) ? (clusters as JsonObject)[name] : undefined;
  if (typeof found === "object" && found !== null) return found as JsonObject;
  const nearest = nearestName(name, names);
  context.report(["cluster"], {
    code: "SPEC_CLUSTER_UNKNOWN",
    message: `there is no cluster ${JSON.stringify(name)} under kafka.clusters`,
    ...(nearest === undefined ? {} : { suggestion: `did you mean "${nearest}"?` }),
  });
  return undefined;
}

function embeddedPartitions(kafka: JsonObject): number {
  const options = kafka["embedded"];
  if (typeof options !== "object" || options === null || !("partitions" in options)) {
    return partitionsDefault;
  }
  const partitions = options["partitions"];
  return typeof partitions === "number" ? partitions : partitionsDefault;
}

/** A text of the resolved config. */
function textOf(config: JsonObject, name: string): string {
  const text = config[name];
  if (typeof text === "string") return text;
  throw new EngineError("INTERNAL", `config of type kafka has no ${name}`);
}

function isEmbedded(config: JsonObject): boolean {
  return textOf(config, "bootstrap_servers") === embedded;
}

/** The name of a cluster stays when its servers move, so that a job knows it again. */
function targetOf(config: JsonObject): string {
  return isEmbedded(config) ? embedded : textOf(config, "cluster");
}

function clusterOf(config: JsonObject, context: ConnectorContext): KafkaCluster {
  const servers = textOf(config, "bootstrap_servers");
  const settings = clusterSettings(targetOf(config), servers, config["client"] as JsonObject, {
    secrets: context.secrets ?? new Map(),
    baseDirectory: context.baseDirectory,
  });
  return new KafkaCluster(settings, context);
}

function topicsFolder(context: ConnectorContext): TopicsFolder {
  const { topicsDirectory, files, clock } = context;
  return { directory: topicsDirectory, files, clock };
}
