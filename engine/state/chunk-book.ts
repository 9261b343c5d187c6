import type { JsonObject, JsonValue } from "../core/json.ts";
import { ChunkDigest, corrupt } from "./state-log.ts";
import type { ChunkAddress } from "./state-log.ts";

/** What a commit record says of the chunks of one state: enough to notice a missing, foreign or stale one. */
export interface ChunkFigures extends JsonObject {
  readonly chunks: number;
  readonly entries: number;
  readonly digest: string;
}

/** The live chunks of one state and their figures. */
export class ChunkBook<C extends { readonly address: ChunkAddress; readonly entries: number }> {
  #chunks: C[] = [];
  #entries = 0;
  readonly #digest = new ChunkDigest();

  add(chunk: C): void {
    this.#chunks.push(chunk);
    this.#entries += chunk.entries;
    this.#digest.toggle(chunk.address);
  }

  /** Takes out and gives the chunks that are not alive. */
  removeUnless(isAlive: (chunk: C) => boolean): ChunkAddress[] {
    const removed: ChunkAddress[] = [];
    this.#chunks = this.#chunks.filter((chunk) => {
      if (isAlive(chunk)) return true;
      removed.push(chunk.address);
      this.#entries -= chunk.entries;
      this.#digest.toggle(chunk.address);
      return false;
    });
    return removed;
  }

  get figures(): ChunkFigures {
    return {
      chunks: this.#chunks.length,
      entries: this.#entries,
      digest: this.#digest.hex,
    };
  }

  /** Throws STATE_CORRUPT unless the chunks that were read are those of the commit record. */
  verify(committed: JsonValue, state: string): void {
    const found = this.figures;
    const expected = isFigures(committed) ? committed : undefined;
    if (expected === undefined) throw corrupt(`the commit record does not describe ${state}`);
    for (const name of ["chunks", "entries", "digest"] as const) {
      if (found[name] !== expected[name]) {
        throw corrupt(`${state} has ${name} ${found[name]}, its commit record ${expected[name]}`);
      }
    }
  }
}

function isFigures(value: JsonValue): value is ChunkFigures {
  return typeof value === "object" && value !== null && "chunks" in value && "digest" in value;
}
