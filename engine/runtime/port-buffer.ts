import type { StreamRecord } from "../core/record.ts";

/**
 * What stands at one place of a port's stream. `ghost`: the record was settled elsewhere but its time counts here.
 * `watermark`: the lane promises nothing older than `eventTimeMs`. `idle`: the lane rests until its next record.
 */
export type RowKind = 0 | 1 | 2 | 3;
export const recordRow = 0;
export const ghostRow = 1;
export const watermarkRow = 2;
export const idleRow = 3;

/** What a mark needs to find its place: the same fields that a record has. */
export interface Mark {
  readonly lane: number;
  readonly sequence: number;
  /** The promised watermark. */
  readonly eventTimeMs: number;
}

/** Rows and their kinds, in causal order. */
export interface PortRows {
  readonly kinds: readonly RowKind[];
  readonly rows: readonly (StreamRecord | Mark)[];
}

/** The rows of one port in one batch, in causal order. Ghosts and marks only where a clock downstream needs them. */
export class PortBuffer implements PortRows {
  readonly kinds: RowKind[] = [];
  readonly rows: (StreamRecord | Mark)[] = [];
  /** Nobody reads the port: rows are only counted by the node. */
  readonly read: boolean;
  /** A stateful step stands downstream, with no aggregate in between. */
  readonly carriesTime: boolean;

  constructor(options: { read: boolean; carriesTime: boolean }) {
    this.read = options.read;
    this.carriesTime = options.carriesTime;
  }

  push(kind: RowKind, row: StreamRecord | Mark): void {
    this.kinds.push(kind);
    this.rows.push(row);
  }

  /** Puts rows where there are none. */
  put({ kinds, rows }: PortRows): void {
    for (const [index, kind] of kinds.entries())
      this.push(kind, rows[index] as StreamRecord | Mark);
  }

  /** Takes all rows out. */
  take(): PortRows {
    return { kinds: this.kinds.splice(0), rows: this.rows.splice(0) };
  }

  clear(): void {
    this.kinds.length = 0;
    this.rows.length = 0;
  }
}

/** Calls `visit` for the rows of all buffers in order of (sequence, position in the input list). */
export function mergeInOrder(
  buffers: readonly PortBuffer[],
  visit: (input: number, kind: RowKind, row: StreamRecord | Mark) => void,
): void {
  const [only] = buffers;
  if (buffers.length === 1 && only !== undefined) {
    for (let index = 0; index < only.rows.length; index++) {
      visit(0, only.kinds[index] as RowKind, only.rows[index] as StreamRecord | Mark);
    }
    return;
  }
  const next = buffers.map(() => 0);
  for (;;) {
    let chosen = -1;
    let smallest = Infinity;
    for (let input = 0; input < buffers.length; input++) {
      const row = buffers[input]?.rows[next[input] as number];
      if (row !== undefined && row.sequence < smallest) {
        smallest = row.sequence;
        chosen = input;
      }
    }
    const buffer = buffers[chosen];
    if (buffer === undefined) return;
    const index = next[chosen] as number;
    next[chosen] = index + 1;
    visit(chosen, buffer.kinds[index] as RowKind, buffer.rows[index] as StreamRecord | Mark);
  }
}
