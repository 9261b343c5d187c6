import { fileSink } from "./connectors/file/file-sink.ts";
import { fileSource } from "./connectors/file/file-source.ts";
import { generateSource } from "./connectors/generate/generate-source.ts";
import { kafkaBlockSchema } from "./connectors/kafka/block.ts";
import { kafkaSink, kafkaSource } from "./connectors/kafka/definition.ts";
import { aggregate } from "./operators/aggregate.ts";
import { dedupe } from "./operators/dedupe.ts";
import { enrich } from "./operators/enrich.ts";
import { filter } from "./operators/filter.ts";
import { validate } from "./operators/validate.ts";
import type { Catalog } from "./plan/catalog.ts";

/** The one explicit list of step types and connectors: what a job spec may name. */
export const catalog: Catalog = {
  steps: [validate, enrich, filter, dedupe, aggregate],
  sources: [kafkaSource, fileSource, generateSource],
  sinks: [kafkaSink, fileSink],
  kafkaSchema: kafkaBlockSchema,
};
