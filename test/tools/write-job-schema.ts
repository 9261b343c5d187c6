import { writeFileSync } from "node:fs";
import { catalog } from "../../engine/catalog.ts";
import { jobSchema } from "../../engine/plan/job-schema.ts";

/** Where editors find the schema of job files (`yaml-language-server: $schema=...`). */
export const jobSchemaFile = new URL("../../schemas/job.schema.json", import.meta.url);

export function jobSchemaText(): string {
  return `${JSON.stringify(jobSchema(catalog), undefined, 2)}\n`;
}

if (
  process.argv[1] !== undefined &&
  import.meta.url.endsWith(process.argv[1].replaceAll("\\", "/"))
) {
  writeFileSync(jobSchemaFile, jobSchemaText());
}
