import { EngineError } from "../core/errors.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { canonicalJson, sha256 } from "./canonical-json.ts";

/** A small JSON file with a checksum over its content, so that a flipped bit is noticed. */
export function sealText(content: JsonObject): Buffer {
  const checksum = sha256(canonicalJson(content));
  return Buffer.from(`${JSON.stringify({ content, checksum }, null, 2)}\n`);
}

/** The content; throws STATE_CORRUPT if it is not what was written. */
export function unsealText(bytes: Uint8Array, path: string): JsonObject {
  let sealed: unknown;
  try {
    sealed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw damaged(path, error);
  }
  if (!isSealed(sealed) || sha256(canonicalJson(sealed.content)) !== sealed.checksum) {
    throw damaged(path, undefined);
  }
  return sealed.content;
}

function isSealed(value: unknown): value is { content: JsonObject; checksum: string } {
  if (typeof value !== "object" || value === null) return false;
  const { content, checksum } = value as { content?: JsonValue; checksum?: JsonValue };
  return typeof checksum === "string" && typeof content === "object" && content !== null;
}

function damaged(path: string, cause: unknown): EngineError {
  return new EngineError("STATE_CORRUPT", `${path} is damaged`, {
    hint: "It is never repaired by guessing. Restore the whole state directory from a copy, or start over with an empty one.",
    cause,
  });
}
