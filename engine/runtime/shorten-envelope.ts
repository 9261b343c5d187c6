import { createHash } from "node:crypto";
import { serializeValue } from "../core/json-text.ts";
import type { ValueObject } from "../core/value.ts";

/**
 * An envelope whose text fits into `limitBytes`: the parsed record goes, then the original is cut, which the
 * envelope says with the whole one's length and SHA-256 (semantics.md section 1).
 */
export function shortenEnvelope(envelope: ValueObject, limitBytes: number): ValueObject {
  const original = typeof envelope["original"] === "string" ? envelope["original"] : "";
  const bytes = Buffer.from(original, envelope["encoding"] === "base64" ? "base64" : "utf8");
  const cut: Record<string, unknown> = {
    ...envelope,
    record: null,
    original: "",
    original_length: envelope["original_length"] ?? bytes.length,
    original_sha256:
      envelope["original_sha256"] ?? createHash("sha256").update(bytes).digest("hex"),
    original_cut: true,
  };
  const room = limitBytes - Buffer.byteLength(serializeValue(cut as ValueObject));
  // An escaped UTF-16 unit takes at most six bytes.
  cut["original"] = original.slice(0, Math.max(0, Math.floor(room / 6))).toWellFormed();
  return cut as ValueObject;
}
