import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("embedded-child.ts", import.meta.url));
/** No child of these tests lives longer, whatever happens. */
const lifeMsMax = 600_000;

export interface Child {
  /** Resolves when it starts to work. */
  readonly ready: Promise<void>;
  /** Lines it printed after that. */
  readonly lines: readonly string[];
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  kill(): void;
}

/** Starts a process that works on the topics in `directory`; see embedded-child.ts. */
export function startChild(directory: string, work: readonly string[], failpoints = ""): Child {
  const child = spawn(process.execPath, ["--import", "tsx", script, directory, ...work], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "", PIPELINE_FAILPOINTS: failpoints },
    timeout: lifeMsMax,
    killSignal: "SIGKILL",
  });
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout });
  // Lines that came in one piece with the first follow it at once: the listener must be there by then.
  const ready = new Promise<void>((resolve) => {
    output.once("line", () => {
      output.on("line", (line) => lines.push(line));
      resolve();
    });
  });
  const ended = once(child, "close").then(() => ({
    code: child.exitCode,
    signal: child.signalCode,
  }));
  return { ready, lines, ended, kill: () => child.kill("SIGKILL") };
}
