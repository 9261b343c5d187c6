import { catalog } from "../../engine/catalog.ts";
import type { Finding } from "../../engine/core/finding.ts";
import type { JsonValue } from "../../engine/core/json.ts";
import { compileJob } from "../../engine/plan/compile-job.ts";
import { isObject } from "../../engine/plan/raw.ts";
import type { Plan } from "../../engine/plan/plan.ts";
import type { JobSpec, ParameterValue } from "../../engine/spec/job-spec.ts";
import { TreePositions } from "../../engine/spec/positions.ts";
import { readTree } from "../../engine/spec/read-tree.ts";
import { SourceText } from "../../engine/spec/source-text.ts";
import type { SpecNode } from "../../engine/spec/spec-node.ts";
import { parseYaml } from "../../engine/spec/yaml-document.ts";

function plain(node: SpecNode): JsonValue {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries(
    [...node.members].map(([name, { value }]) => [name, plain(value)] as const),
  );
}

/** A spec that no structural check has seen: what compiling has to live with at worst. */
function specOf(text: string, parameters: Readonly<Record<string, ParameterValue>> = {}): JobSpec {
  const source = new SourceText(text);
  const document = parseYaml("jobs/test.yaml", source);
  const tree = document.root ? readTree("jobs/test.yaml", source, document.root) : undefined;
  if (tree?.root === undefined) throw new Error(JSON.stringify(document.findings));
  const root = plain(tree.root);
  return {
    file: "jobs/test.yaml",
    text,
    root: isObject(root) ? root : {},
    positions: new TreePositions(source, tree.root),
    parameters: new Map(Object.entries(parameters)),
  };
}

export interface Compiled {
  readonly plan: Plan | undefined;
  readonly findings: readonly Finding[];
  /** `line CODE` of every finding. */
  readonly places: readonly string[];
  readonly codes: readonly string[];
}

export function compile(
  text: string,
  files: Readonly<Record<string, string>> = {},
  parameters: Readonly<Record<string, ParameterValue>> = {},
): Compiled {
  const { plan, findings } = compileJob(specOf(text, parameters), {
    catalog,
    isInside: (path) => !path.startsWith("../../"),
    readFile(path) {
      const content = Object.hasOwn(files, path) ? files[path] : undefined;
      return content === undefined ? { error: "missing" } : { file: `jobs/${path}`, text: content };
    },
  });
  return {
    plan,
    findings,
    places: findings.map(({ line, code }) => `${line} ${code}`),
    codes: findings.map(({ code }) => code),
  };
}

/** A job of one line each, ready to be spoiled: source `in`, sinks `out` and `dead`. */
export function job(parts: {
  readonly source?: string;
  readonly head?: string;
  readonly steps?: readonly string[];
  readonly sinks?: readonly string[];
  readonly tail?: string;
}): string {
  const source =
    parts.source ??
    "in: { type: file, path: in.jsonl, event_time: { field: at, format: rfc3339 }, watermark: { max_out_of_orderness: 10m } }";
  const steps = parts.steps ?? [];
  const sinks = parts.sinks ?? [
    "out: { type: file, path: out.jsonl, input: last }",
    "dead: { type: file, path: dead.jsonl, input: errors }",
  ];
  return [
    "version: 1",
    "name: test",
    ...(parts.head === undefined ? [] : [parts.head]),
    `sources:\n  ${source}`,
    ...(steps.length === 0 ? [] : ["steps:", ...steps.map((step) => `  - ${step}`)]),
    "sinks:",
    ...sinks.map((sink) => `  ${sink}`),
    ...(parts.tail === undefined ? [] : [parts.tail]),
    "",
  ].join("\n");
}
