import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pipeline, projectRoot } from "../crash/pipeline-process.ts";

const documents = [
  "README.md",
  ...readdirSync(join(projectRoot, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

const jobs = documents.flatMap((document) =>
  [...readFileSync(join(projectRoot, document), "utf8").matchAll(/```yaml\n(.*?)```/gs)].map(
    ([, text], index) => ({ name: `${document}, block ${index + 1}`, text: text ?? "" }),
  ),
);

test("the README shows a job", () => {
  assert.ok(jobs.some(({ name }) => name.startsWith("README.md")));
});

for (const { name, text } of jobs) {
  test(`the job in ${name} is valid`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "markdown-job-"));
    try {
      writeFileSync(join(folder, "job.yaml"), text);
      const { exit, stdout } = await pipeline(["validate", "job.yaml"], { cwd: folder });
      assert.equal(exit, 0, stdout);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
