import { join } from "node:path";
import { replaceFile } from "../core/durable-file.ts";
import { EngineError } from "../core/errors.ts";
import type { Failpoints } from "../core/failpoints.ts";
import type { FileSystem } from "../core/file-system.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { sealText, unsealText } from "./sealed-file.ts";

/**
 * The newest commit, kept beside the log and replaced after each commit record, before anything of the epoch becomes
 * visible: so a log that has lost its tail is noticed. `pipeline state` reads it while the job runs.
 */
export interface Head {
  /** 0 before the first commit. */
  readonly epoch: number;
  readonly hash: string;
  readonly summary: JsonValue;
}

const fileName = "head";

/** Undefined if there is none. Throws STATE_CORRUPT. */
export async function readHead(files: FileSystem, directory: string): Promise<Head | undefined> {
  const path = join(directory, fileName);
  const bytes = await files.readFile(path);
  if (bytes === undefined) return undefined;
  const { epoch, hash, summary } = unsealText(bytes, path);
  if (typeof epoch !== "number" || typeof hash !== "string") {
    throw new EngineError("STATE_CORRUPT", `${path} is not a head file`);
  }
  return { epoch, hash, summary: summary ?? null };
}

/** Durable when it returns. */
export async function writeHead(
  files: FileSystem,
  failpoints: Failpoints,
  directory: string,
  head: Head,
): Promise<void> {
  await failpoints.hit("commit.head.before");
  await replaceFile(files, join(directory, fileName), sealText(head as unknown as JsonObject));
  await failpoints.hit("commit.head.after");
}
