import { env, stderr, stdout } from "node:process";
import type { Logger } from "../core/logger.ts";

/** True if this stream is a terminal that takes control sequences. */
function isCapable(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true && env["TERM"] !== "dumb";
}

export function colorsOn(stream: { readonly isTTY?: boolean }): boolean {
  return isCapable(stream) && (env["NO_COLOR"] ?? "") === "";
}

/** `12,345` */
export function number(value: number): string {
  return value.toLocaleString("en-US");
}

/** One line on a terminal that is written over and over; plain lines go through it undisturbed. */
export class StatusLine {
  readonly capable = isCapable(stderr);
  #shown = false;

  show(text: string): void {
    const width = stderr.columns ?? 80;
    stderr.write(`\r\u001b[2K${text.slice(0, Math.max(10, width - 1))}`);
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) stderr.write("\r\u001b[2K");
    this.#shown = false;
  }
}

/** Log lines on stderr: `level message {facts}`. */
export function consoleLogger(status: StatusLine): Logger {
  const line =
    (level: string) =>
    (message: string, facts?: Readonly<Record<string, unknown>>): void => {
      status.clear();
      const tail = facts === undefined ? "" : ` ${JSON.stringify(facts)}`;
      stderr.write(`${level} ${message}${tail}\n`);
    };
  return { info: line("INFO"), warn: line("WARN"), error: line("ERROR") };
}

function isReaderGone(error: Error): boolean {
  return "code" in error && error.code === "EPIPE";
}

/** Without a listener, a reader that went away (`| head -1`) would end the process with a stack trace. */
export function tolerateClosedReaders(): void {
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: Error) => {
      if (!isReaderGone(error)) throw error;
    });
  }
}

/** Writes to stdout and waits until it is taken, so that a slow reader does not fill memory. False: nobody reads any more. */
export function print(text: string | Uint8Array): Promise<boolean> {
  return new Promise((done, failed) => {
    stdout.write(text, (error) => {
      if (error === null || error === undefined) done(true);
      else if (isReaderGone(error)) done(false);
      else failed(error);
    });
  });
}
