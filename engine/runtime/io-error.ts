import { EngineError } from "../core/errors.ts";

/** Any failure as an orderly stop: the operating system's errors get a code and a hint, the rest is our bug. */
export function asEngineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  if (!(error instanceof Error)) return new EngineError("INTERNAL", String(error));
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new EngineError("DISK_FULL", `the disk is full: ${error.message}`, {
      hint: "free some space and start again; nothing committed was lost",
      cause: error,
    });
  }
  if (/^E[A-Z]+$/.test(code)) {
    return new EngineError("STATE_IO", `a file operation failed: ${error.message}`, {
      hint: "see to the disk or the rights, then start again; nothing committed was lost",
      cause: error,
    });
  }
  return new EngineError("INTERNAL", error.message, { cause: error });
}
