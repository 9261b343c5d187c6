import { dirname } from "node:path";
import type { FileSystem } from "./file-system.ts";

/** Replaces a small file atomically and durably: temporary file, fsync, rename, fsync of its directory. */
export async function replaceFile(
  files: FileSystem,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = `${path}.tmp`;
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
