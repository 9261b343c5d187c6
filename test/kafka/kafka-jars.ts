import { spawn, spawnSync } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** What is fetched from Maven Central: the broker, and the programs that come with it. */
const poms = {
  broker: fileURLToPath(new URL("pom.xml", import.meta.url)),
  tools: fileURLToPath(new URL("tools-pom.xml", import.meta.url)),
};
type Part = keyof typeof poms;
/** Another release of the broker than its pom names: the tests of brokers then run on that one. */
const brokerVersion = env["KAFKA_VERSION"];
/** The best compiler would take longer than these programs live. */
const compiler = "-XX:TieredStopAtLevel=1";
export const javaOptions = ["-Xmx384m", "-XX:+UseSerialGC", compiler, "-Dlog4j2.level=WARN"];

/** Of `java`. */
export function classPath(part: Part): string {
  return join(jars(part), "*");
}

/**
 * Why no broker can be started here; undefined if one can. Downloads it and its programs once, into a cache folder.
 * Throws instead where REQUIRE_REAL_BROKER is set: the tests that need one must not be skipped there.
 */
export function brokerMissing(): string | undefined {
  const missing = missingPart();
  if (missing !== undefined && env["REQUIRE_REAL_BROKER"] === "1") throw new Error(missing);
  return missing;
}

function missingPart(): string | undefined {
  for (const [program, flag] of [
    ["java", "-version"],
    ["mvn", "-version"],
  ] as const) {
    if (spawnSync(program, [flag]).status !== 0)
      return `no real Kafka broker: ${program} is missing`;
  }
  return fetchJars("broker") ?? fetchJars("tools");
}

function fetchJars(part: Part): string | undefined {
  if (existsSync(jars(part))) return undefined;
  mkdirSync(join(jars(part), ".."), { recursive: true });
  const folder = mkdtempSync(join(jars(part), "..", "download-"));
  cpSync(poms[part], join(folder, "pom.xml"));
  const isOther = part === "broker" && brokerVersion !== undefined;
  const version = isOther ? [`-Dkafka.version=${brokerVersion}`] : [];
  const copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"];
  const fetched = spawnSync("mvn", ["-B", "-q", "-ntp", ...version, ...copy], {
    cwd: folder,
    encoding: "utf8",
  });
  if (fetched.status !== 0) {
    rmSync(folder, { recursive: true });
    return `no real Kafka broker: Maven could not fetch it: ${fetched.stdout.slice(0, 300)}`;
  }
  try {
    renameSync(join(folder, "jars"), jars(part));
  } catch {
    // Another test process was first.
  }
  rmSync(folder, { recursive: true });
  return undefined;
}

/** One folder for each version of the pom, and for each other release. */
function jars(part: Part): string {
  const version = createHash("sha256").update(readFileSync(poms[part])).digest("hex").slice(0, 12);
  const cache = env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(
    cache,
    part === "broker" ? "pipeline-test-broker" : "pipeline-test-kafka-tools",
    part === "broker" && brokerVersion !== undefined ? `${version}-${brokerVersion}` : version,
  );
}

/** Starts a program of Kafka's own. */
export function spawnKafkaTool(
  main: string,
  args: readonly string[],
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn("java", [...javaOptions, "-cp", classPath("tools"), main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs a program of Kafka's own to its end and gives what it printed. */
export function runKafkaTool(main: string, args: readonly string[]): Promise<string> {
  const tool = spawnKafkaTool(main, args);
  const printed: Buffer[] = [];
  let complaint = "";
  tool.stdout.on("data", (data: Buffer) => printed.push(data));
  tool.stderr.on("data", (data: Buffer) => (complaint += data.toString()));
  return new Promise((done, failed) => {
    tool.on("error", failed);
    tool.on("close", (exit) => {
      if (exit === 0) done(Buffer.concat(printed).toString("utf8"));
      else failed(new Error(`${main} ended with ${exit}: ${complaint}`));
    });
  });
}
