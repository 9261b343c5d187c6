import type { Finding } from "./finding.ts";

export type Domain = "user" | "external" | "state" | "internal";

/** Exit codes of the command line (spec.md). */
export const exitCode = {
  ok: 0,
  bug: 1,
  usage: 2,
  invalidSpec: 3,
  testsFailed: 4,
  retry: 5,
  person: 6,
} as const;

/** Every code the engine stops with; its domain and exit code. Record faults are in `fault.ts`. */
export const errorCatalog = {
  USAGE: { domain: "user", exit: exitCode.usage },
  JOB_NOT_FOUND: { domain: "user", exit: exitCode.usage },
  OUTPUT_EXISTS: { domain: "user", exit: exitCode.usage },
  OUTPUT_COLLIDES: { domain: "user", exit: exitCode.usage },
  SPEC_INVALID: { domain: "user", exit: exitCode.invalidSpec },
  INPUT_MISSING: { domain: "external", exit: exitCode.retry },
  INPUT_UNREADABLE: { domain: "external", exit: exitCode.retry },
  INPUT_UNDECODABLE: { domain: "external", exit: exitCode.person },
  INPUT_CHANGED: { domain: "external", exit: exitCode.person },
  TOPIC_MISSING: { domain: "external", exit: exitCode.retry },
  TOPIC_DAMAGED: { domain: "external", exit: exitCode.person },
  OUTPUT_UNWRITABLE: { domain: "external", exit: exitCode.retry },
  OUTPUT_FOREIGN: { domain: "external", exit: exitCode.person },
  OUTPUT_DAMAGED: { domain: "external", exit: exitCode.person },
  SINK_DIVERGED: { domain: "external", exit: exitCode.person },
  SINK_FENCED: { domain: "external", exit: exitCode.person },
  KAFKA_UNREACHABLE: { domain: "external", exit: exitCode.retry },
  KAFKA_INTERRUPTED: { domain: "external", exit: exitCode.retry },
  KAFKA_UNSUPPORTED: { domain: "external", exit: exitCode.person },
  KAFKA_REFUSED: { domain: "external", exit: exitCode.person },
  DISK_FULL: { domain: "external", exit: exitCode.retry },
  STATE_IO: { domain: "external", exit: exitCode.retry },
  STATE_LOCKED: { domain: "external", exit: exitCode.retry },
  STATE_CORRUPT: { domain: "state", exit: exitCode.person },
  STATE_FOREIGN: { domain: "state", exit: exitCode.person },
  STATE_LAYOUT_CHANGED: { domain: "state", exit: exitCode.person },
  STATE_TOO_NEW: { domain: "state", exit: exitCode.person },
  DRAINED_BEFORE_END: { domain: "external", exit: exitCode.retry },
  INTERNAL: { domain: "internal", exit: exitCode.bug },
} as const satisfies Record<string, { domain: Domain; exit: number }>;

export type ErrorCode = keyof typeof errorCatalog;

/** Whatever stops the engine in an orderly way: says what happened (`message`) and what to do (`hint`). */
export class EngineError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly findings: readonly Finding[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; cause?: unknown; findings?: readonly Finding[] } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "EngineError";
    this.code = code;
    this.hint = options.hint;
    this.findings = options.findings ?? [];
  }

  get exit(): number {
    return errorCatalog[this.code].exit;
  }
}
