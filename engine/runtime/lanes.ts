/**
 * One stream of records in log order: a source partition, or the one output of an aggregate
 * (semantics.md section 2). Lanes are numbered for the run; commit records name them.
 */
export interface Lane {
  /** `orders/0` for a partition, `by_region` for an aggregate's output. */
  readonly name: string;
  /** B: how far its watermark trails its largest event time; Infinity where only marks raise it. */
  readonly maxOutOfOrdernessMs: number;
}

export class Lanes {
  readonly #lanes: Lane[] = [];
  readonly #numbers = new Map<string, number>();

  add(lane: Lane): number {
    const number = this.#lanes.length;
    this.#lanes.push(lane);
    this.#numbers.set(lane.name, number);
    return number;
  }

  at(number: number): Lane {
    const lane = this.#lanes[number];
    if (lane === undefined) throw new RangeError(`no lane ${number}`);
    return lane;
  }

  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }
}

export function partitionLaneName(sourceId: string, partition: number): string {
  return `${sourceId}/${partition}`;
}
