// Plants one bug after the other in a copy of the project and looks which test catches it.
// usage: npm run mutants [-- NAME ...]
// A patch says on its second line which tests to ask first; only what they let pass meets the whole suite.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";

const root = join(import.meta.dirname, "../..");
const wanted = process.argv.slice(2);
/** Of a suite that hangs: a bug that makes it hang is caught. */
const suiteLimitMs = 600_000;

const patches = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".patch"))
  .map((name) => basename(name, ".patch"))
  .filter((name) => wanted.length === 0 || wanted.includes(name));
if (patches.length === 0) {
  console.error(`mutants: there is no planted bug named ${wanted.join(", ")}`);
  process.exit(2);
}

const copy = mkdtempSync(join(tmpdir(), "mutants-"));
process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
// Without the test of the patches: it fails wherever one of them is applied.
const copied = tracked
  .split("\0")
  .filter((file) => file !== "" && !file.startsWith("test/mutants/"));
for (const file of copied) cpSync(join(root, file), join(copy, file));
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));

function patch(name, ...options) {
  const file = join(import.meta.dirname, `${name}.patch`);
  execFileSync("git", ["apply", "--unidiff-zero", ...options, file], { cwd: copy });
}

/** What the compiler finds first. A name that a bug leaves unused says nothing about the tests. */
function compilerFault() {
  const lenient = ["--noUnusedLocals", "false", "--noUnusedParameters", "false"];
  const { status, stdout } = spawnSync("npx", ["tsc", "-p", "tsconfig.json", ...lenient], {
    cwd: copy,
    encoding: "utf8",
  });
  return status === 0 ? undefined : stdout.split("\n")[0];
}

/** The first test that fails, "(hangs)", or undefined if all pass. */
async function caughtBy(parts) {
  const wrong = compilerFault();
  if (wrong !== undefined) return `(compiler) ${wrong}`;
  execFileSync("npm", ["run", "build"], { cwd: copy, stdio: "ignore" });
  // In a process group of its own: with it go the processes that its tests have started.
  const suite = spawn("node", ["test/run.mjs", ...parts], {
    cwd: copy,
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  let said = "";
  let failed;
  const stop = (name) => {
    failed ??= name;
    if (suite.exitCode === null) process.kill(-suite.pid, "SIGKILL");
  };
  const timer = setTimeout(() => stop("(hangs)"), suiteLimitMs);
  suite.stdout.on("data", (text) => {
    said += text;
    const name = failedTest(said);
    if (failed === undefined && name !== undefined) stop(name);
  });
  const [status] = await once(suite, "close");
  clearTimeout(timer);
  return failed ?? (status === 0 ? undefined : "(the runner)");
}

/** A suite fails with its tests, a file with its suites: the first to be told is a test. */
function failedTest(output) {
  const failed = [...output.matchAll(/^\s*✖ (?!failing tests)(.*?) \([\d.]+ms\)/gm)];
  return failed.map(([, name]) => name).find((name) => !name.startsWith("/"));
}

const faultBefore = compilerFault();
if (faultBefore !== undefined) throw new Error(`mutants: without a bug: ${faultBefore}`);
let survived = 0;
for (const name of patches) {
  const [about = "", tests = ""] = readFileSync(join(import.meta.dirname, `${name}.patch`), "utf8")
    .split("\n")
    .map((line) => line.replace(/^# (tests: )?/, ""));
  patch(name);
  const likely = tests.split(" ").filter(Boolean);
  const test = (await caughtBy(likely)) ?? (await caughtBy([]));
  patch(name, "--reverse");
  if (test === undefined) survived += 1;
  console.log(`${test === undefined ? "SURVIVED" : "caught  "} ${name}: ${about}`);
  if (test !== undefined) console.log(`           by: ${test}`);
}
console.log(`\n${patches.length - survived} caught, ${survived} survived`);
process.exitCode = survived === 0 ? 0 : 1;
