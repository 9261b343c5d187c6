import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { layerViolations } from "./layers.ts";

const engine = new URL("../../engine", import.meta.url).pathname;

test("every layer imports only from layers before it, and packages only where they belong", () => {
  const { files, imports, violations } = layerViolations(engine);
  assert.deepEqual(violations, []);
  // A checker that reads nothing passes too.
  assert.ok(files > 60, `read only ${files} files`);
  assert.ok(imports > 200, `saw only ${imports} imports`);
});

const planted: readonly (readonly [file: string, text: string, message: RegExp])[] = [
  ["core/a.ts", 'import { b } from "../runtime/b.ts";', /core imports runtime/],
  ["core/a.ts", 'import type { B } from "../state/b.ts";', /core imports state/],
  ["core/a.ts", 'export { b } from "../plan/b.ts";', /core imports plan/],
  ["operators/a.ts", 'import { b } from "../spec/b.ts";', /operators imports spec/],
  ["runtime/a.ts", 'import { catalog } from "../catalog.ts";', /imports catalog/],
  ["runtime/a.ts", 'import { Level } from "level";', /imports the package level/],
  ["plan/a.ts", "export const now = Date.now();", /reads a clock/],
  ["operators/a.ts", 'import { readFileSync } from "node:fs";', /reaches outside/],
];

for (const [file, text, message] of planted) {
  test(`a planted fault is found: ${file}: ${text}`, () => {
    const directory = mkdtempSync(join(tmpdir(), "layers-"));
    try {
      mkdirSync(join(directory, file, ".."), { recursive: true });
      writeFileSync(join(directory, file), `${text}\n`);
      const [violation] = layerViolations(directory).violations;
      assert.match(violation?.message ?? "", message);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}
