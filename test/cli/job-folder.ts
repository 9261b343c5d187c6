import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { env, execPath } from "node:process";
import type { TestContext } from "node:test";
import { pipeline, PipelineProcess, program } from "../crash/pipeline-process.ts";
import type { ProcessEnd } from "../crash/pipeline-process.ts";

/** Every record of `in.jsonl` to `copy`, its repeats and rejects to `dead`; a commit every 20 records. */
export const copyJob = `
version: 1
name: copy
sources:
  lines:
    type: file
    path: in.jsonl
    event_time: { field: at, format: epoch_millis }
    watermark: { max_out_of_orderness: 0s }
checkpoint: { interval: 60s, max_records: 20 }
steps:
  - id: once
    type: dedupe
    key: id
    ttl: 1h
sinks:
  copy: { type: file, path: out/copy.jsonl, input: once }
  dead: { type: file, path: out/dead.jsonl, input: [errors, once.duplicates] }
`;

/** Follows a topic; what is even goes on to another, a commit every 200 ms. */
export const followingJob = `
version: 1
name: follow
kafka: { bootstrap_servers: embedded }
checkpoint: { interval: 200ms }
sources:
  numbers:
    type: kafka
    topic: numbers
    start: earliest
    event_time: { field: at, format: epoch_millis }
    watermark: { max_out_of_orderness: 0s }
steps:
  - { id: even, type: filter, where: "id % 2 = 0" }
sinks:
  evens: { type: kafka, topic: evens, input: even }
  dead: { type: kafka, topic: dead, input: errors }
`;

/** `count` records with ids from `first`, a second of event time apart. */
export function lines(count: number, first = 0): string {
  return Array.from({ length: count }, (_, index) => {
    const id = first + index;
    return `{"id":${id},"at":${id * 1000}}\n`;
  }).join("");
}

/** A folder of its own with a job in it, as a user has one; removed after the test. */
export class JobFolder {
  readonly path: string;

  constructor(context: TestContext, job: string = copyJob) {
    this.path = mkdtempSync(join(tmpdir(), "cli-"));
    context.after(() => rmSync(this.path, { recursive: true, force: true }));
    this.write("package.json", "{}");
    this.write("job.yaml", job);
  }

  write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.path, path)), { recursive: true });
    writeFileSync(join(this.path, path), content);
  }

  read(path: string): string {
    return readFileSync(join(this.path, path), "utf8");
  }

  records(path: string): readonly Record<string, unknown>[] {
    const texts = this.read(path).split("\n").slice(0, -1);
    return texts.map((text) => JSON.parse(text) as Record<string, unknown>);
  }

  start(args: readonly string[], failpoints = "", nodeOptions = ""): PipelineProcess {
    return new PipelineProcess(args, { cwd: this.path, failpoints, nodeOptions });
  }

  pipeline(...args: readonly string[]): Promise<ProcessEnd> {
    return pipeline(args, { cwd: this.path });
  }

  /** Runs the job to the end of its input. */
  run(...more: readonly string[]): Promise<ProcessEnd> {
    return this.pipeline("run", "job.yaml", "--until-end", ...more);
  }

  /** What `pipeline ... | head -1` prints, and what the command says on stderr. */
  intoHead(...args: readonly string[]): { readonly stdout: string; readonly stderr: string } {
    const line = [execPath, program, ...args].map((word) => `'${word}'`).join(" ");
    return spawnSync("sh", ["-c", `${line} | head -1`], {
      cwd: this.path,
      env: { ...env, NODE_OPTIONS: "" },
      encoding: "utf8",
    });
  }
}
