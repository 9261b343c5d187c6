/** Node's code of a failed system call (`ENOSPC`, `EACCES`, ...); undefined for any other error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What to do about a file that cannot be written, by that code. */
export function writeAdvice(code: string): string {
  return (
    adviceByCode[code] ??
    "see to the disk, then start again: the run goes on from its last checkpoint"
  );
}

const rights = "let the user that runs the job read and write there, or choose another output";
const otherOutput = "choose another output";

const adviceByCode: Readonly<Record<string, string>> = {
  ENOENT: "its folder is gone: put it back with what was in it, or choose another output",
  ENOTDIR: "a part of this path is a file, not a folder: choose another output",
  EACCES: rights,
  EPERM: rights,
  EISDIR: otherOutput,
  ELOOP: otherOutput,
  ENAMETOOLONG: otherOutput,
  EEXIST: "a link on this path leads nowhere: mend it, or choose another output",
  EMFILE: "raise the limit of open files (`ulimit -n`), then start again",
  EROFS: "the file system is read-only: mount it for writing, or choose another output",
  EFBIG:
    "the file may not grow (`ulimit -f`, or a limit of the file system): raise the limit, then start again",
};
