import { join } from "node:path";
import { replaceFile } from "../core/durable-file.ts";
import { EngineError } from "../core/errors.ts";
import type { Failpoints } from "../core/failpoints.ts";
import type { FileSystem } from "../core/file-system.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { sealText, unsealText } from "./sealed-file.ts";

/** Format of everything in a state directory; raised when an older release could not read it. */
export const stateFormatVersion = 1;

/** What a state directory belongs to. Without this file the directory is fresh. */
export interface Identity {
  readonly formatVersion: number;
  readonly job: string;
  /** The plan's `stateLayout` at the last start, for people; the commit record's own is the one that counts. */
  readonly layout: JsonValue;
  /** Absolute path by positioned sink. */
  readonly outputs: { readonly [sink: string]: string };
  /** Resolved start positions by source: so `latest` cannot move between a crash and the first commit. */
  readonly startPositions: { readonly [source: string]: readonly JsonValue[] };
  /** 32 hex digits: key of the dedup hash. Never changes. */
  readonly hashSeed: string;
  /** Every incarnation that ever ran on this state, this one last. */
  readonly incarnations: readonly string[];
}

const fileName = "identity";

/** Undefined if there is none. Throws STATE_CORRUPT, STATE_TOO_NEW. */
export async function readIdentity(
  files: FileSystem,
  directory: string,
): Promise<Identity | undefined> {
  const path = join(directory, fileName);
  const bytes = await files.readFile(path);
  if (bytes === undefined) return undefined;
  const content = unsealText(bytes, path);
  const version = content["formatVersion"];
  if (typeof version === "number" && version > stateFormatVersion) {
    throw new EngineError(
      "STATE_TOO_NEW",
      `${directory} was written by a newer release: its format is ${version}, this release reads up to ${stateFormatVersion}`,
      { hint: "Run the newer release, or use another --state-dir." },
    );
  }
  if (!isIdentity(content)) {
    throw new EngineError("STATE_CORRUPT", `${path} is not an identity file`, {
      hint: "Restore the whole state directory from a copy, or start over with an empty one.",
    });
  }
  return content;
}

/** Durable when it returns. */
export async function writeIdentity(
  files: FileSystem,
  failpoints: Failpoints,
  directory: string,
  identity: Identity,
): Promise<void> {
  await failpoints.hit("identity.write.before");
  await replaceFile(files, join(directory, fileName), sealText(identity as unknown as JsonObject));
  await failpoints.hit("identity.write.after");
}

function isIdentity(content: JsonObject): content is JsonObject & Identity {
  return (
    typeof content["formatVersion"] === "number" &&
    typeof content["job"] === "string" &&
    typeof content["hashSeed"] === "string" &&
    Array.isArray(content["incarnations"]) &&
    typeof content["outputs"] === "object" &&
    typeof content["startPositions"] === "object"
  );
}
