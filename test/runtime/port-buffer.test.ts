import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ghostRow,
  idleRow,
  mergeInOrder,
  PortBuffer,
  recordRow,
  watermarkRow,
} from "../../engine/runtime/port-buffer.ts";
import type { RowKind } from "../../engine/runtime/port-buffer.ts";

type Row = readonly [sequence: number, kind?: RowKind];

function buffer(...rows: readonly Row[]): PortBuffer {
  const made = new PortBuffer({ read: true, carriesTime: true });
  for (const [sequence, kind = recordRow] of rows) {
    made.push(kind, { lane: 0, sequence, eventTimeMs: 0 });
  }
  return made;
}

function merged(...buffers: readonly PortBuffer[]): string[] {
  const visited: string[] = [];
  const names = ["record", "ghost", "watermark", "idle"];
  mergeInOrder(buffers, (input, kind, row) => {
    visited.push(`${row.sequence} of ${input}: ${names[kind]}`);
  });
  return visited;
}

describe("The merge of a step's inputs", () => {
  it("gives the rows of one buffer as they stand", () => {
    assert.deepEqual(merged(buffer([0], [16, ghostRow], [16, watermarkRow], [32, idleRow])), [
      "0 of 0: record",
      "16 of 0: ghost",
      "16 of 0: watermark",
      "32 of 0: idle",
    ]);
  });

  it("follows the sequence over all buffers", () => {
    assert.deepEqual(merged(buffer([16], [48]), buffer([0], [32])), [
      "0 of 1: record",
      "16 of 0: record",
      "32 of 1: record",
      "48 of 0: record",
    ]);
  });

  it("takes rows of one sequence in the order of the inputs, all of one input before the next", () => {
    assert.deepEqual(merged(buffer([16, ghostRow]), buffer([16], [16])), [
      "16 of 0: ghost",
      "16 of 1: record",
      "16 of 1: record",
    ]);
  });

  it("puts a result behind its cause and before the next row, whichever input is named first", () => {
    const causes = (): PortBuffer => buffer([0], [16]);
    const results = (): PortBuffer => buffer([1], [1, watermarkRow]);
    assert.deepEqual(merged(results(), causes()), [
      "0 of 1: record",
      "1 of 0: record",
      "1 of 0: watermark",
      "16 of 1: record",
    ]);
    assert.deepEqual(merged(causes(), results()), [
      "0 of 0: record",
      "1 of 1: record",
      "1 of 1: watermark",
      "16 of 0: record",
    ]);
  });

  it("visits nothing where there is nothing", () => {
    assert.deepEqual(merged(), []);
    assert.deepEqual(merged(buffer()), []);
    assert.deepEqual(merged(buffer(), buffer()), []);
  });

  it("visits nothing twice after the buffers were cleared", () => {
    const first = buffer([0]);
    const second = buffer([0]);
    first.clear();
    assert.deepEqual(merged(first, second), ["0 of 1: record"]);
  });
});
