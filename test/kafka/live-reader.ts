import { setTimeout as sleep } from "node:timers/promises";
import { spawnKafkaTool } from "./kafka-jars.ts";

const patienceMs = 60_000;

/** Where a record is and what it is: the same text for the same record. */
export function placeOf(partition: number, offset: number, value: string): string {
  return `${partition}:${offset} ${value}`;
}

/**
 * Kafka's own console consumer, which reads committed records of topics from their beginning all the while, and what
 * it has seen. After a broker's death it may see records again, which changes nothing here.
 */
export class LiveReader {
  readonly #tool;
  readonly #seen = new Set<string>();
  #complaint = "";

  /** `topics`: an expression for their names; topics that are made later are found too. */
  constructor(bootstrap: string, topics: string) {
    this.#tool = spawnKafkaTool("org.apache.kafka.tools.consumer.ConsoleConsumer", [
      ...["--bootstrap-server", bootstrap, "--include", topics],
      ...["--from-beginning", "--isolation-level", "read_committed"],
      ...["--formatter-property", "print.partition=true"],
      ...["--formatter-property", "print.offset=true"],
      ...["--command-property", "metadata.max.age.ms=500"],
    ]);
    let partial: Buffer = Buffer.alloc(0);
    this.#tool.stdout.on("data", (data: Buffer) => {
      partial = Buffer.concat([partial, data]);
      const end = partial.lastIndexOf(10) + 1;
      for (const line of partial.toString("utf8", 0, end).split("\n")) this.#take(line);
      partial = partial.subarray(end);
    });
    this.#tool.stderr.on("data", (data: Buffer) => (this.#complaint += data.toString()));
  }

  /** Gives all it has seen once it has seen all of `places`; throws if those do not come. */
  async caughtUp(places: Iterable<string>): Promise<ReadonlySet<string>> {
    const missing = new Set(places);
    for (const endMs = performance.now() + patienceMs; ; await sleep(50)) {
      for (const place of missing) if (this.#seen.has(place)) missing.delete(place);
      if (missing.size === 0) return this.#seen;
      if (performance.now() > endMs || this.#tool.exitCode !== null) {
        const [first] = missing;
        throw new Error(
          `the reader has not seen ${missing.size} records: ${first}; ${this.#complaint}`,
        );
      }
    }
  }

  async close(): Promise<void> {
    if (this.#tool.exitCode !== null) return;
    const gone = new Promise((resolve) => this.#tool.once("exit", resolve));
    this.#tool.kill("SIGKILL");
    await gone;
  }

  #take(line: string): void {
    const [, partition, offset, value] = /^Partition:(\d+)\tOffset:(\d+)\t(.*)$/su.exec(line) ?? [];
    if (value !== undefined) this.#seen.add(placeOf(Number(partition), Number(offset), value));
  }
}
