import { join } from "node:path";
import { makeDurableDirectory } from "../core/durable-file.ts";
import { EngineError } from "../core/errors.ts";
import type { Failpoints } from "../core/failpoints.ts";
import type { FileSystem } from "../core/file-system.ts";
import type { JsonValue } from "../core/json.ts";
import { acquireDirectoryLock } from "../state/directory-lock.ts";
import type { DirectoryMutex, LockOwner } from "../state/directory-lock.ts";
import { LevelLogStore } from "../state/level-log-store.ts";
import { withStateErrors } from "../state/file-errors.ts";
import type { LogStore, OpenLogStore } from "../state/log-store.ts";
import { StateLog } from "../state/state-log.ts";
import { chainCommit, decodeCommit, encodeCommit, genesisHash } from "./commit-record.ts";
import type { CommitContent, CommitRecord } from "./commit-record.ts";
import { CommitPermit } from "./delivery.ts";
import { readHead, writeHead } from "./head.ts";
import type { Head } from "./head.ts";
import { readIdentity, writeIdentity } from "./identity.ts";
import type { Identity } from "./identity.ts";
import { isUnfinishedOutbox, removeOutboxes } from "./outbox.ts";

export interface StateDirectoryOptions {
  readonly files: FileSystem;
  readonly failpoints: Failpoints;
  /** Absolute. */
  readonly path: string;
  readonly owner: LockOwner;
  /** Default: Level. */
  readonly openLogStore?: OpenLogStore;
}

const logFolder = "log";
const outboxFolder = "outbox";

/**
 * One job's state directory, locked: identity, head, log and outbox (design.md section 2). Opening only reads; the
 * facts it found go into the recovery decision, and what changes anything is called after that decision.
 */
export class StateDirectory {
  readonly path: string;
  readonly #files: FileSystem;
  readonly #failpoints: Failpoints;
  readonly #lock: DirectoryMutex;
  readonly #openLogStore: OpenLogStore;
  #identity: Identity | undefined;
  #head: Head | undefined;
  #newest: CommitRecord | undefined;
  #store: LogStore | undefined;
  #log: StateLog | undefined;

  private constructor(options: StateDirectoryOptions, lock: DirectoryMutex) {
    this.path = options.path;
    this.#files = options.files;
    this.#failpoints = options.failpoints;
    this.#lock = lock;
    this.#openLogStore = options.openLogStore ?? ((path, how) => LevelLogStore.open(path, how));
  }

  /**
   * Takes the lock and reads what is there. Throws STATE_LOCKED before touching anything, STATE_CORRUPT, STATE_TOO_NEW,
   * STATE_IO, DISK_FULL.
   */
  static async open(options: StateDirectoryOptions): Promise<StateDirectory> {
    const lock = await withStateErrors(options.path, async () => {
      await makeDurableDirectory(options.files, options.path);
      return acquireDirectoryLock(options.files, options.path, options.owner);
    });
    const directory = new StateDirectory(options, lock);
    try {
      await withStateErrors(options.path, () => directory.#read());
    } catch (error) {
      await directory.close().catch(() => undefined);
      throw error;
    }
    return directory;
  }

  /** Undefined: the directory is fresh. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  get head(): Head | undefined {
    return this.#head;
  }

  /** The newest commit record, verified; undefined before the first. */
  get newest(): CommitRecord | undefined {
    return this.#newest;
  }

  /** There from `create` on, or at once if the directory is not fresh. */
  get log(): StateLog {
    if (this.#log === undefined) throw new EngineError("INTERNAL", "the state directory is fresh");
    return this.#log;
  }

  /** Makes a fresh directory this job's: the identity, written last, is what makes it so. */
  async create(identity: Identity): Promise<void> {
    if (this.#identity !== undefined) {
      throw new EngineError("INTERNAL", "the state directory has an identity already");
    }
    await withStateErrors(this.path, async () => {
      // Whatever is here is left from a first start that did not get as far as the identity.
      await this.#files.remove(join(this.path, logFolder));
      await this.#files.remove(join(this.path, outboxFolder));
      await this.#files.makeDirectory(join(this.path, outboxFolder));
      await this.#openLog(true);
      await this.#files.syncDirectory(this.path);
    });
    await this.#setHead({ epoch: 0, hash: genesisHash, summary: null });
    await this.updateIdentity(identity);
  }

  /** Replaces the identity file: a new incarnation, another layout, more outputs. */
  async updateIdentity(identity: Identity): Promise<void> {
    await withStateErrors(this.path, () =>
      writeIdentity(this.#files, this.#failpoints, this.path, identity),
    );
    this.#identity = identity;
  }

  /**
   * After the recovery decision: takes back what no commit covers, and writes the head anew if the log was one epoch
   * ahead of it. Only then may anything be written, published or delivered.
   */
  async settle(summary: JsonValue): Promise<void> {
    await this.log.dropUncommitted();
    const newest = this.#newest;
    if (newest !== undefined && this.#head?.epoch !== newest.epoch) {
      await this.#setHead({ epoch: newest.epoch, hash: newest.hash, summary });
    }
  }

  /**
   * The decision: the commit record of the next epoch, then the head. When it resolves, the epoch may be published and
   * delivered. `content.states` comes from StateBackend.prepareCommit; outboxes and files are durable already.
   */
  async commit(content: CommitContent, summary: JsonValue): Promise<CommitRecord> {
    const record = chainCommit(this.#newest, content);
    await this.log.commit(record.epoch, encodeCommit(record));
    this.#newest = record;
    await this.#setHead({ epoch: record.epoch, hash: record.hash, summary });
    return record;
  }

  /** Proof that the newest commit is durable, for its delivery by this session. */
  permit(job: string, incarnation: string): CommitPermit {
    if (this.#newest === undefined) throw new EngineError("INTERNAL", "nothing is committed yet");
    const { epoch, hash } = this.#newest;
    return CommitPermit.afterCommit({ job, incarnation, epoch, hash });
  }

  /** Removes outboxes of epochs before `keepFromEpoch`, and unfinished ones with `unfinished` (at start). */
  async removeOutboxes(keepFromEpoch: number, unfinished: boolean): Promise<void> {
    await withStateErrors(this.path, () =>
      removeOutboxes(this.#files, this.#failpoints, this.path, { keepFromEpoch, unfinished }),
    );
  }

  /** Waits for writes under way and gives up the lock. */
  async close(): Promise<void> {
    try {
      if (this.#log === undefined) await this.#store?.close();
      else await this.#log.close();
    } finally {
      await this.#lock.release();
    }
  }

  async #read(): Promise<void> {
    this.#identity = await readIdentity(this.#files, this.path);
    this.#head = await readHead(this.#files, this.path);
    if (this.#identity === undefined) {
      await this.#checkFresh();
      return;
    }
    if (this.#head === undefined) return;
    // Before the first commit nothing has become visible: a log that a power loss left unreadable is made anew.
    // Afterwards a lost log must not look like an empty one.
    const uncommitted = this.#head.epoch === 0;
    try {
      await this.#openLog(uncommitted);
    } catch (error) {
      if (!uncommitted || !(error instanceof EngineError) || error.code !== "STATE_CORRUPT") {
        throw error;
      }
      await this.#store?.close();
      this.#store = undefined;
      await this.#files.remove(join(this.path, logFolder));
      await this.#openLog(true);
    }
    await this.#files.makeDirectory(join(this.path, outboxFolder));
    // What was made anew has to stay, before anything is committed in it.
    if (uncommitted) await this.#files.syncDirectory(this.path);
  }

  /** Without an identity there was no commit: one that is here all the same has lost its identity. */
  async #checkFresh(): Promise<void> {
    const epoch = this.#head?.epoch ?? 0;
    const commits = (await this.#files.list(join(this.path, outboxFolder))).some(
      (name) => !isUnfinishedOutbox(name),
    );
    if (epoch > 0 || commits) {
      throw new EngineError(
        "STATE_CORRUPT",
        `The state directory ${this.path} has lost its identity file, but holds committed work`,
        {
          hint: "Restore the whole state directory from a copy, or start over with an empty one.",
        },
      );
    }
    this.#head = undefined;
  }

  async #openLog(createIfMissing: boolean): Promise<void> {
    this.#store = await this.#openLogStore(join(this.path, logFolder), { createIfMissing });
    this.#log = await StateLog.open(this.#store, this.#failpoints);
    const newest = this.#log.newest;
    this.#newest = newest === undefined ? undefined : decodeCommit(newest.epoch, newest.content);
  }

  async #setHead(head: Head): Promise<void> {
    await withStateErrors(this.path, () =>
      writeHead(this.#files, this.#failpoints, this.path, head),
    );
    this.#head = head;
  }
}
