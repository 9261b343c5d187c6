import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { parseSync } from "oxc-parser";

/** Folders of engine/ from the bottom up; one may import only from those before it (style.md). */
const layers: readonly (readonly string[])[] = [
  ["core"],
  ["expression"],
  ["schema"],
  ["state"],
  ["checkpoint"],
  ["operators", "connectors", "spec"],
  ["plan"],
  ["runtime"],
  ["testing"],
  ["cli"],
];

/** The only folders that import a package. */
const packageFolders: Readonly<Record<string, readonly string[]>> = {
  ajv: ["schema"],
  "csv-parse": ["plan"],
  "currency-codes": ["expression"],
  "decimal.js": ["core"],
  jsonata: ["expression"],
  kafkajs: ["connectors"],
  level: ["state"],
  re2js: ["core", "expression", "schema"],
  yaml: ["spec"],
  yargs: ["cli"],
};

/** Ambient powers that these layers must be handed instead of taking (the plan and its meaning are pure). */
const pureLayers = [
  "core",
  "expression",
  "schema",
  "operators",
  "plan",
  "spec",
  "checkpoint",
  "state",
];
const impurePatterns: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/, "reads a clock"],
  [/\bMath\.random\b|\brandomUUID\b|\brandomBytes\b/, "makes randomness"],
  [/\bsetTimeout\b|\bsetInterval\b/, "sets a timer"],
  [/from "node:(?:fs|net|http|https|dns|child_process|timers)/, "reaches outside"],
];

export interface Violation {
  readonly file: string;
  readonly message: string;
}

function typescriptFiles(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(directory, name));
}

function importsOf(file: string, text: string): readonly string[] {
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  return [
    ...module.staticImports.map((found) => found.moduleRequest.value),
    ...module.staticExports.flatMap((found) =>
      found.entries.flatMap((entry) => (entry.moduleRequest ? [entry.moduleRequest.value] : [])),
    ),
  ];
}

function rankOf(folder: string): number {
  return layers.findIndex((layer) => layer.includes(folder));
}

/** Everything in `engine` that breaks the one-way order, imports a package elsewhere, or takes ambient powers. */
export function layerViolations(engine: string): {
  readonly files: number;
  readonly imports: number;
  readonly violations: readonly Violation[];
} {
  const violations: Violation[] = [];
  const files = typescriptFiles(engine);
  let imports = 0;
  for (const path of files) {
    const file = relative(engine, path);
    const folder = file.split(sep)[0] ?? "";
    const text = readFileSync(path, "utf8");
    for (const request of importsOf(path, text)) {
      imports += 1;
      if (request.startsWith("node:")) continue;
      if (!request.startsWith(".")) {
        const name = request.split("/")[0] ?? "";
        if (packageFolders[name]?.includes(folder) !== true) {
          violations.push({ file, message: `imports the package ${name}` });
        }
        continue;
      }
      const target = relative(engine, resolve(dirname(path), request));
      const targetFolder = target.split(sep)[0] ?? "";
      if (target === "catalog.ts") {
        if (!["cli", "testing"].includes(folder)) {
          violations.push({ file, message: "imports catalog.ts" });
        }
        continue;
      }
      // Whose version the program tells.
      if (target === join("..", "package.json") && folder === "cli") continue;
      if (folder === "catalog.ts" || targetFolder === folder) continue;
      if (rankOf(targetFolder) < 0 || rankOf(targetFolder) >= rankOf(folder)) {
        violations.push({ file, message: `${folder} imports ${target}` });
      }
    }
    if (!pureLayers.includes(folder)) continue;
    for (const [pattern, what] of impurePatterns) {
      if (pattern.test(text)) violations.push({ file, message: what });
    }
  }
  return { files: files.length, imports, violations };
}
