import { EngineError } from "../core/errors.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import { KeyHash } from "./key-hash.ts";
import { corrupt, stateNumberMax } from "./state-log.ts";
import type { ChunkAddress, StateLog } from "./state-log.ts";
import { matchLayouts } from "./state-layout.ts";
import type { LayoutMatch, StepLayout } from "./state-layout.ts";
import type { StepState } from "./state.ts";
import { LoggedTimedKeySet, timedKeysKind } from "./timed-key-set.ts";
import { windowsKind, WindowSnapshots } from "./window-store.ts";

export interface StateBackendOptions {
  readonly log: StateLog;
  /** The plan's `stateLayout`. */
  readonly layouts: readonly StepLayout[];
  /** `states` of the newest commit record; undefined before the first. */
  readonly committed: JsonValue | undefined;
  /** 32 hex digits, from the identity. */
  readonly hashSeed: string;
  /** Steps whose state is dropped. */
  readonly reset: readonly string[];
}

/** One named state of a step: its number in the log, its entry in the last commit, and what it became. */
interface NamedState {
  readonly name: string;
  readonly number: number;
  readonly committed: JsonObject | undefined;
  keys?: LoggedTimedKeySet;
  windows?: WindowSnapshots;
}

/** All keyed state of a run, restored from the log and handed out step by step. */
export class StateBackend {
  readonly #log: StateLog;
  readonly #hash: KeyHash;
  readonly #layouts: readonly StepLayout[];
  readonly #states: ReadonlyMap<string, NamedState>;
  readonly #committedNumbers: ReadonlySet<number>;
  /** How the plan's steps take over committed state: the same mapping holds for their clocks. */
  readonly match: LayoutMatch;

  private constructor(
    options: StateBackendOptions,
    match: LayoutMatch,
    states: ReadonlyMap<string, NamedState>,
    committedNumbers: ReadonlySet<number>,
  ) {
    this.#log = options.log;
    this.#layouts = options.layouts;
    this.#hash = new KeyHash(options.hashSeed);
    this.#states = states;
    this.#committedNumbers = committedNumbers;
    this.match = match;
  }

  /**
   * Reads and verifies the whole state; writes nothing. Throws STATE_LAYOUT_CHANGED or STATE_CORRUPT. What no commit
   * covers is dropped by `log.dropUncommitted()`, after the recovery decision and before anything new is written.
   */
  static async open(options: StateBackendOptions): Promise<StateBackend> {
    const record = options.committed === undefined ? {} : asObject(options.committed);
    const committed = readStates(record);
    const match = matchLayouts(readLayouts(record), options.layouts, options.reset);
    const numbers = new Set([...committed.values()].map(({ number }) => number));
    const states = new Map<string, NamedState>();
    let nextNumber = 1 + Math.max(0, ...numbers);
    for (const { step, states: names } of options.layouts) {
      const from = match.carried.get(step);
      for (const name of Object.keys(names)) {
        const before = from === undefined ? undefined : committed.get(`${from}/${name}`);
        const number = before?.number ?? nextNumber++;
        if (number > stateNumberMax) throw new EngineError("INTERNAL", "too many states");
        states.set(`${step}/${name}`, {
          name: `${step}/${name}`,
          number,
          committed: before?.content,
        });
      }
    }
    const backend = new StateBackend(options, match, states, numbers);
    await backend.#restore();
    return backend;
  }

  /** State of one step, for its `create`. */
  stepState(step: string): StepState {
    return {
      timedKeySet: (name, settings) => {
        const state = this.#stateOf(step, name);
        const keys = (state.keys ??= new LoggedTimedKeySet(
          state.name,
          state.number,
          this.#log,
          this.#hash,
        ));
        keys.configure(settings);
        return keys;
      },
      windowStore: (name, codec) => {
        const state = this.#stateOf(step, name);
        const windows = (state.windows ??= new WindowSnapshots(
          state.name,
          state.number,
          this.#log,
        ));
        return windows.open(codec);
      },
    };
  }

  /** Back-pressure: waits while too many chunk writes are under way; throws if one has failed. Once per batch. */
  settle(): Promise<void> {
    return this.#log.settle();
  }

  /**
   * Closes the epoch: its state is taken as it is at the call, changes made while this waits belong to the next
   * epoch. Resolves when all its chunks are durable, with `states` of the commit record.
   */
  async prepareCommit(epoch: number): Promise<JsonObject> {
    if (epoch !== this.#log.epoch) {
      throw new EngineError(
        "INTERNAL",
        `epoch ${epoch} is out of order, ${this.#log.epoch} is open`,
      );
    }
    const record: { [step: string]: JsonObject } = {};
    const dead: ChunkAddress[] = [];
    for (const { step, type, states, layout } of this.#layouts) {
      const entries: { [name: string]: JsonObject } = {};
      for (const [name, { version }] of Object.entries(states)) {
        const state = this.#stateOf(step, name);
        const prepared = (state.keys ?? state.windows)?.prepareCommit();
        for (const address of prepared?.dead ?? []) dead.push(address);
        const content = prepared?.record ?? null;
        entries[name] = { number: state.number, version, content };
      }
      record[step] = { type, layout, states: entries };
    }
    await this.#log.closeEpoch();
    this.#log.discard(dead, epoch);
    return record;
  }

  /** After the commit record of this epoch is durable: removes what it no longer covers. */
  committed(): Promise<void> {
    return this.#log.prune();
  }

  async #restore(): Promise<void> {
    const byNumber = new Map<number, NamedState>();
    for (const state of this.#states.values()) {
      if (state.committed === undefined) continue;
      byNumber.set(state.number, state);
      if (state.committed["kind"] === timedKeysKind) {
        state.keys = new LoggedTimedKeySet(state.name, state.number, this.#log, this.#hash);
        state.keys.beginRestore(state.committed);
      } else if (state.committed["kind"] === windowsKind) {
        state.windows = new WindowSnapshots(state.name, state.number, this.#log);
        state.windows.beginRestore(state.committed);
      } else {
        throw corrupt(`the commit record describes ${state.name} wrongly`);
      }
    }
    for await (const chunk of this.#log.committedChunks()) {
      const state = byNumber.get(chunk.address.state);
      const isLive =
        state?.keys?.restoreChunk(chunk) ??
        state?.windows?.restoreChunk(state.committed ?? {}, chunk) ??
        false;
      // A state that `--reset` drops is still covered by the last commit: it goes after the next one.
      const isReset = state === undefined && this.#committedNumbers.has(chunk.address.state);
      if (!isLive) this.#log.discard([chunk.address], isReset ? this.#log.epoch : 0);
    }
    for (const { keys, windows, committed } of byNumber.values()) {
      (keys ?? windows)?.endRestore(committed ?? {});
    }
  }

  #stateOf(step: string, name: string): NamedState {
    const state = this.#states.get(`${step}/${name}`);
    if (state === undefined) throw new RangeError(`the plan has no state ${step}/${name}`);
    return state;
  }
}

function asObject(value: JsonValue | undefined): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw corrupt("the commit record describes its states wrongly");
  }
  return value as JsonObject;
}

function readLayouts(record: JsonObject): StepLayout[] {
  return Object.entries(record).map(([step, value]) => {
    const { type, layout, states } = asObject(value);
    if (typeof type !== "string") throw corrupt("the commit record has a step without a type");
    const versions: Record<string, { version: number }> = {};
    for (const [name, entry] of Object.entries(asObject(states))) {
      versions[name] = { version: numberIn(asObject(entry), "version") };
    }
    return { step, was: null, type, states: versions, layout: layout ?? null };
  });
}

function readStates(
  record: JsonObject,
): Map<string, { number: number; content: JsonObject | undefined }> {
  const states = new Map<string, { number: number; content: JsonObject | undefined }>();
  for (const [step, value] of Object.entries(record)) {
    for (const [name, entry] of Object.entries(asObject(asObject(value)["states"]))) {
      const content = asObject(entry)["content"];
      states.set(`${step}/${name}`, {
        number: numberIn(asObject(entry), "number"),
        content: content === null ? undefined : asObject(content),
      });
    }
  }
  return states;
}

function numberIn(object: JsonObject, name: string): number {
  const value = object[name];
  if (typeof value !== "number") throw corrupt(`the commit record has no ${name}`);
  return value;
}
