/** Contracts of keyed state. Single writer: everything here is called from the state thread, synchronously. */
import type { JsonValue } from "../core/json.ts";

/** Turns working values into JSON and back; a change of meaning raises `version`. */
export interface Codec<V> {
  readonly version: number;
  encode(value: V): JsonValue;
  decode(json: JsonValue): V;
}

/**
 * Key -> time bucket, for deduplication. `timeMs` must be a multiple of the set's `granularityMs`.
 * `get` sees this run's own puts. Keys are canonical key text (`core/key.ts`).
 */
export interface TimedKeySet {
  /** The largest time put for this key; undefined if none or expired. */
  get(key: string): number | undefined;
  put(key: string, timeMs: number): void;
  /** Forgets every key whose `timeMs + ttlMs <= watermarkMs`; called as the watermark rises, cheap when nothing is due. */
  expire(watermarkMs: number): void;
  readonly size: number;
}

/** Open windows: (window start, key) -> accumulator. Values are changed in place by their owner. */
export interface WindowStore<V> {
  get(startMs: number, key: string): V | undefined;
  put(startMs: number, key: string, value: V): void;
  /** Every open window start, in no order. */
  starts(): Iterable<number>;
  /** Entries of one window in order of their encoded key. */
  entries(startMs: number): readonly (readonly [key: string, value: V])[];
  remove(startMs: number): void;
  /** Number of open windows (start and key). */
  readonly size: number;
}

/** What a step asks for when it is created; one name per step, layout known from the plan. */
export interface StepState {
  timedKeySet(name: string, options: { ttlMs: number; granularityMs: number }): TimedKeySet;
  windowStore<V>(name: string, codec: Codec<V>): WindowStore<V>;
}
