import type { DeliveryMark } from "../../checkpoint/delivery.ts";
import { EngineError } from "../../core/errors.ts";
import type { FileEnd, PositionedSink, PositionedSinkFacts, SinkDefinition } from "../connector.ts";

/**
 * A file in a test's memory: lives on when its sink dies. `lines` is what was appended, `committedLines` what a
 * reader may believe. Lengths count UTF-8 bytes with newlines, as in a file.
 */
export class MemoryOutput {
  #lines: string[] = [];
  #length = 0;
  #mark: (DeliveryMark & { readonly length: number }) | undefined;
  #exists = false;

  get lines(): readonly string[] {
    return this.#lines;
  }

  get committedLines(): readonly string[] {
    return this.#linesUpTo(this.#mark?.length ?? 0);
  }

  get facts(): PositionedSinkFacts {
    return { length: this.#exists ? this.#length : undefined, mark: this.#mark };
  }

  append(line: string): void {
    this.#lines.push(line);
    this.#length += lineLength(line);
  }

  cut(length: number): void {
    this.#exists = true;
    this.#lines = this.#linesUpTo(length);
    this.#length = length;
  }

  publish(mark: DeliveryMark, length: number): void {
    this.#mark = { ...mark, length };
  }

  #linesUpTo(length: number): string[] {
    let at = 0;
    let count = 0;
    while (at < length && count < this.#lines.length) {
      at += lineLength(this.#lines[count]!);
      count += 1;
    }
    if (at !== length) {
      throw new EngineError(
        "OUTPUT_DAMAGED",
        `no line of the memory output ends at byte ${length}`,
      );
    }
    return this.#lines.slice(0, count);
  }
}

function lineLength(line: string): number {
  return Buffer.byteLength(line) + 1;
}

class MemorySink implements PositionedSink {
  readonly name: string;
  readonly paths = [];
  readonly #output: MemoryOutput;

  constructor(name: string, output: MemoryOutput) {
    this.name = name;
    this.#output = output;
  }

  async inspect(): Promise<PositionedSinkFacts> {
    return this.#output.facts;
  }

  /** Memory keeps what it was given. */
  async holds(): Promise<boolean> {
    return true;
  }

  async open(length: number): Promise<void> {
    this.#output.cut(length);
  }

  append(line: string): void {
    this.#output.append(line);
  }

  async room(): Promise<void> {}

  async flush(): Promise<FileEnd> {
    return { length: this.#output.facts.length ?? 0, tail: [] };
  }

  async publish(mark: DeliveryMark, length: number): Promise<void> {
    this.#output.publish(mark, length);
  }

  async close(): Promise<void> {}
}

/** For tests: a positioned sink of type `memory`; its `name` picks an output, which is made when missing. */
export function memorySink(outputs: Map<string, MemoryOutput>): SinkDefinition {
  return {
    type: "memory",
    summary: "Writes lines that a test reads from memory.",
    configSchema: { required: ["name"], properties: { name: { type: "string" } } },
    resolve: ({ name }) => ({ name: name! }),
    maxValueBytes: () => undefined,
    positioned(config) {
      const name = config["name"] as string;
      const output = outputs.get(name) ?? new MemoryOutput();
      outputs.set(name, output);
      return new MemorySink(name, output);
    },
  };
}
