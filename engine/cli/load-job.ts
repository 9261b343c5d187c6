import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { cwd, env } from "node:process";
import { catalog } from "../catalog.ts";
import { EngineError } from "../core/errors.ts";
import type { Finding } from "../core/finding.ts";
import type { JsonObject } from "../core/json.ts";
import { compileJob } from "../plan/compile-job.ts";
import type { PlanFiles } from "../plan/job-files.ts";
import { jobSchema } from "../plan/job-schema.ts";
import type { Plan } from "../plan/plan.ts";
import { readSpec } from "../spec/read-spec.ts";
import { assignments } from "./job-options.ts";

export interface JobArguments {
  readonly job: string;
  readonly param?: readonly string[] | undefined;
  readonly paramsFile?: string | undefined;
}

export interface LoadedJob {
  readonly plan: Plan | undefined;
  readonly findings: readonly Finding[];
  /** Absolute paths of all files that were read for it. */
  readonly paths: readonly string[];
  /** Values of the secret parameters by name; none of them is in the plan. */
  readonly secrets: ReadonlyMap<string, string>;
}

/** Reads and compiles a job file. Findings are returned; throws EngineError where there is no job to speak of. */
export function loadJob(options: JobArguments): LoadedJob {
  const path = resolve(options.job);
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts === undefined) {
    throw new EngineError("JOB_NOT_FOUND", `there is no job file ${options.job}`, {
      hint: "name a YAML job spec, such as jobs/orders.yaml",
    });
  }
  if (!facts.isFile()) {
    throw new EngineError("JOB_NOT_FOUND", `${options.job} is not a file`, {
      hint: "name one job spec, such as jobs/orders.yaml",
    });
  }
  const file = relative(cwd(), path);
  const paths = [path, ...(options.paramsFile === undefined ? [] : [resolve(options.paramsFile)])];
  const { spec, findings } = readSpec(file, contentOf(path, options.job), {
    jobSchema: jobSchema(catalog),
    parameters: {
      arguments: assignments("param", "name=value", options.param ?? []),
      file: options.paramsFile === undefined ? undefined : parametersFile(options.paramsFile),
      environment: env,
    },
  });
  if (spec === undefined) return { plan: undefined, findings, paths, secrets: new Map() };
  const compiled = compileJob(spec, {
    catalog,
    baseDirectory: dirname(path),
    ...projectFiles(dirname(path), paths),
  });
  const all = [...findings, ...compiled.findings];
  const failed = all.some(({ severity }) => severity === "error");
  const secrets = new Map(
    [...spec.parameters].flatMap(([name, { value, secret }]) =>
      secret ? [[name, String(value)] as const] : [],
    ),
  );
  return { plan: failed ? undefined : compiled.plan, findings: all, paths, secrets };
}

function contentOf(path: string, name: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new EngineError(
      "JOB_NOT_FOUND",
      `the job file ${name} cannot be read (${String(error)})`,
      {
        hint: "name a YAML job spec that you may read, such as jobs/orders.yaml",
      },
    );
  }
}

function parametersFile(path: string): JsonObject {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new EngineError("USAGE", `--params-file ${path}: there is no such regular file`);
  }
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new EngineError("USAGE", `--params-file ${path} is not JSON: ${String(error)}`);
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new EngineError("USAGE", `--params-file ${path} must hold one JSON object`);
  }
  return content as JsonObject;
}

/** The nearest folder above with `.git` or `package.json`, else the spec's own. */
function projectRoot(directory: string): string {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git")) || existsSync(join(folder, "package.json"))) return folder;
    if (folder === dirname(folder)) return directory;
  }
}

/** `readPaths` gets the path of each file that is read. */
function projectFiles(directory: string, readPaths: string[]): PlanFiles {
  const root = realpathSync(projectRoot(directory));
  /** The real path of what exists of `path`, links followed; the rest stays as it is. */
  const real = (path: string): string =>
    existsSync(path) || path === dirname(path)
      ? realpathSync(path)
      : join(real(dirname(path)), path.slice(dirname(path).length));
  const isInside = (path: string): boolean => {
    const target = real(resolve(directory, path));
    return target === root || target.startsWith(root + sep);
  };
  return {
    isInside,
    readFile(path) {
      if (!isInside(path)) return { error: "outside" };
      const absolute = resolve(directory, path);
      if (!existsSync(absolute)) return { error: "missing" };
      readPaths.push(absolute);
      try {
        return { file: relative(cwd(), absolute), text: readFileSync(absolute, "utf8") };
      } catch {
        return { error: "unreadable" };
      }
    },
  };
}
