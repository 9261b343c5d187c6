import { EngineError } from "../core/errors.ts";

/** Runs file work on state; a failure of the machine becomes DISK_FULL or STATE_IO with the path. */
export async function withStateErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw stateFileError(error, path);
  }
}

/** Errors that are not the machine's pass unchanged. */
export function stateFileError(error: unknown, path: string): Error {
  if (!(error instanceof Error)) return new EngineError("INTERNAL", String(error));
  if (error instanceof EngineError) return error;
  if (!("code" in error) || !/^E[A-Z0-9]+$/.test(String(error.code))) return error;
  if (error.code === "ENOSPC" || error.code === "EDQUOT") {
    return new EngineError("DISK_FULL", `No space left on the disk of ${path}`, {
      hint: "Free some space and start again; work goes on from the last checkpoint.",
      cause: error,
    });
  }
  return new EngineError("STATE_IO", `Cannot use the state in ${path}: ${error.message}`, {
    hint: "Check the disk and the rights of this directory, then start again.",
    cause: error,
  });
}
