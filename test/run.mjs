// Runs the test files with Node's own runner; closes with the counts alone on a line.
// usage: node test/run.mjs [PART-OF-PATH ...]
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const parts = process.argv.slice(2);
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts"))
  .filter((name) => parts.length === 0 || parts.some((part) => name.includes(part)))
  .toSorted()
  .map((name) => join(root, name));

if (files.length === 0) {
  console.error("no test file matches");
  process.exit(1);
}

let passed = 0;
let failed = 0;
let skipped = 0;
// The runner reports each file as a test too; only what the files hold is counted.
const isFile = (data) => data.nesting === 0 && files.includes(data.name);
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} --import tsx`.trim();

run({ files, concurrency: 2 })
  .on("test:pass", (data) => {
    if (isFile(data) || data.details.type === "suite") return;
    if (data.skip !== undefined) skipped += 1;
    else passed += 1;
  })
  .on("test:fail", (data) => {
    if (data.details.type !== "suite") failed += 1;
    process.exitCode = 1;
  })
  .on("end", () => {
    if (passed === 0) process.exitCode = 1;
  })
  .compose(new spec())
  .on("end", () => {
    if (skipped > 0) process.stdout.write(`\n${skipped} skipped\n`);
    process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  })
  .pipe(process.stdout);
