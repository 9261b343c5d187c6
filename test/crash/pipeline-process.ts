import { spawn } from "node:child_process";
import { env, execPath } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url));
export const program = fileURLToPath(new URL("../../build/main.js", import.meta.url));

export interface ProcessEnd {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of a process that hangs; a busy machine makes none of them take that long. */
const lifeMsMax = 600_000;

/** A `pipeline` process of this checkout's build. Killed if it hangs. */
export class PipelineProcess {
  readonly ended: Promise<ProcessEnd>;
  readonly #child;
  readonly #printed = { stdout: "", stderr: "" };
  #isOver = false;

  constructor(
    args: readonly string[],
    options: {
      cwd: string;
      failpoints?: string;
      input?: string;
      nodeOptions?: string;
      environment?: Readonly<Record<string, string>>;
      /** Is given each whole line of stderr at once. */
      onLine?: (line: string) => void;
    },
  ) {
    const child = spawn(execPath, [program, ...args], {
      cwd: options.cwd,
      env: {
        ...env,
        ...options.environment,
        PIPELINE_FAILPOINTS: options.failpoints ?? "",
        NODE_OPTIONS: options.nodeOptions ?? "",
      },
      stdio: ["pipe", "pipe", "pipe"],
      timeout: lifeMsMax,
      killSignal: "SIGKILL",
    });
    this.#child = child;
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    const printed = this.#printed;
    child.stdout.on("data", (chunk: Buffer) => (printed.stdout += chunk.toString()));
    let partial = "";
    child.stderr.on("data", (chunk: Buffer) => {
      printed.stderr += chunk.toString();
      const lines = (partial + chunk.toString()).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) options.onLine?.(line);
    });
    this.ended = new Promise((done, failed) => {
      child.on("error", failed);
      child.on("close", (exit, signal) => {
        this.#isOver = true;
        done({ exit, signal, ...printed });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves once `text` was printed on stdout or stderr; throws if the process ends without it. */
  prints(text: RegExp): Promise<void> {
    return this.until(() => text.test(this.#printed.stdout) || text.test(this.#printed.stderr));
  }

  /** Resolves once `condition` holds; throws if the process ends before. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#isOver) {
        throw new Error(`the process ended: ${this.#printed.stdout}${this.#printed.stderr}`);
      }
      await sleep(20);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** Runs `pipeline` to its end. */
export function pipeline(
  args: readonly string[],
  options: ConstructorParameters<typeof PipelineProcess>[1],
): Promise<ProcessEnd> {
  return new PipelineProcess(args, options).ended;
}
