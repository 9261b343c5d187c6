import { EngineError } from "../core/errors.ts";

/** What was being done when Level failed; decides how an I/O error is read. */
export type LevelWork = "open" | "read" | "write";

interface LevelFault {
  readonly code: string;
  readonly text: string;
}

/** The innermost coded error: `open` wraps the reason into its `cause`. */
function faultOf(error: unknown): LevelFault {
  let fault: LevelFault = { code: "", text: String(error) };
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") fault = { code: at.code, text: at.message };
  }
  return fault;
}

export function isLevelLocked(error: unknown): boolean {
  return faultOf(error).code === "LEVEL_LOCKED";
}

/** The machine refused (disk, rights, descriptors): the files themselves are not in doubt. */
const machineTrouble =
  /input\/output error|permission denied|read-only file system|too many open files|operation not permitted|cannot allocate|quota|stale file/i;

/** Level's error as ours, with the path and what to do. */
export function levelError(error: unknown, path: string, work: LevelWork): EngineError {
  if (error instanceof EngineError) return error;
  const { code, text } = faultOf(error);
  if (code === "LEVEL_LOCKED") {
    return new EngineError("STATE_LOCKED", `${path} is in use by another process`, {
      hint: "Stop the other process, or use another directory.",
      cause: error,
    });
  }
  if (/no space left/i.test(text)) {
    return new EngineError("DISK_FULL", `No space left on the disk of ${path}`, {
      hint: "Free some space and start again; work goes on from the last checkpoint.",
      cause: error,
    });
  }
  const damaged =
    code === "LEVEL_CORRUPTION" ||
    // A file that Level's own directory names is missing or cut: it reports that as an I/O error.
    (work !== "write" && !machineTrouble.test(text));
  if (damaged) {
    return new EngineError("STATE_CORRUPT", `The state log ${path} is damaged: ${text}`, {
      hint: "It is never repaired by guessing. Restore the whole state directory from a copy, or start over with an empty one.",
      cause: error,
    });
  }
  return new EngineError("STATE_IO", `Cannot ${work} the state log ${path}: ${text}`, {
    hint: "Check the disk and the rights of this directory, then start again.",
    cause: error,
  });
}
