import type { Finding } from "../core/finding.ts";
import type { JsonObject } from "../core/json.ts";
import type { SpecResult } from "./job-spec.ts";
import { decodeText } from "./decode-text.ts";
import { makeFinding, sortFindings } from "./findings.ts";
import { parametersSchema } from "./parameter-schema.ts";
import { readParameters } from "./parameters.ts";
import type { ParameterSources } from "./parameters.ts";
import { TreePositions } from "./positions.ts";
import { readTree } from "./read-tree.ts";
import { isSchema } from "./schema-shape.ts";
import { checkSecrets } from "./secrets.ts";
import type { SourceText } from "./source-text.ts";
import { SpecFindings } from "./spec-findings.ts";
import type { SpecMap } from "./spec-node.ts";
import { checkStructure } from "./structure.ts";
import { parseYaml } from "./yaml-document.ts";

export type { ParameterSources } from "./parameters.ts";

/** The version of the grammar that this engine reads. */
const specVersion = 1;

/**
 * Bytes of a job file to plain data with positions. Whatever the bytes are, it gives findings and throws nothing; all
 * faults of a stage are found at once, and a stage whose input cannot be trusted is not begun.
 */
export function readSpec(
  file: string,
  bytes: Uint8Array,
  options: { readonly jobSchema: JsonObject; readonly parameters: ParameterSources },
): SpecResult {
  const decoded = decodeText(file, bytes);
  if (decoded.source === undefined) return { spec: undefined, findings: decoded.findings };
  const { source } = decoded;
  const yaml = parseYaml(file, source);
  const findings: Finding[] = [...decoded.findings, ...yaml.findings];
  if (yaml.root === undefined) return { spec: undefined, findings: sortFindings(findings) };
  if (yaml.root === null) return nothingIn(file, source, findings);
  const tree = readTree(file, source, yaml.root);
  findings.push(...tree.findings);
  if (tree.root === undefined) return { spec: undefined, findings: sortFindings(findings) };
  const positions = new TreePositions(source, tree.root);
  const { root } = tree;
  if (root.kind === "scalar" && root.value === null) return nothingIn(file, source, findings);
  if (root.kind !== "map") {
    const message = `a job is a map of fields, not ${root.kind === "list" ? "a list" : "text"}`;
    findings.push(makeFinding(file, positions.value([]), { code: "SPEC_WRONG_TYPE", message }));
    return { spec: undefined, findings: sortFindings(findings) };
  }
  const collected = new SpecFindings(file, positions);
  if (!checkVersion(root, collected)) {
    return { spec: undefined, findings: sortFindings([...findings, ...collected.list]) };
  }
  const parameters = readParameters(root, options.parameters, collected);
  checkSecrets(root, parameters, collected);
  const schema = withParameters(options.jobSchema);
  const value = checkStructure({ root, schema, parameters, findings: collected });
  const values = new Map(
    [...parameters.values].flatMap(([name, parameter]) =>
      parameter === undefined
        ? []
        : [[name, { value: parameter.value, secret: parameter.secret }] as const],
    ),
  );
  return {
    spec: { file, text: source.text, root: value, positions, parameters: values },
    findings: sortFindings([...findings, ...collected.list]),
  };
}

function nothingIn(file: string, source: SourceText, findings: readonly Finding[]): SpecResult {
  const empty = makeFinding(file, source.span({ start: 0, end: 1 }), {
    code: "SPEC_EMPTY",
    message: "the file holds no job",
    suggestion: "a job starts with `version: 1` and `name:`",
  });
  return { spec: undefined, findings: sortFindings([...findings, empty]) };
}

/** False for a spec of another version: what its fields mean is not known here. */
function checkVersion(root: SpecMap, findings: SpecFindings): boolean {
  const version = root.members.get("version")?.value;
  if (version?.kind !== "scalar" || typeof version.value !== "number") return true;
  if (version.value === specVersion) return true;
  const newer = version.value > specVersion;
  findings.atValue(["version"], {
    code: "SPEC_VERSION",
    message: `the spec is of version ${version.text.slice(0, 40)}; this engine reads version ${specVersion}`,
    suggestion: newer ? "use a newer release of the engine" : `write version: ${specVersion}`,
  });
  return false;
}

/** The parameters block is this layer's own. */
function withParameters(jobSchema: JsonObject): JsonObject {
  const properties = isSchema(jobSchema["properties"]) ? jobSchema["properties"] : {};
  return { ...jobSchema, properties: { ...properties, parameters: parametersSchema } };
}
