import { dirname, join } from "node:path";
import { replaceFile } from "../../core/durable-file.ts";
import { EngineError } from "../../core/errors.ts";
import type { Failpoints } from "../../core/failpoints.ts";
import type { File, FileSystem } from "../../core/file-system.ts";
import {
  encodeEntry,
  encodeSeal,
  journalHeader,
  scanJournal,
  sealBytes,
} from "./journal-format.ts";
import { damaged } from "./topics-error.ts";
import type { JournalEntry } from "./topics-state.ts";
import { TopicsState } from "./topics-state.ts";

/** An entry without its number, which the journal gives. */
export type NewEntry = JournalEntry extends infer Entry
  ? Entry extends JournalEntry
    ? Omit<Entry, "seq">
    : never
  : never;

/** Reads, written while a crashed writer's tail is replaced, may mix old and new bytes: damage must show this often. */
const damageReadsMax = 3;

/**
 * The one commit point of a topics folder, followed from where the last look ended. Any number of processes follow it
 * without a lock; `recover`, `append` and `create` need the folder's mutex.
 */
export class Journal {
  readonly path: string;
  readonly #files: FileSystem;
  readonly #mode: "read" | "readwrite";
  #state = new TopicsState();
  #file: File | undefined;
  #identity = "";
  /** Whether its name is known to be durable: who put it in place may have been killed before that. */
  #nameIsDurable = false;
  /** Place behind the last valid frame. */
  #end = 0;
  /** The last entry, as long as no seal says that it was synced. */
  #unsealed: { readonly at: number; readonly bytes: Buffer } | undefined;

  constructor(directory: string, files: FileSystem, mode: "read" | "readwrite") {
    this.path = join(directory, "journal");
    this.#files = files;
    this.#mode = mode;
  }

  get state(): TopicsState {
    return this.#state;
  }

  get bytes(): number {
    return this.#end;
  }

  get exists(): boolean {
    return this.#file !== undefined;
  }

  /**
   * Takes in what has been written since. True if there was something. What it takes in is durable: an entry whose
   * writer has not sealed it is synced here, so that no reader can have gone beyond what survives a power loss.
   */
  async refresh(): Promise<boolean> {
    const facts = await this.#files.stat(this.path);
    if (facts === undefined) {
      const had = this.exists;
      await this.close();
      return had;
    }
    if (this.#file !== undefined && facts.identity === this.#identity) {
      if (facts.size === this.#end) return false;
      return this.#take(this.#file);
    }
    await this.close();
    const file = await this.#open(facts.identity);
    if (file === undefined) return true;
    try {
      await this.#checkHeader(file);
      this.#end = journalHeader.length;
      await this.#take(file);
      if (this.#state.seq === 0) throw damaged(this.path, this.#end, "its first entry is missing");
    } catch (error) {
      await this.close();
      await file.close();
      throw error;
    }
    this.#file = file;
    return true;
  }

  /** Makes the first journal of a folder. */
  async create(): Promise<void> {
    await this.#replace(journalFile(this.#state, 1));
  }

  /**
   * Readies the journal for the next entry: makes its name durable; cuts a torn tail; writes an entry that nobody has
   * sealed once more before it syncs and seals it, since a sync that failed may have left it in memory only.
   */
  async recover(): Promise<void> {
    const file = this.#opened();
    if (!this.#nameIsDurable) await this.#files.syncDirectory(dirname(this.path));
    this.#nameIsDurable = true;
    if ((await file.size()) > this.#end) await file.truncate(this.#end);
    if (this.#unsealed === undefined) return;
    await file.write(this.#unsealed.bytes, this.#unsealed.at);
    await file.sync();
    await this.#seal(file);
  }

  /** Decides: from here on every reader sees what the entry says. After an error, `close` and look again. */
  async append(entry: NewEntry, failpoints?: Failpoints): Promise<void> {
    const file = this.#opened();
    const numbered = { ...entry, seq: this.#state.seq + 1 } as JournalEntry;
    const bytes = encodeEntry(numbered);
    await failpoints?.hit("embedded.journal.before");
    await file.write(bytes, this.#end);
    await file.sync();
    await failpoints?.hit("embedded.journal.after");
    if (!this.#state.apply(numbered))
      throw new EngineError("INTERNAL", "journal entry does not fit");
    this.#end += bytes.length;
    await this.#seal(file);
  }

  /** Replaces the journal by one that holds only what its entries add up to. Readers notice by its identity. */
  async compact(): Promise<void> {
    await this.#replace(journalFile(this.#state, this.#state.seq));
  }

  async #replace(bytes: Buffer): Promise<void> {
    await replaceFile(this.#files, this.path, bytes);
    await this.refresh();
    this.#nameIsDurable = true;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#state = new TopicsState();
    this.#identity = "";
    this.#nameIsDurable = false;
    this.#end = 0;
    this.#unsealed = undefined;
    await file?.close();
  }

  #opened(): File {
    if (this.#file === undefined) throw new EngineError("INTERNAL", "journal is not open");
    return this.#file;
  }

  /** Opens the file of this identity; the next one if it is replaced meanwhile. */
  async #open(identity: string): Promise<File | undefined> {
    for (let expected = identity; ;) {
      const file = await this.#openExisting();
      let found: string | undefined;
      try {
        found = (await this.#files.stat(this.path))?.identity;
      } finally {
        if (found !== expected) await file?.close();
      }
      if (found === undefined) return undefined;
      if (found === expected && file !== undefined) {
        this.#identity = expected;
        return file;
      }
      expected = found;
    }
  }

  async #openExisting(): Promise<File | undefined> {
    try {
      return await this.#files.open(this.path, this.#mode);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  async #checkHeader(file: File): Promise<void> {
    const header = await readAt(file, 0, Buffer.allocUnsafeSlow(journalHeader.length));
    if (!header.equals(journalHeader)) {
      throw damaged(this.path, 0, "it does not start as a journal of this version");
    }
  }

  async #take(file: File): Promise<boolean> {
    for (let reads = 1; ; reads += 1) {
      const size = await file.size();
      if (size < this.#end)
        throw damaged(this.path, size, `it was cut, ${this.#end} bytes were there`);
      const bytes = await readAt(file, this.#end, Buffer.allocUnsafeSlow(size - this.#end));
      const scan = scanJournal(bytes, this.#end);
      if (scan.damagedAt !== undefined) {
        if (reads < damageReadsMax) continue;
        throw damaged(this.path, scan.damagedAt, "an entry does not match its checksum");
      }
      if (scan.end === this.#end) return false;
      const last = scan.entries.at(-1);
      if (!scan.sealed) await file.sync();
      for (const { entry, at } of scan.entries) {
        if (!this.#state.apply(entry))
          throw damaged(this.path, at, "an entry is missing before it");
      }
      if (scan.sealed) {
        this.#unsealed = undefined;
      } else if (last !== undefined) {
        const start = last.at - this.#end;
        this.#unsealed = { at: last.at, bytes: bytes.subarray(start, scan.end - this.#end) };
      }
      this.#end = scan.end;
      return scan.entries.length > 0;
    }
  }

  /** Not synced: a seal that is lost is written again with its entry. */
  async #seal(file: File): Promise<void> {
    await file.write(encodeSeal(this.#end), this.#end);
    this.#end += sealBytes;
    this.#unsealed = undefined;
  }
}

function journalFile(state: TopicsState, seq: number): Buffer {
  const entry = encodeEntry({ seq, kind: "snapshot", snapshot: state.snapshot() });
  return Buffer.concat([journalHeader, entry, encodeSeal(journalHeader.length + entry.length)]);
}

/** Reads into `bytes` what lies at `position`; the part of them that was filled, less at the end of the file. */
export async function readAt(file: File, position: number, bytes: Buffer): Promise<Buffer> {
  let filled = 0;
  while (filled < bytes.length) {
    const read = await file.read(bytes.subarray(filled), position + filled);
    if (read === 0) break;
    filled += read;
  }
  return filled === bytes.length ? bytes : bytes.subarray(0, filled);
}
