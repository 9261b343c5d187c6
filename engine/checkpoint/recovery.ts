import type { ErrorCode } from "../core/errors.ts";
import type { CommitRecord } from "./commit-record.ts";
import type { DeliveryMark } from "./delivery.ts";
import type { Head } from "./head.ts";
import type { Identity } from "./identity.ts";

/** What was found of one output file. */
export interface FileFacts {
  readonly path: string;
  /** Bytes; undefined if there is no file. */
  readonly length: number | undefined;
  readonly mark: (DeliveryMark & { readonly length: number }) | undefined;
  /** True if the file that was committed for this sink lies elsewhere, as long as it was then. */
  readonly isLeftBehind?: boolean;
  /** True if the bytes that were committed have been read, and are others now. */
  readonly changed?: boolean;
}

/** Everything that the decision after a start depends on, gathered before anything is changed. */
export interface RecoveryFacts {
  readonly job: string;
  /** Undefined: the state directory is fresh. */
  readonly identity: Identity | undefined;
  readonly head: Head | undefined;
  /** The newest valid commit record; an invalid one has already stopped the start. */
  readonly commit: CommitRecord | undefined;
  readonly files: Readonly<Record<string, FileFacts>>;
  readonly targets: Readonly<Record<string, DeliveryMark | undefined>>;
  /** Targets whose outbox of the newest commit is missing or does not verify. */
  readonly damagedOutboxes?: readonly string[];
  readonly overwrite: boolean;
}

export type RecoveryDecision = Recover | Refuse;

export interface Recover {
  readonly kind: "recover";
  /** The newest committed epoch; 0 before the first. */
  readonly epoch: number;
  /** To which length each output file is cut (or made). */
  readonly lengths: Readonly<Record<string, number>>;
  /**
   * Files whose marker lags behind the commit, those of epoch 0 with the genesis hash included: a marker that an
   * earlier run left must be gone before the first record, or the next start would take the file for a stranger's.
   */
  readonly publish: readonly string[];
  /** Targets that have not got the newest committed epoch yet. */
  readonly deliver: readonly string[];
}

interface Refuse {
  readonly kind: "refuse";
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** Decides from the facts alone what a start has to do (design.md section 2, step 4). No I/O, no clock. */
export function decideRecovery(facts: RecoveryFacts): RecoveryDecision {
  const { commit } = facts;
  const epoch = commit?.epoch ?? 0;
  const lengths: Record<string, number> = {};
  const publish: string[] = [];
  const deliver: string[] = [];
  const fault = logFault(facts);
  if (fault !== undefined) return fault;
  for (const [id, file] of Object.entries(facts.files)) {
    const decision = decideFile(facts, id, file);
    if (decision.kind === "refuse") return decision;
    lengths[id] = decision.length;
    if (decision.publish) publish.push(id);
  }
  for (const [id, mark] of Object.entries(facts.targets)) {
    const decision = decideTarget(facts, id, mark);
    if (typeof decision !== "boolean") return decision;
    if (decision) deliver.push(id);
  }
  return { kind: "recover", epoch, lengths, publish, deliver };
}

function refuse(code: ErrorCode, message: string, hint: string): Refuse {
  return { kind: "refuse", code, message, hint };
}

const restore = "restore the state directory from a backup; nothing was written";

/** Identity, head and log must tell one story; the log may be one epoch ahead of the head. */
function logFault({ identity, head, commit, job }: RecoveryFacts): Refuse | undefined {
  if (identity === undefined) {
    return commit === undefined
      ? undefined
      : refuse(
          "STATE_CORRUPT",
          "the state directory has a log but its identity file is gone",
          restore,
        );
  }
  if (identity.job !== job) {
    return refuse(
      "STATE_FOREIGN",
      `the state directory belongs to the job "${identity.job}", not to "${job}"`,
      "give this job another --state-dir",
    );
  }
  if (head === undefined) {
    return refuse("STATE_CORRUPT", "the state directory has lost its head file", restore);
  }
  const epoch = commit?.epoch ?? 0;
  const level = head.epoch === epoch && (commit === undefined || head.hash === commit.hash);
  const ahead = head.epoch + 1 === epoch && head.hash === commit?.previousHash;
  if (level || ahead) return undefined;
  return refuse(
    "STATE_CORRUPT",
    `the state log ends at epoch ${epoch}, but epoch ${head.epoch} had been committed`,
    restore,
  );
}

type FileDecision =
  | Refuse
  | { readonly kind: "keep"; readonly length: number; readonly publish: boolean };

/** What is committed of a sink's file. One that was renamed goes on with the file that lies under its path. */
export function committedFile(
  commit: CommitRecord | undefined,
  id: string,
  path: string,
): CommitRecord["files"][string] | undefined {
  return commit?.files[id] ?? Object.values(commit?.files ?? {}).find((one) => one.path === path);
}

function decideFile(facts: RecoveryFacts, id: string, file: FileFacts): FileDecision {
  const { commit } = facts;
  const committed = committedFile(commit, id, file.path);
  if (commit === undefined || committed === undefined) return decideNewFile(facts, id, file);
  const { mark } = file;
  // A folder that was moved as a whole keeps its marker; any other change of the path begins a new output.
  const isTaken = Object.entries(commit.files).some(
    ([other, { path }]) => other !== id && path === file.path,
  );
  const isMoved = mark !== undefined && isOurs(facts, mark) && !isTaken;
  if (committed.path !== file.path && !isMoved) {
    if (committed.length > 0 && file.isLeftBehind !== true) {
      return refuse(
        "OUTPUT_DAMAGED",
        `${committed.path} of sink ${id}, with ${committed.length} bytes that had been committed, is gone, and ${file.path} is another output`,
        "restore it beside the state: nothing makes these outputs again",
      );
    }
    return decideNewFile(facts, id, file);
  }
  if (mark !== undefined) {
    if (!isOurs(facts, mark)) return foreignFile(file.path, mark);
    if (!fitsCommit(mark, commit, committed.length)) {
      return refuse(
        "SINK_DIVERGED",
        `${file.path} is committed up to epoch ${mark.epoch} with ${mark.length} bytes, which is not what the state knows at epoch ${commit.epoch}`,
        "the state directory and the output are not of the same time: restore both from the same copy",
      );
    }
  }
  if ((file.length ?? -1) < committed.length) {
    return refuse(
      "OUTPUT_DAMAGED",
      `${file.path} has ${file.length ?? "no"} bytes, but ${committed.length} had been committed`,
      "restore the output file; nothing was written",
    );
  }
  if (file.changed === true) {
    return refuse(
      "OUTPUT_DAMAGED",
      `what was last committed of ${file.path}, up to byte ${committed.length}, is not in it any more`,
      "a disk that lost what it had confirmed does this: restore the output file; nothing was written",
    );
  }
  return { kind: "keep", length: committed.length, publish: mark?.epoch !== commit.epoch };
}

/** A file of which nothing is committed: it starts empty, and must not cost anybody an output. */
function decideNewFile(facts: RecoveryFacts, id: string, file: FileFacts): FileDecision {
  const { mark } = file;
  const start: FileDecision = { kind: "keep", length: 0, publish: true };
  // What a start of this state wrote without a commit. Its marker, if it got that far, says that nothing is valid yet.
  const isLeftover =
    facts.identity?.outputs[id] === file.path &&
    (mark === undefined || (isOurs(facts, mark) && mark.length === 0));
  if (isLeftover || (facts.overwrite && facts.commit === undefined)) return start;
  if ((file.length ?? 0) > 0) {
    return refuse(
      "OUTPUT_EXISTS",
      `the output file ${file.path} of sink ${id} already holds ${file.length} bytes`,
      facts.commit === undefined
        ? "move it away, choose another output, or start with --overwrite to replace it"
        : "the state does not know what is in it: move it away or choose another output",
    );
  }
  return mark === undefined || mark.length === 0 ? start : foreignFile(file.path, mark);
}

function foreignFile(path: string, mark: DeliveryMark): Refuse {
  return refuse(
    "OUTPUT_FOREIGN",
    `${path}.committed was written by another run (job ${mark.job}, epoch ${mark.epoch})`,
    "find out who else writes this file; each job needs its own outputs and state directory",
  );
}

function isOurs({ job, identity }: RecoveryFacts, mark: DeliveryMark): boolean {
  return mark.job === job && identity?.incarnations.includes(mark.incarnation) === true;
}

/** A marker may lag behind the commit, but never tell another story. */
function fitsCommit(
  mark: DeliveryMark & { readonly length: number },
  commit: CommitRecord,
  length: number,
): boolean {
  if (mark.epoch > commit.epoch) return false;
  if (mark.epoch === commit.epoch) return mark.hash === commit.hash && mark.length === length;
  if (mark.epoch === commit.epoch - 1 && mark.epoch > 0 && mark.hash !== commit.previousHash) {
    return false;
  }
  return mark.length <= length;
}

/** True if the newest committed epoch has to be delivered (again); a target that holds it needs nothing. */
function decideTarget(
  facts: RecoveryFacts,
  id: string,
  mark: DeliveryMark | undefined,
): Refuse | boolean {
  const { identity, commit, job } = facts;
  if (mark !== undefined && !isOurs(facts, mark)) {
    return identity === undefined
      ? refuse(
          "SINK_DIVERGED",
          `${id} already holds epoch ${mark.epoch} of the job "${job}", but the state directory is empty`,
          "restore the state directory (starting again would double every output), or give the job another name",
        )
      : refuse(
          "SINK_FENCED",
          `another copy of the job "${job}" has delivered epoch ${mark.epoch} to ${id}`,
          "stop the other copy, or give this one another name; nothing was written",
        );
  }
  // Epoch 0: a session of ours that had not delivered anything.
  if (commit === undefined) return (mark?.epoch ?? 0) === 0 ? false : diverged(id, mark, 0);
  if (mark !== undefined && mark.epoch > commit.epoch) return diverged(id, mark, commit.epoch);
  const outbox = commit.outboxes[id];
  // A target that is new in this job starts with the next epoch.
  if (outbox === undefined) return false;
  if (mark?.epoch === commit.epoch) {
    return mark.hash === commit.hash ? false : diverged(id, mark, commit.epoch);
  }
  const holdsTheOneBefore = mark?.epoch === commit.epoch - 1 && mark.hash === commit.previousHash;
  // A target that became part of the job with this epoch holds a session of ours, and what it held when it was part before.
  const isNew = mark !== undefined && outbox.since === commit.epoch;
  if (!holdsTheOneBefore && !isNew) return diverged(id, mark, commit.epoch);
  if (facts.damagedOutboxes?.includes(id) !== true) return true;
  return refuse(
    "STATE_CORRUPT",
    `the outbox of epoch ${commit.epoch} for ${id} is missing or damaged, and ${id} does not hold that epoch yet`,
    restore,
  );
}

function diverged(id: string, mark: DeliveryMark | undefined, epoch: number): Refuse {
  return refuse(
    "SINK_DIVERGED",
    `${id} holds ${mark === undefined ? "nothing" : `epoch ${mark.epoch}`} of this job, the state is at epoch ${epoch}: they do not belong together`,
    "restore state directory and topics of the same time; nothing was written",
  );
}
