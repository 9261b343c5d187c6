import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const folder = import.meta.dirname;
const patches = readdirSync(folder).filter((name) => name.endsWith(".patch"));

test("every planted bug still applies to the engine, and says what it is and who should catch it", () => {
  assert.ok(patches.length >= 25);
  for (const name of patches) {
    const [about, tests] = readFileSync(join(folder, name), "utf8").split("\n");
    assert.match(about ?? "", /^# .+\.$/, name);
    assert.match(tests ?? "", /^# tests: .+$/, name);
    const args = ["apply", "--check", "--unidiff-zero", join(folder, name)];
    assert.doesNotThrow(() => execFileSync("git", args, { cwd: join(folder, "../..") }), name);
  }
});
