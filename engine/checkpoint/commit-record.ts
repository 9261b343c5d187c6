import { EngineError } from "../core/errors.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { canonicalJson, sha256 } from "./canonical-json.ts";

/** What an epoch's outbox file holds; with no records there is no file. */
export interface OutboxFacts {
  readonly records: number;
  readonly bytes: number;
  /** SHA-256 of the file, 64 hex digits. */
  readonly digest: string;
  /** Names of the topics by the numbers in the file. */
  readonly topics: readonly string[];
}

interface CommittedOutbox extends OutboxFacts {
  /** First epoch that this target has been part of without a break: before it, the target holds no mark. */
  readonly since: number;
}

interface CommittedFile {
  readonly path: string;
  readonly length: number;
  /** What was last written, up to `length`. Records of release 0.1 have none. */
  readonly tail?: readonly FileSegment[];
}

/** The bytes of an output file from `from` to before `to`, and their CRC-32. */
export interface FileSegment {
  readonly from: number;
  readonly to: number;
  readonly crc32: number;
}

/** Everything that a commit decides, before it is chained. */
export interface CommitContent {
  /** Where each partition of each source resumes. */
  readonly positions: { readonly [source: string]: readonly JsonValue[] };
  /** Clocks and watermarks by step id. */
  readonly clocks: { readonly [step: string]: JsonValue };
  /** From StateBackend.prepareCommit. */
  readonly states: JsonObject;
  /** Committed length of each positioned sink's file. */
  readonly files: { readonly [sink: string]: CommittedFile };
  /** By delivery target: every one, also without records. */
  readonly outboxes: { readonly [target: string]: CommittedOutbox };
  readonly layoutHash: string;
  /**
   * Of the boot of the machine in which it was made; "" if unknown. As long as that lasts, what was written is there,
   * whatever the disk did. Records of release 0.1 have none.
   */
  readonly bootId?: string;
  readonly counters: JsonValue;
  /** The run has reached its end: another start changes nothing. */
  readonly finished: boolean;
}

/** The durable decision of one epoch, chained to the one before. */
export interface CommitRecord extends CommitContent {
  readonly epoch: number;
  readonly previousHash: string;
  /** 64 hex digits over `previousHash` and everything else. */
  readonly hash: string;
}

/** The hash before the first epoch. */
export const genesisHash = "0".repeat(64);

/** The record of the epoch after `previous` (undefined: the first). */
export function chainCommit(
  previous: { readonly epoch: number; readonly hash: string } | undefined,
  content: CommitContent,
): CommitRecord {
  const unhashed = {
    epoch: (previous?.epoch ?? 0) + 1,
    previousHash: previous?.hash ?? genesisHash,
    positions: content.positions,
    clocks: content.clocks,
    states: content.states,
    files: content.files,
    outboxes: content.outboxes,
    layoutHash: content.layoutHash,
    bootId: content.bootId ?? "",
    counters: content.counters,
    finished: content.finished,
  };
  return {
    ...unhashed,
    hash: sha256(unhashed.previousHash, canonicalJson(unhashed as unknown as JsonObject)),
  };
}

/** The hash stands before the content it was made of, so that reading needs no second encoding. */
export function encodeCommit(record: CommitRecord): Uint8Array {
  const { hash, ...unhashed } = record;
  return Buffer.from(`${hash}\n${canonicalJson(unhashed as unknown as JsonObject)}`);
}

/** Throws STATE_CORRUPT if the hash does not fit the content, or the content this epoch. */
export function decodeCommit(epoch: number, bytes: Uint8Array): CommitRecord {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const hash = text.slice(0, 64);
  const content = text.slice(65);
  let unhashed: unknown;
  try {
    unhashed = JSON.parse(content);
  } catch (error) {
    throw invalid(epoch, error);
  }
  if (!isContent(unhashed) || unhashed.epoch !== epoch) throw invalid(epoch, undefined);
  if (sha256(unhashed.previousHash, content) !== hash) throw invalid(epoch, undefined);
  return { ...unhashed, hash };
}

function isContent(value: unknown): value is Omit<CommitRecord, "hash"> {
  if (typeof value !== "object" || value === null) return false;
  const record = value as { readonly [name: string]: unknown };
  const objects = ["positions", "clocks", "states", "files", "outboxes"].every(
    (name) => typeof record[name] === "object" && record[name] !== null,
  );
  return (
    objects &&
    typeof record["epoch"] === "number" &&
    typeof record["previousHash"] === "string" &&
    typeof record["layoutHash"] === "string" &&
    typeof record["finished"] === "boolean"
  );
}

function invalid(epoch: number, cause: unknown): EngineError {
  return new EngineError("STATE_CORRUPT", `The commit record of epoch ${epoch} does not verify`, {
    hint: "It is never repaired by guessing. Restore the whole state directory from a copy, or start over with an empty one.",
    cause,
  });
}
