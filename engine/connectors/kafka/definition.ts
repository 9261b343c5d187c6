import type { DeliveryTarget } from "../../checkpoint/delivery.ts";
import { EngineError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
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

const embedded = "embedded";

/** The job's `kafka:` block. */
export const kafkaBlockSchema: JsonObject = {
  type: "object",
  required: ["bootstrap_servers"],
  additionalProperties: false,
  properties: {
    bootstrap_servers: {
      type: "string",
      minLength: 1,
      description:
        "host:port[,host:port], or `embedded`: durable topics in files, no broker needed.",
    },
    embedded: {
      type: "object",
      additionalProperties: false,
      properties: {
        partitions: {
          type: "integer",
          minimum: 1,
          maximum: 1024,
          default: partitionsDefault,
          description: "Partitions of an embedded topic that is made because it does not exist.",
        },
      },
    },
  },
};

const topicSchema: JsonObject = {
  type: "string",
  minLength: 1,
  description: "Letters, digits, `.`, `_` and `-`, at most 249 characters.",
};

export const kafkaSource: SourceDefinition = {
  type: "kafka",
  summary: "Reads a topic of Kafka or of the embedded topics, and follows it.",
  configSchema: {
    required: ["topic"],
    properties: {
      topic: topicSchema,
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
    requireEmbedded(config);
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
  configSchema: { required: ["topic"], properties: { topic: topicSchema } },
  resolve: resolveTopic,
  maxValueBytes: () => maxValueBytes,
  delivered: {
    targetId: targetOf,
    topic: (config) => textOf(config, "topic"),
    create(config, context): DeliveryTarget {
      requireEmbedded(config);
      const { failpoints } = context;
      return new EmbeddedTarget(topicsFolder(context), Number(config["partitions"]), {
        failpoints,
      });
    },
  },
};

function resolveTopic(raw: JsonObject, context: ConnectorResolveContext): JsonObject | undefined {
  const servers = context.kafka["bootstrap_servers"];
  if (typeof servers !== "string") {
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
  if (typeof servers !== "string") return undefined;
  if (servers !== embedded) return { topic, bootstrap_servers: servers };
  return { topic, bootstrap_servers: servers, partitions: embeddedPartitions(context.kafka) };
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

function targetOf(config: JsonObject): string {
  const servers = textOf(config, "bootstrap_servers");
  return servers === embedded ? embedded : `kafka:${servers}`;
}

function requireEmbedded(config: JsonObject): void {
  const servers = textOf(config, "bootstrap_servers");
  if (servers === embedded) return;
  throw new EngineError(
    "USAGE",
    `topic ${textOf(config, "topic")} is on Kafka at ${servers}: a Kafka client is not available in this version yet`,
    { hint: "Use `bootstrap_servers: embedded`: durable topics in files, no broker needed." },
  );
}

function topicsFolder(context: ConnectorContext): TopicsFolder {
  const { topicsDirectory, files, clock } = context;
  return { directory: topicsDirectory, files, clock };
}
