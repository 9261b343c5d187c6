import { EngineError } from "../../core/errors.ts";

/** Damage that a checksum or a count has proven: nothing is repaired by guessing. */
export function damaged(path: string, at: number, what: string): EngineError {
  return new EngineError("TOPIC_DAMAGED", `${path} is damaged at byte ${at}: ${what}`, {
    hint: "Restore the topics folder from a copy; nothing was changed.",
  });
}

/** What was read before is no longer there. */
export function inputChanged(topic: string, what: string): EngineError {
  return new EngineError("INPUT_CHANGED", `topic ${topic}: ${what}`, {
    hint: "Restore the topics folder that this job has read from, or start over with a fresh state directory.",
  });
}

/** Runs one access to files; Node's errors become EngineErrors that name the path. */
export async function withFileErrors<T>(
  access: "read" | "write",
  path: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EngineError) throw error;
    if (!(error instanceof Error && "code" in error)) throw error;
    const message = `cannot ${access} embedded topics in ${path}: ${error.message}`;
    if (error.code === "ENOSPC" || error.code === "EDQUOT") {
      throw new EngineError("DISK_FULL", message, { cause: error });
    }
    throw new EngineError(access === "read" ? "INPUT_UNREADABLE" : "OUTPUT_UNWRITABLE", message, {
      cause: error,
    });
  }
}
