import { dirname } from "node:path";
import type { FileSystem } from "./file-system.ts";

/** Replaces a small file atomically and durably: temporary file, fsync, rename, fsync of its directory. */
export async function replaceFile(
  files: FileSystem,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = temporaryPath(path);
  const file = await files.open(temporary, "readwrite");
  try {
    await file.truncate(0);
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
  await files.syncDirectory(dirname(path));
}

/** What `replaceFile` writes before it renames. */
export function temporaryPath(path: string): string {
  return `${path}.tmp`;
}

/**
 * Makes a directory and what is missing above it, each durable before the next is made. One that exists may be left
 * from a start that was killed in between: the last that is there is therefore made durable too.
 */
export async function makeDurableDirectory(files: FileSystem, directory: string): Promise<void> {
  const missing: string[] = [];
  let last = directory;
  for (; (await files.stat(last)) === undefined; last = dirname(last)) missing.unshift(last);
  await syncParent(files, last);
  for (const path of missing) {
    await files.makeDirectory(path);
    await files.syncDirectory(dirname(path));
  }
}

async function syncParent(files: FileSystem, directory: string): Promise<void> {
  try {
    await files.syncDirectory(dirname(directory));
  } catch (error) {
    // A directory that we may not read is none in which we made something.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "EACCES" && code !== "EPERM") throw error;
  }
}
